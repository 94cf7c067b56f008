import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { Plugin } from 'vite';

/** Files below this are not worth a second one. Bytes. */
const LEAST_COMPRESSED = 1024;

/**
 * Has the page fetch the app at once, and not when what starts it runs and asks for it.
 * @param main the module that the app begins with
 */
export function preloadApp(main: string): Plugin {
  return {
    name: 'preload-app',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle = {} }) {
        const files = new Map<string, 'script' | 'style'>();
        const add = (name: string) => {
          const chunk = bundle[name];
          if (chunk?.type !== 'chunk' || chunk.isEntry || files.has(name)) return;
          files.set(name, 'script');
          for (const style of chunk.viteMetadata?.importedCss ?? []) files.set(style, 'style');
          chunk.imports.forEach(add);
        };
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === 'chunk' && chunk.moduleIds.includes(main)) add(chunk.fileName);
        }
        return Array.from(files, ([name, as]) => ({
          tag: 'link',
          injectTo: 'head' as const,
          attrs: {
            ...(as === 'script' ? { rel: 'modulepreload' } : { rel: 'preload', as }),
            crossorigin: true,
            href: `/${name}`,
          },
        }));
      },
    },
  };
}

/** Writes every asset a second and a third time, as small as it gets: a server compresses nothing then. */
export function compressFiles(): Plugin {
  return {
    name: 'compress-files',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      const compress = async (name: string) => {
        const file = path.join(dir, name);
        const bytes = await readFile(file);
        if (bytes.length < LEAST_COMPRESSED) return;
        await writeFile(`${file}.br`, await promisify(brotliCompress)(bytes));
        await writeFile(`${file}.gz`, await promisify(gzip)(bytes, { level: 9 }));
      };
      await Promise.all(
        Object.keys(bundle)
          .filter((name) => /\.(js|css|svg)$/.test(name))
          .map(compress),
      );
    },
  };
}
