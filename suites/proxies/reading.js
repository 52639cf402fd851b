// Responses that are read as they come, over HTTP/1.1 and over HTTP/2 with TLS.

import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { createGunzip } from 'node:zlib';
import { EventStreamDecoder } from '../interop/event-stream.js';

const PATIENCE = 4_000;

/** A response that is being read; `end` is `clean` or `cut` once it has one. */
class Reading {
  decoder = new EventStreamDecoder();
  since = performance.now();
  #gunzip;

  begin(status, headers) {
    this.head = performance.now() - this.since;
    Object.assign(this, { status, headers });
    if (headers['content-encoding'] !== 'gzip') return;
    this.#gunzip = createGunzip();
    this.#gunzip.on('data', (bytes) => this.decoder.push(bytes));
    this.#gunzip.on('error', () => {});
  }

  take(bytes) {
    if (this.#gunzip) this.#gunzip.write(bytes);
    else this.decoder.push(bytes);
  }
}

export async function get1(url, { headers = {}, millis = PATIENCE } = {}) {
  const reading = new Reading();
  const request = http.get(url, { agent: false, headers: { accept: 'text/event-stream', 'accept-encoding': 'gzip', connection: 'keep-alive', ...headers } });
  reading.leave = () => request.destroy();
  request.on('error', () => (reading.end ??= 'cut'));
  const timer = setTimeout(() => request.destroy(), millis);
  const [response] = await once(request, 'response').finally(() => clearTimeout(timer));
  reading.begin(response.statusCode, response.headers);
  response.on('data', (bytes) => reading.take(bytes));
  response.on('end', () => (reading.end ??= response.complete ? 'clean' : 'cut'));
  response.on('error', () => (reading.end ??= 'cut'));
  return reading;
}

export async function get2(url, { headers = {}, millis = PATIENCE } = {}) {
  const reading = new Reading();
  const { origin, pathname, search } = new URL(url);
  const session = http2.connect(origin, { rejectUnauthorized: false });
  session.on('error', () => (reading.end ??= 'cut'));
  const stream = session.request({ ':path': pathname + search, accept: 'text/event-stream', 'accept-encoding': 'gzip', ...headers });
  reading.leave = () => session.destroy();
  const timer = setTimeout(() => session.destroy(), millis);
  stream.on('data', (bytes) => reading.take(bytes));
  stream.on('end', () => stream.rstCode === 0 && (reading.end ??= 'clean'));
  stream.on('error', () => (reading.end ??= 'cut'));
  stream.on('close', () => {
    reading.end ??= stream.rstCode === 0 ? 'clean' : 'cut';
    session.close();
  });
  const [response] = await once(stream, 'response').finally(() => clearTimeout(timer));
  reading.begin(response[':status'], response);
  return reading;
}
