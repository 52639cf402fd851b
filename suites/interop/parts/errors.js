import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get1, get2 } from '../http.js';
import { HTTP2, start } from '../servers.js';
import { within } from '../time.js';

export const title = 'Errors in the body';

/** Without a policy a numbered stream ends cleanly, a bare one breaks. */
const POLICIES = {
  default: { seen: ['1', '2'], end: 'clean' },
  'default&bare=1': { seen: ['1', '2'], end: 'cut', ids: false },
  fail: { seen: ['1', '2'], end: 'cut' },
  skip: { seen: ['1', '2', '3', '4'], end: 'clean' },
  replace: { seen: ['1', '2', 'replaced: no such item', '3', '4'], end: 'clean' },
  end: { seen: ['1', '2'], end: 'clean' },
};

export async function run({ servers, browser, check }) {
  await Promise.all(servers.map(async (server) => {
    for (const [policy, expected] of Object.entries(POLICIES)) {
      // With a pause the events before the error are on their way when it comes.
      for (const [pace, pause] of [['all at once', 0], ['in their time', 30]]) {
        const path = `/error?policy=${policy}&pause=${pause}`;
        const what = `${server.name}, ${policy}, ${pace}`;
        await check(`${what}, HTTP/1.1`, async () => compare(await get1(server.url + path), expected));
        if (HTTP2.has(server.name)) {
          await check(`${what}, HTTP/2`, async () => {
            if (expected.end !== 'cut' || pause > 0) return compare(await get2(server.url + path), expected);
            // A reset takes with it what the server has queued and not written yet, be it all.
            const reading = await get2(server.url + path).catch((error) => {
              if (error.code !== 'ERR_HTTP2_STREAM_ERROR') throw error;
            });
            if (!reading) return undefined;
            assert.equal(await within(5_000, 'the end', reading.ended), 'cut');
            const seen = reading.events.map(({ data }) => data);
            assert.deepEqual(seen, expected.seen.slice(0, seen.length));
          });
        }
        await check(`${what}, curl`, async () => {
          const status = await statusOfCurl(server.url + path);
          // "A file was only partially transferred", or the connection was reset.
          if (expected.end === 'cut') assert.ok([18, 56].includes(status), `status ${status}`);
          else assert.equal(status, 0);
        });
      }
    }
    await check(`${server.name}: EventSource sees the events, and reconnects after either end`, async () => {
      const page = await browser.page(server.url);
      for (const [policy, { seen }] of Object.entries(POLICIES)) {
        const path = `/error?policy=${policy}&pause=30`;
        const result = await within(10_000, policy, page.evaluate(readToError, path));
        assert.deepEqual(result, { seen, readyState: 0 }, policy);
      }
      await page.close();
    });
  }));
  console.log('| policy | what the client sees | the end |\n|---|---|---|');
  for (const [policy, { seen, end }] of Object.entries(POLICIES)) {
    console.log(`| ${policy} | ${seen.join(', ')} | ${end} |`);
  }
}

async function compare(reading, { seen, end, ids: numbered = true }) {
  assert.equal(reading.status, 200);
  const actual = await within(5_000, 'the end', reading.ended);
  const events = reading.decoder.end().events;
  assert.deepEqual({ seen: events.map(({ type, data }) => (type === 'message' ? data : `${type}: ${data}`)), end: actual }, { seen, end });
  // The automatic ids have no gap where the item failed.
  const ids = events.filter(({ type }) => type === 'message').map(({ lastEventId }) => lastEventId);
  assert.deepEqual(ids, ids.map((_, index) => (numbered ? `${index + 1}` : '')));
}

async function statusOfCurl(url) {
  const child = start('curl', ['--silent', '--no-buffer', '--http1.1', '--output', '/dev/null', url]);
  const [status] = await within(10_000, 'curl', once(child, 'close'));
  return status;
}

function readToError(path) {
  return new Promise((resolve) => {
    const seen = [];
    const source = new EventSource(path);
    source.onmessage = ({ data }) => seen.push(data);
    source.addEventListener('replaced', ({ data }) => seen.push(`replaced: ${data}`));
    source.onerror = () => {
      const { readyState } = source;
      source.close();
      resolve({ seen, readyState });
    };
  });
}
