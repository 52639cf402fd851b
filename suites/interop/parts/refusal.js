import assert from 'node:assert/strict';
import { get1, stats } from '../http.js';
import { sleep } from '../time.js';

export const title = 'Soft refusal';

const RETRY = 250;
const LONG = 2_500;

export async function run({ servers, browser, check }) {
  await Promise.all(servers.map(async (server) => {
    await check(`${server.name}: the responses`, async () => {
      const later = await get1(`${server.url}/later?retry=${RETRY}`);
      assert.equal(await later.ended, 'clean');
      assert.equal(later.status, 200);
      assert.equal(later.headers['content-type'], 'text/event-stream; charset=utf-8');
      assert.deepEqual(later.decoder.retries, [RETRY]);
      assert.equal(later.body.toString(), `:\nevent: goodbye\nretry: ${RETRY}\ndata: {}\n\n`);
      const stop = await get1(`${server.url}/stop`);
      await stop.ended;
      assert.equal(stop.status, 204);
      assert.equal(stop.body.length, 0);
    });
    const page = await browser.page(server.url);
    await page.evaluate((retry) => {
      window.states = {};
      for (const name of ['later', 'stop']) {
        window.states[name] = new Set();
        const source = new EventSource(`/${name}?tag=${name}&retry=${retry}`);
        source.onerror = () => window.states[name].add(source.readyState);
      }
    }, RETRY);
    await sleep(LONG);
    const states = await page.evaluate(() => ({ later: [...window.states.later], stop: [...window.states.stop] }));
    const { requests } = await stats(server);
    await page.close();
    await check(`${server.name}: EventSource comes back later`, () => {
      assert.deepEqual(states.later, [0]);
      // Once each time, and no more often than it was told.
      assert.ok(requests.later >= 4 && requests.later <= LONG / RETRY + 1, `${requests.later} requests`);
    });
    await check(`${server.name}: EventSource never comes back`, () => {
      assert.deepEqual(states.stop, [2]);
      assert.equal(requests.stop, 1);
    });
    console.log(`${server.name}: ${requests.later} requests with "later", ${requests.stop} with "stop", in ${LONG} ms`);
  }));
}
