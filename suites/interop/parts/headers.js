import assert from 'node:assert/strict';
import { get1, get2 } from '../http.js';
import { HTTP2 } from '../servers.js';

export const title = 'Headers';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-store, no-transform',
  'x-accel-buffering': 'no',
};
/** actix-web's middleware needs it; others append to it. */
const encodingOf = (name) => (name === 'actix' ? 'identity' : undefined);
/** What HTTP/2 forbids (RFC 9113, 8.2.2). */
const CONNECTION_SPECIFIC = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'];

export async function run({ servers, check }) {
  for (const { name, url } of servers) {
    await check(`${name}, HTTP/1.1: the contract's headers`, async () => {
      const response = await get1(`${url}/count`);
      response.leave();
      assert.equal(response.status, 200);
      for (const [header, value] of Object.entries(HEADERS)) assert.equal(response.headers[header], value);
      assert.equal(response.headers['content-encoding'], encodingOf(name));
      // It is the server's, and persistence is the default of HTTP/1.1.
      assert.equal(response.headers.connection, undefined);
      assert.equal(response.headers['content-length'], undefined);
    });
    await check(`${name}, HTTP/1.1: a header is replaced, another added`, async () => {
      await replaced(await get1(`${url}/headers`));
    });
    if (!HTTP2.has(name)) continue;
    await check(`${name}, HTTP/2: the contract's headers, none that is for a connection`, async () => {
      const response = await get2(`${url}/count`);
      response.leave();
      assert.equal(response.status, 200);
      for (const [header, value] of Object.entries(HEADERS)) assert.equal(response.headers[header], value);
      assert.equal(response.headers['content-encoding'], encodingOf(name));
      for (const header of CONNECTION_SPECIFIC) assert.equal(response.headers[header], undefined, header);
    });
    await check(`${name}, HTTP/2: a header is replaced, another added`, async () => {
      await replaced(await get2(`${url}/headers`));
    });
  }
}

async function replaced(response) {
  response.leave();
  assert.equal(response.headers['cache-control'], 'no-store');
  assert.equal(response.headers['x-more'], '1');
  assert.equal(response.headers['content-type'], HEADERS['content-type']);
}
