import { defaultClientConditions, defineConfig } from 'vite';

/** Folders of pages that are fetched when they are opened. */
const OF_LATER_PAGES = /\/ui\/src\/(adhoc|agents|compare|function|heatmap|labels|settings)\//;

export default defineConfig({
  root: import.meta.dirname,
  // The workspaces are bundled from their sources: no build of theirs has to come first.
  resolve: { conditions: ['source', ...defaultClientConditions] },
  // tsc writes to dist, too; the server serves dist/app.
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Libraries mark their client components for frameworks that render on a server: none here.
      checks: { moduleLevelDirective: false },
      // What several pages share is one file: a dozen small ones are as many requests.
      // What pages share that nobody starts with is another.
      output: {
        codeSplitting: {
          groups: [
            {
              name: 'shared',
              test: (id) => !OF_LATER_PAGES.test(id),
              minShareCount: 2,
              priority: 1,
            },
            { name: 'later', test: OF_LATER_PAGES, minShareCount: 2 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:4040' } },
});
