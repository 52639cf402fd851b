import assert from 'node:assert/strict';
import { Browser } from '../browser.js';
import { startServers } from '../servers.js';
import { within } from '../time.js';

export const title = 'HTTP/3';

/** The server cuts the stream after as many. */
const AFTER = 5;
const EVENTS = 12;

export async function run({ check }) {
  const { servers: [server], stop } = await startServers('http3');
  const browser = await Browser.launch({ quic: server });
  try {
    const page = await browser.page(server.url);
    await check('Chromium over QUIC: opens, gets events, resumes after a cut', async () => {
      const path = `/cut?interval=20&after=${AFTER}&retry=50`;
      const { opened, ids, protocol } = await within(20_000, 'the events', page.evaluate(read, [path, EVENTS]));
      assert.equal(protocol, 'h3');
      assert.ok(opened > 1, `opened ${opened} times`);
      assert.deepEqual(ids, Array.from({ length: EVENTS }, (_, index) => `${index + 1}`));
      console.log(`${ids.length} events over ${protocol}, opened ${opened} times`);
    });
    await check('the headers, none of them for a connection', async () => {
      const headers = await page.evaluate(async () => {
        const abort = new AbortController();
        const response = await fetch('/count?interval=1000', { signal: abort.signal });
        const headers = Object.fromEntries(response.headers);
        abort.abort();
        return headers;
      });
      assert.equal(headers.connection, undefined);
      assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8');
      assert.equal(headers['cache-control'], 'no-cache, no-store, no-transform');
    });
  } finally {
    await browser.close();
    await stop();
  }
}

function read([path, events]) {
  return new Promise((resolve, reject) => {
    let opened = 0;
    const ids = [];
    const source = new EventSource(path);
    source.onopen = () => (opened += 1);
    source.onmessage = ({ lastEventId }) => {
      ids.push(lastEventId);
      if (ids.length < events) return;
      source.close();
      const { nextHopProtocol } = performance.getEntriesByType('navigation')[0];
      resolve({ opened, ids, protocol: nextHopProtocol });
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) reject(new Error('EventSource has given up'));
    };
  });
}
