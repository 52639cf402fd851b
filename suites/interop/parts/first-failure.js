import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get2 } from '../http.js';
import { startNginx } from '../nginx.js';
import { HTTP2, start, startServers } from '../servers.js';
import { within } from '../time.js';

export const title = 'A failure at first';

/** By its path, and how it ends a numbered stream; it breaks a bare one. */
const FAILURES = {
  'an `Err`': ['/fails-first', 'clean'],
  'a `Serialize` that fails': ['/serialize-fails-first', 'clean'],
  'a `Serialize` that panics': ['/panics-first', 'cut'],
};
/** How often events that are ready with an error are sent over HTTP/2, and how often they may be too late. */
const RUNS = 20;
const LATE = 2;

export async function run({ directory, browser, check }) {
  // In a process of their own, as they panic.
  const { servers, stop } = await startServers();
  const nginx = await startNginx(servers, directory, {
    plain: '',
    'HTTP1.1': 'proxy_http_version 1.1; proxy_set_header Connection "";',
  });
  try {
    await Promise.all(servers.map(async (server) => {
      const { name, url } = server;
      for (const [failure, [path, numbered]] of Object.entries(FAILURES)) {
        for (const [kind, query, end] of [['numbered', '', numbered], ['bare', '?bare=1', 'cut']]) {
          await check(`${name}, ${failure}, ${kind}: status 200, then a ${end} end`, async () => {
            const { status, exit } = await curl(url + path + query);
            assert.equal(status, 200);
            // "A file was only partially transferred", or the connection was reset.
            assert.ok((end === 'clean' ? [0] : [18, 56]).includes(exit), `curl ended with ${exit}`);
          });
        }
      }
      await Promise.all(Object.entries(FAILURES).flatMap(([failure, [path]]) =>
        ['plain', 'HTTP1.1'].map((kind) =>
          check(`${name}, ${failure}: EventSource comes back through nginx (${kind})`, async () => {
            const tag = `${name}-${path.slice(1)}-${kind}`;
            const page = await browser.page(`${nginx.url}/${kind}/${name}`);
            try {
              const source = `/${kind}/${name}${path}?tag=${tag}&max=2`;
              assert.equal(await within(10_000, 'an event', page.evaluate(untilEvent, source)), '1');
            } finally {
              await page.close();
            }
          })),
      ));
    }));
    // One after the other, and with nothing else to do: a body waits for its connection's thread, but not for ever.
    for (const { name, url } of servers.filter((server) => HTTP2.has(server.name))) {
      await check(`${name}, HTTP/2: events that were ready before an error arrive`, async () => {
        let whole = 0;
        for (let run = 0; run < RUNS; run += 1) {
          const reading = await get2(`${url}/error?policy=fail&pause=0`).catch(() => undefined);
          if (!reading) continue;
          assert.equal(await within(5_000, 'the end', reading.ended), 'cut');
          if (reading.events.length === 2) whole += 1;
        }
        console.log(`${name}, HTTP/2: the events before an error arrive in ${whole} of ${RUNS} runs`);
        assert.ok(whole >= RUNS - LATE, `${whole} of ${RUNS}`);
      });
    }
  } finally {
    await nginx.stop();
    await stop();
  }
}

async function curl(url) {
  const child = start('curl', ['--silent', '--no-buffer', '--http1.1', '--output', '/dev/null', '--write-out', '%{http_code}', url]);
  let text = '';
  child.stdout.on('data', (bytes) => (text += bytes));
  const [exit] = await within(10_000, 'curl', once(child, 'close'));
  return { status: Number(text), exit };
}

/** The id of the first event, however often it takes; an error if it gives up. */
function untilEvent(path) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(path);
    source.onmessage = ({ lastEventId }) => {
      source.close();
      resolve(lastEventId);
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) reject(new Error('EventSource has given up'));
    };
  });
}
