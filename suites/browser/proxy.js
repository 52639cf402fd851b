import { connect, createServer } from 'node:net';
import { once } from 'node:events';

/** A TCP proxy that sees what the browser asks for, and can cut the stream that it asked for. */
export class Proxy {
  /** The requests for `/ping`: `{ url, lastEventId }`, `undefined` where there is no such header. */
  pings = [];
  #sockets = new Set();
  #server = createServer({ noDelay: true }, (client) => this.#join(client));
  #target;
  #cut;

  static async listen(target) {
    const proxy = new Proxy();
    proxy.#target = new URL(target);
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  /** Lets half of what the server sends next through, most likely a part of a frame, and hangs up. */
  cut() {
    return new Promise((resolve) => (this.#cut = resolve));
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
    client.on('data', (bytes) => {
      server.write(bytes);
      head += bytes.toString('latin1');
      for (let end; (end = head.indexOf('\r\n\r\n')) >= 0; head = head.slice(end + 4)) {
        const [, url] = head.split(' ', 2);
        streams = url.startsWith('/ping');
        if (!streams) continue;
        const lastEventId = /^last-event-id: *(.*?)\r$/im.exec(head.slice(0, end + 2))?.[1];
        this.pings.push({ url, lastEventId });
      }
    });
    server.on('data', (bytes) => {
      if (!streams || !this.#cut) return client.write(bytes);
      client.end(bytes.subarray(0, bytes.length / 2), () => client.destroy());
      server.destroy();
      this.#cut();
      this.#cut = undefined;
    });
  }
}
