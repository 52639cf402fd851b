import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { EventSource as UndiciEventSource } from 'undici';
import { Proxy } from '../../browser/proxy.js';
import { get1 } from '../http.js';
import { within } from '../time.js';

export const title = 'Reconnect and resume';

/** Each: how many events, the interval, and how often the connection is cut. */
const CLIENTS = {
  'curl-like, a burst': { max: 2_000, interval: 0, cuts: 60, read: readAgainAndAgain },
  'curl-like, a trickle': { max: 400, interval: 2, cuts: 30, read: readAgainAndAgain },
  eventsource: { max: 300, interval: 2, cuts: 5, read: inProcess(EventSource) },
  undici: { max: 300, interval: 2, cuts: 5, read: inProcess(UndiciEventSource) },
  'Chromium EventSource': { max: 300, interval: 2, cuts: 5, read: inBrowser('EventSource') },
  'event-source-polyfill': { max: 300, interval: 2, cuts: 4, read: inBrowser('EventSourcePolyfill') },
};

export async function run({ servers, browser, check }) {
  const seed = Number(process.env.SEED ?? 1);
  console.log(`seed ${seed}\n\n| client | server | events | cuts | resumed after |\n|---|---|---|---|---|`);
  const runs = servers.flatMap((server) =>
    Object.entries(CLIENTS).map(([client, options], index) => ({ client, server, ...options, seed: seed * 1000 + index })),
  );
  await Promise.all(runs.map(({ client, server, max, interval, cuts, read, seed }) =>
    check(`${client}, ${server.name}: none missing, none twice`, async () => {
      const random = randomFrom(seed);
      let left = cuts;
      // Somewhere in the head of the response, or in a frame, or between two.
      const nextCut = () => (left-- > 0 ? Math.floor(random() * 2_000) : undefined);
      const proxy = await Proxy.listen(server.url, '/count', nextCut);
      try {
        const path = `/count?interval=${interval}&max=${max}&retry=10`;
        const events = await within(40_000, client, read(proxy.url, path, max, browser));
        assert.deepEqual(events.map(({ lastEventId }) => Number(lastEventId)), range(max));
        assert.deepEqual(events.map(({ data }) => JSON.parse(data).n), range(max));
        assert.ok(proxy.cuts >= Math.min(cuts, 4), `cut ${proxy.cuts} times only`);
        const resumed = proxy.requests.slice(1).map(({ url, lastEventId }) => {
          const inQuery = new URL(url, proxy.url).searchParams.get('lastEventId') ?? undefined;
          if (client === 'event-source-polyfill') assert.equal(lastEventId, undefined);
          else assert.equal(inQuery, undefined);
          return lastEventId ?? inQuery ?? '–';
        });
        console.log(`| ${client} | ${server.name} | ${max} | ${proxy.cuts} | ${resumed.slice(0, 6).join(', ')}${resumed.length > 6 ? ', …' : ''} |`);
      } finally {
        proxy.close();
      }
    }),
  ));
}

/** Connects again, at once, as often as needed. */
async function readAgainAndAgain(url, path, max) {
  const events = [];
  let lastEventId;
  while (events.length < max) {
    let reading;
    try {
      reading = await get1(url + path, { lastEventId });
    } catch {
      continue; // Cut before the head was complete.
    }
    try {
      await reading.count(max - events.length);
      reading.leave();
    } catch {
      // Cut.
    }
    events.push(...reading.events);
    lastEventId = reading.decoder.lastEventId || undefined;
  }
  return events;
}

function inProcess(EventSource) {
  return (url, path, max) =>
    new Promise((resolve) => {
      const events = [];
      const source = new EventSource(url + path);
      source.addEventListener('message', ({ data, lastEventId }) => {
        events.push({ data, lastEventId });
        if (events.length < max) return;
        source.close();
        resolve(events);
      });
    });
}

function inBrowser(constructor) {
  return async (url, path, max, browser) => {
    const page = await browser.page(url);
    try {
      return await page.evaluate(read, [constructor, path, max]);
    } finally {
      await page.close();
    }
  };

  function read([constructor, path, max]) {
    return new Promise((resolve) => {
      const events = [];
      const source = new window[constructor](path);
      source.addEventListener('message', ({ data, lastEventId }) => {
        events.push({ data, lastEventId });
        if (events.length < max) return;
        source.close();
        resolve(events);
      });
    });
  }
}

function range(max) {
  return Array.from({ length: max }, (_, index) => index + 1);
}

/** mulberry32 */
function randomFrom(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
