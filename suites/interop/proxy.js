import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** A TCP proxy that cuts connections after so many bytes of a stream, wherever that is. */
export class CuttingProxy {
  /** The requests for streams: `{ url, lastEventId }`, `undefined` where there is no such header. */
  requests = [];
  cuts = 0;
  #sockets = new Set();
  #server = createServer({ noDelay: true }, (client) => this.#join(client));
  #target;
  #path;
  #nextCut;

  /** `nextCut` says after how many bytes the response to a request for `path` is cut, if it is. */
  static async listen(target, path, nextCut) {
    const proxy = new CuttingProxy();
    proxy.#target = new URL(target);
    proxy.#path = path;
    proxy.#nextCut = nextCut;
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
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
    let left;
    client.on('data', (bytes) => {
      head += bytes.toString('latin1');
      for (let end; (end = head.indexOf('\r\n\r\n')) >= 0; head = head.slice(end + 4)) {
        const [, url] = head.split(' ', 2);
        if (!url.startsWith(this.#path)) continue;
        const lastEventId = /^last-event-id: *(.*?)\r$/im.exec(head.slice(0, end + 2))?.[1];
        this.requests.push({ url, lastEventId });
        left = this.#nextCut();
      }
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      if (left === undefined || bytes.length < left) {
        client.write(bytes);
        if (left !== undefined) left -= bytes.length;
        return;
      }
      server.destroy();
      this.cuts += 1;
      // In turn as a server that ends and as one that is gone.
      const hangUp = () => (this.cuts % 2 ? client.destroy() : client.resetAndDestroy());
      if (left > 0) client.end(bytes.subarray(0, left), hangUp);
      else hangUp();
      left = undefined;
    });
  }
}
