import path from 'node:path';
import { defaultClientConditions, defineConfig } from 'vite';
import { compressFiles, preloadApp } from './vite-plugins.ts';

const MAIN = path.join(import.meta.dirname, 'src/main.tsx');

/** A module and what it imports, directly or not; without what is imported when it is needed. */
function reachable(
  id: string,
  importsOf: (id: string) => readonly string[],
  found = new Set<string>(),
): Set<string> {
  if (found.has(id)) return found;
  found.add(id);
  for (const next of importsOf(id)) reachable(next, importsOf, found);
  return found;
}

export default defineConfig({
  root: import.meta.dirname,
  // The workspaces are bundled from their sources: no build of theirs has to come first.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  plugins: [preloadApp(MAIN), compressFiles()],
  // tsc writes to dist, too; the server serves dist/app.
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Libraries mark their client components for frameworks that render on a server: none here.
      checks: { moduleLevelDirective: false },
      // Three files instead of a dozen small ones, which are as many requests: what makes the first
      // request of all, the app, and what only pages share that nobody starts with.
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'boot', tags: ['$initial'], priority: 2 },
            {
              name: (id, context) => {
                const importsOf = (one: string) => context.getModuleInfo(one)?.importedIds ?? [];
                const isApp = reachable(MAIN, importsOf).has(id) || id.includes('rolldown/runtime');
                return isApp ? 'app' : null;
              },
              priority: 1,
            },
            { name: 'later', minShareCount: 2 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:4040' } },
});
