// Express-like middleware on a bare server: node middleware.js PACKAGE TARGET PORT
import http from 'node:http';

const [name, target, port] = process.argv.slice(2);
const { createProxyMiddleware } = await import(name);
const proxy = createProxyMiddleware({ target, changeOrigin: true });
http.createServer((request, response) => proxy(request, response, () => response.writeHead(404).end())).listen(Number(port), '127.0.0.1');
