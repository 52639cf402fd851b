// Servers in front of others: one for MCP, which answers all requests but those for a stream, and one that
// serves the pages' files and cuts streams.

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This folder: what pages ask for below `/files/`. */
export const FILES = dirname(fileURLToPath(import.meta.url));

/** Passes a request on, and the response back as it comes: a break is a break. */
function pass(request, response, url, { see = () => {}, change = (bytes) => bytes } = {}) {
  const { host, connection, 'content-length': length, 'transfer-encoding': encoding, ...headers } = request.headers;
  const upstream = http.request(url, { method: request.method, headers, agent: false }, (answer) => {
    const { connection: kept, 'keep-alive': time, 'transfer-encoding': coded, ...headers } = answer.headers;
    response.writeHead(answer.statusCode, headers);
    response.flushHeaders();
    answer.on('data', (bytes) => {
      response.write(change(bytes));
      see(bytes, () => {
        upstream.destroy();
        response.destroy();
      });
    });
    answer.on('end', () => (answer.complete ? response.end() : response.destroy()));
    answer.on('error', () => response.destroy());
  });
  upstream.on('error', () => response.destroy());
  upstream.end();
  response.on('close', () => upstream.destroy());
}

/** A file for pages, `/files/PATH`, as modules name each other. */
export async function sendFile(pathname, response) {
  const path = join(FILES, pathname.slice('/files/'.length));
  const text = await readFile(path).catch(() => readFile(`${path}.js`)).catch(() => readFile(`${path}/index.js`)).catch(() => '');
  const type = path.endsWith('.html') ? 'text/html; charset=utf-8' : 'text/javascript; charset=utf-8';
  response.writeHead(200, { 'content-type': type }).end(text);
}

async function listen(handler) {
  const server = http.createServer(handler);
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = () => { server.close(); server.closeAllConnections(); };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}

/** MCP's streamable HTTP before a server: the stream of a call is the script, whose answer is to a request with the id 1. */
export function startMcp(server) {
  const calls = new Map();
  return listen(async (request, response) => {
    const stream = () => {
      const id = calls.get(request.url);
      const change = (bytes) => Buffer.from(bytes.toString('latin1').replace('"id":1,', `"id":${JSON.stringify(id)},`), 'latin1');
      pass(Object.assign(request, { method: 'GET' }), response, server.url + request.url, { change });
    };
    if (request.method === 'GET') {
      if (request.url === '/stats' || request.headers['last-event-id']) return stream();
      return response.writeHead(405).end();
    }
    if (request.method !== 'POST') return response.writeHead(405).end();
    let text = '';
    for await (const chunk of request) text += chunk;
    const { id, method, params } = JSON.parse(text);
    const answer = (result) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (id === undefined) return response.writeHead(202).end();
    if (method === 'initialize') {
      const serverInfo = { name: 'zoo', version: '1' };
      return answer({ protocolVersion: params.protocolVersion, capabilities: { logging: {}, tools: {} }, serverInfo });
    }
    if (method === 'tools/list') return answer({ tools: [{ name: 'zoo', inputSchema: { type: 'object' } }] });
    if (method === 'tools/call') {
      calls.set(request.url, id);
      return stream();
    }
    return response.writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: `no method ${method}` } }));
  });
}

/** A server with the pages' files; the first stream of each topic is cut after so many bytes. */
export async function startRelay(url, { cutAfter = Infinity } = {}) {
  const cut = new Set();
  const relay = await listen(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, url);
    if (pathname.startsWith('/files/')) return sendFile(pathname, response);
    const topic = searchParams.get('topic');
    let left = topic && !cut.has(topic) ? cutAfter : Infinity;
    return pass(request, response, url + request.url, {
      see(bytes, end) {
        left -= bytes.length;
        if (left > 0 || cut.has(topic)) return;
        cut.add(topic);
        end();
      },
    });
  });
  return { ...relay, cut };
}
