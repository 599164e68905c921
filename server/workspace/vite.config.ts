import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// One entry for both pages, so that what they share is fetched once. The server reads the manifest and writes the tags.
export default defineConfig({
  plugins: [svelte()],
  base: "/static/workspace/",
  build: {
    outDir: "../src/runkey_server/web/workspace_built",
    emptyOutDir: true,
    manifest: "manifest.json",
    license: { fileName: "licenses.md" },
    rollupOptions: { input: "src/main.ts" },
    modulePreload: { polyfill: false },
    // Inlined pictures and styles would need a wider content policy.
    assetsInlineLimit: 0,
  },
});
