import { defaultClientConditions, defineConfig } from 'vite';

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
      // What several pages share is one file: a dozen small ones are as many requests. What only
      // pages share that nobody starts with is another, so that it is not fetched at the start.
      output: {
        codeSplitting: {
          includeDependenciesRecursively: false,
          groups: [
            { name: 'shared', tags: ['$initial'], minShareCount: 2, priority: 1 },
            { name: 'later', minShareCount: 2 },
          ],
        },
      },
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': 'http://127.0.0.1:4040' } },
});
