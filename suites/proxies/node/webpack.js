// webpack-dev-server: node webpack.js PACKAGE TARGET PORT
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const [name, target, port] = process.argv.slice(2);
const WebpackDevServer = require(name);
const compiler = require('webpack')({ mode: 'development', context: new URL(".", import.meta.url).pathname, entry: './nothing.js', infrastructureLogging: { level: 'none' }, stats: 'none' });
const server = new WebpackDevServer({
  host: '127.0.0.1', port: Number(port), hot: false, liveReload: false, client: false,
  proxy: [{ context: ['/script', '/files', '/idle', '/count', '/stats'], target, logLevel: 'silent' }],
}, compiler);
await server.start();
