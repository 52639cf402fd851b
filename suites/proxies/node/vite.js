// Vite's dev server: node vite.js PACKAGE TARGET PORT
const [name, target, port] = process.argv.slice(2);
const { createServer } = await import(name);
const server = await createServer({
  configFile: false, root: new URL(".", import.meta.url).pathname, logLevel: 'silent', optimizeDeps: { noDiscovery: true },
  server: { host: '127.0.0.1', port: Number(port), strictPort: true, watch: null, proxy: { '^/(script|files|idle|count|stats)': target } },
});
await server.listen();
