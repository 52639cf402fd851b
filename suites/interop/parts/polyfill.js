import assert from 'node:assert/strict';
import { stats } from '../http.js';
import { sleep } from '../time.js';

export const title = "event-source-polyfill's heartbeat rule";

/** 45 s by default. Ten times the keep-alive's interval: a stall of the machine is no silence. */
const TIMEOUT = 3_000;
const LONG = 10_000;

export async function run({ servers, browser, check }) {
  await Promise.all(servers.map(async (server) => {
    const page = await browser.page(server.url);
    await page.evaluate(([timeout]) => {
      window.errors = { kept: 0, silent: 0 };
      for (const [name, path] of [['kept', '/idle?tag=kept&keep_alive=300'], ['silent', '/idle?tag=silent']]) {
        const source = new window.EventSourcePolyfill(path, { heartbeatTimeout: timeout });
        source.addEventListener('error', () => (window.errors[name] += 1));
      }
    }, [TIMEOUT]);
    await sleep(LONG);
    const errors = await page.evaluate(() => window.errors);
    const { requests } = await stats(server);
    await page.close();
    await check(`${server.name}: comments keep it connected`, () => {
      assert.equal(errors.kept, 0);
      assert.equal(requests.kept, 1);
    });
    await check(`${server.name}: without them it connects again`, () => {
      assert.ok(errors.silent >= 1, `${errors.silent} errors`);
      assert.ok(requests.silent >= 2, `${requests.silent} requests`);
    });
    console.log(`${server.name}: ${requests.kept} request with keep-alive, ${requests.silent} without, in ${LONG} ms`);
  }));
}
