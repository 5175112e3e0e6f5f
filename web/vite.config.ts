import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The server that `npm run dev` passes requests on to.
const server = process.env.MELETE_URL ?? 'http://127.0.0.1:8080';
const proxy = { target: server, headers: { origin: server, host: new URL(server).host } };

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    outDir: '../build/web',
    emptyOutDir: true,
    assetsInlineLimit: 0, // data: URLs of styles and fonts would need a looser content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      input: { index: 'index.html', sw: 'src/offline/sw.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') }, // its address decides what it is beside
    },
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': proxy, '/v1': proxy }, fs: { allow: ['..'] } },
  test: { include: ['src/**/*.test.ts'], css: { include: [/(kit|shared)\.css/] } },
});
