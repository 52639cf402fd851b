// A proxy for all suites that cut connections.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A TCP proxy that records the requests for streams, and cuts the connections of their responses. */
export class Proxy {
  /** The requests for streams: `{ url, lastEventId }`, `undefined` where there is no such header. */
  requests = [];
  cuts = 0;
  #sockets = new Set();
  #server = createServer({ noDelay: true }, (client) => this.#join(client));
  #target;
  #path;
  #nextCut;
  #cutNow;

  /**
   * Streams are the responses to requests for `path`. `nextCut` is asked once for each: the number of
   * bytes after which to cut it, or `undefined`.
   */
  static async listen(target, path, nextCut = () => undefined) {
    const proxy = new Proxy();
    proxy.#target = new URL(target);
    proxy.#path = path;
    proxy.#nextCut = nextCut;
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Cuts a stream half-way through the server's next bytes, most likely inside a frame. */
  cut() {
    return new Promise((resolve) => (this.#cutNow = resolve));
  }

  close() {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client) {
    const server = connect({ host: this.#target.hostname, port: this.#target.port, noDelay: true });
    for (const [socket, other] of [[client, server], [server, client]]) {
      this.#sockets.add(socket);
      socket.on('end', () => other.end());
      socket.on('error', () => other.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    let head = '';
    let streams = false;
    let left;
    client.on('data', (bytes) => {
      head += bytes.toString('latin1');
      for (let end; (end = head.indexOf('\r\n\r\n')) >= 0; head = head.slice(end + 4)) {
        const [, url] = head.split(' ', 2);
        streams = url.startsWith(this.#path);
        left = undefined;
        if (!streams) continue;
        const lastEventId = /^last-event-id: *(.*?)\r$/im.exec(head.slice(0, end + 2))?.[1];
        this.requests.push({ url, lastEventId });
        left = this.#nextCut();
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (streams && this.#cutNow) left = Math.floor(bytes.length / 2);
      if (left === undefined || bytes.length < left) {
        client.write(bytes);
        if (left !== undefined) left -= bytes.length;
        return;
      }
      server.destroy();
      this.cuts += 1;
      // Alternately like a server that ends and like one that is killed.
      const hangUp = () => (this.cuts % 2 ? client.destroy() : client.resetAndDestroy());
      if (left > 0) client.end(bytes.subarray(0, left), hangUp);
      else hangUp();
      left = undefined;
      this.#cutNow?.();
      this.#cutNow = undefined;
    });
  }
}
