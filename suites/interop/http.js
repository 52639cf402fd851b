import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { connect } from 'node:net';
import { constants, createGunzip } from 'node:zlib';
import { EventStreamDecoder } from './event-stream.js';
import { until, within } from './time.js';

/** A response that is being read: its head, the bytes and the events with their times, and its end. */
class Reading {
  bytes = [];
  /** `clean` or `cut`, once it has ended. */
  end;

  constructor(lastEventId) {
    this.decoder = new EventStreamDecoder(lastEventId);
    this.ended = new Promise((resolve) => (this.setEnd = resolve));
  }

  take(bytes) {
    const at = performance.now();
    this.bytes.push({ bytes, at });
    this.decoder.push(bytes, at);
  }

  finish(end) {
    if (this.end) return;
    this.end = end;
    this.setEnd(end);
  }

  get events() {
    return this.decoder.events;
  }

  get body() {
    return Buffer.concat(this.bytes.map(({ bytes }) => bytes));
  }

  /** Waits for so many events. */
  async count(count, millis = 10_000) {
    await until(millis, `event ${count}`, () => this.events.length >= count || this.end !== undefined);
    if (this.events.length < count) throw new Error(`ended after ${this.events.length} events`);
    return this.events;
  }
}

/** A GET over HTTP/1.1, on a connection of its own. */
export async function get1(url, { headers = {}, lastEventId } = {}) {
  const reading = new Reading(lastEventId);
  // Said aloud, or Node.js asks for the connection to be closed.
  const sent = { accept: 'text/event-stream', connection: 'keep-alive', ...headers };
  if (lastEventId) sent['last-event-id'] = lastEventId;
  const request = http.get(url, { agent: false, headers: sent });
  const [response] = await within(10_000, url, once(request, 'response'));
  reading.status = response.statusCode;
  reading.headers = response.headers;
  const { socket } = response; // It is gone from there at the end.
  const isGzip = response.headers['content-encoding'] === 'gzip';
  const body = isGzip ? response.pipe(createGunzip({ flush: constants.Z_SYNC_FLUSH })) : response;
  body.on('data', (bytes) => reading.take(bytes));
  body.on('error', () => reading.finish('cut'));
  body.on('end', () => {
    reading.finish(response.complete ? 'clean' : 'cut');
    socket.destroy();
  });
  response.on('error', () => reading.finish('cut'));
  request.on('error', () => reading.finish('cut'));
  reading.leave = (how = 'close') => {
    if (how === 'reset') socket.resetAndDestroy();
    else socket.destroy();
  };
  return reading;
}

/** A GET over HTTP/2 with prior knowledge, on a connection of its own. */
export async function get2(url, { headers = {} } = {}) {
  const reading = new Reading();
  const { origin, pathname, search } = new URL(url);
  const session = http2.connect(origin);
  session.on('error', () => reading.finish('cut'));
  const stream = session.request({ ':path': pathname + search, accept: 'text/event-stream', ...headers });
  stream.on('error', () => reading.finish('cut'));
  stream.on('data', (bytes) => reading.take(bytes));
  stream.on('end', () => stream.rstCode === 0 && reading.finish('clean'));
  stream.on('close', () => {
    reading.finish(stream.rstCode === 0 ? 'clean' : 'cut');
    session.close();
  });
  const [response] = await within(10_000, url, once(stream, 'response'));
  const { ':status': status, ...rest } = response;
  reading.status = status;
  reading.headers = rest;
  reading.leave = (how = 'close') => {
    if (how === 'reset') stream.close(http2.constants.NGHTTP2_CANCEL);
    else session.destroy();
  };
  return reading;
}

/** What a server says of its streams. */
export async function stats(server) {
  const reading = await get1(`${server.url}/stats`);
  await reading.ended;
  return JSON.parse(reading.body);
}

/** A connection of HTTP/1.1 whose bytes are written and read as they are. */
export class Raw {
  #text = '';
  closed = false;

  static async connect(url) {
    const raw = new Raw();
    const { hostname, port } = new URL(url);
    raw.socket = connect({ host: hostname, port, noDelay: true });
    await once(raw.socket, 'connect');
    raw.socket.setEncoding('latin1');
    raw.socket.on('data', (text) => (raw.#text += text));
    raw.socket.on('close', () => (raw.closed = true));
    raw.socket.on('error', () => {});
    return raw;
  }

  /** Asks, and waits for the head of the answer: `{ version, status, headers }`. */
  async ask(method, path, { version = '1.1', headers = {}, millis = 5_000 } = {}) {
    const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`);
    await until(millis, `an answer to ${method} ${path}`, () => this.#text.includes('\r\n\r\n') || this.closed);
    const end = this.#text.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`${method} ${path}: the connection was closed after ${JSON.stringify(this.#text)}`);
    const [line, ...rest] = this.#text.slice(0, end).split('\r\n');
    this.#text = this.#text.slice(end + 4);
    const answered = {};
    for (const header of rest) {
      const colon = header.indexOf(':');
      const [name, value] = [header.slice(0, colon).toLowerCase(), header.slice(colon + 1).trim()];
      answered[name] = name in answered ? `${answered[name]}, ${value}` : value;
    }
    const [, spoken, status] = /^HTTP\/(\S+) (\d+)/.exec(line);
    return { version: spoken, status: Number(status), headers: answered };
  }

  /** What has come since the last head. */
  get body() {
    return this.#text;
  }

  async end(millis = 5_000) {
    await until(millis, 'the end of the connection', () => this.closed);
  }

  destroy() {
    this.socket.destroy();
  }
}
