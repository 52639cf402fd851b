import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import compression from 'compression';
import express from 'express';
import httpProxy from 'http-proxy';

export const title = 'Proxies that hold the head back: a source that is silent';

/** How long one waits for the head. */
const PATIENCE = 2_500;
/** How soon it is there with an opening comment, which is the default. */
const SOON = 500;

const PROXIES = { 'http-proxy': plain, 'Express with compression': compressing };

export async function run({ servers, check }) {
  const rows = [];
  await Promise.all(servers.flatMap((server) => Object.entries(PROXIES).map(async ([what, make]) => {
    const proxy = httpProxy.createProxyServer({ target: server.url });
    proxy.on('error', (_, __, response) => response.destroy());
    const listener = http.createServer(make(proxy)).listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const url = `http://127.0.0.1:${listener.address().port}`;
    try {
      const row = [server.name, what];
      for (const path of ['/quiet?opening=0', '/quiet']) {
        row.push(await head(url + path));
      }
      rows.push(row);
      await check(`${server.name} through ${what}: with the opening comment the head is there at once`, () => {
        assert.ok(row[3] < SOON, `${row[3]} ms`);
      });
    } finally {
      listener.close();
      listener.closeAllConnections();
      proxy.close();
    }
  })));
  const cell = (millis) => (millis === undefined ? `none in ${PATIENCE} ms` : `${millis.toFixed(0)} ms`);
  console.log('| server | proxy | the head, without an opening comment | with one |\n|---|---|---|---|');
  for (const [name, what, without, comment] of rows.sort()) {
    console.log(`| ${name} | ${what} | ${cell(without)} | ${cell(comment)} |`);
  }
}

/** After how many milliseconds the head is there, if it comes. */
async function head(url) {
  const since = performance.now();
  const headers = { accept: 'text/event-stream', 'accept-encoding': 'gzip' };
  const request = http.get(url, { agent: false, headers, signal: AbortSignal.timeout(PATIENCE) });
  request.on('error', () => {});
  try {
    const [response] = await once(request, 'response');
    response.on('error', () => {});
    return performance.now() - since;
  } catch {
    return undefined;
  } finally {
    request.destroy();
  }
}

function plain(proxy) {
  return (request, response) => proxy.web(request, response);
}

function compressing(proxy) {
  const app = express();
  app.use(compression());
  app.use(plain(proxy));
  return app;
}
