// Pages for the viewers that are libraries; speedscope is an application of its own.
import path from 'node:path';
import { defineConfig } from 'vite';

const here = import.meta.dirname;

export default defineConfig({
  root: here,
  base: './',
  resolve: {
    alias: {
      // An optional helper of @grafana/flamegraph that pulls in all of Grafana's runtime.
      '@grafana/assistant': path.join(here, 'no-assistant.js'),
      'react-custom-scrollbars-2': path.join(here, 'scrollbars.js'),
    },
  },
  build: {
    rollupOptions: { input: ['d3.html', 'grafana.html'].map((page) => path.join(here, page)) },
  },
});
