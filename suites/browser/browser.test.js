// One run of an example server, seen by a person's browser: the tests go on from one another.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { launch, start } from './example.js';
import { Proxy } from './proxy.js';

const STEP = { timeout: 12_000 }; // The browser waits some 3 s before it connects again.

let server;
let proxy;
let browser;
let page;
const requested = [];
const faults = [];

before(async () => {
  const example = await start({ INTERVAL_MS: '50' });
  server = example.server;
  proxy = await Proxy.listen(example.url, '/ping');
  browser = await launch();
  page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on('request', (request) => requested.push(request.url()));
  page.on('pageerror', (error) => faults.push(error));
  // The page's list is bounded: keep every row that was ever in it.
  await page.addInitScript(() => {
    window.rows = [];
    new MutationObserver((changes) => {
      const nodes = changes.flatMap((change) => [...change.addedNodes]);
      window.rows.push(...nodes.filter((node) => node.matches?.('#events > tr')));
    }).observe(document, { childList: true, subtree: true });
  });
}, STEP);

after(async () => {
  await browser?.close();
  proxy?.close();
  server?.kill('SIGKILL');
}, STEP);

test('events of both types arrive, with ids from 1 on', STEP, async () => {
  await page.goto(proxy.url);
  await eventsAfter(0, 10);
  assert.equal(await state(), 'open');
  assert.deepEqual(proxy.requests, [{ url: '/ping', lastEventId: undefined }]);
  const seen = await events();
  assert.deepEqual(new Set(seen.map(({ type }) => type)), new Set(['message', 'other']));
  for (const { type, data } of seen) {
    if (type === 'other') {
      assert.equal(data, '{"a":1,"b":2,"c":3}');
    } else {
      assert.match(data, /^\{"time":\d+\}$/);
      assert.ok(Math.abs(JSON.parse(data).time - Date.now()) < 60_000, data);
    }
  }
  assertConsecutive(seen);
});

test('a cut connection: the browser itself resumes with the very next id', STEP, async () => {
  const failed = page.waitForEvent('requestfailed', isPing); // So it can tell a cut from an end.
  await proxy.cut();
  await failed;
  await page.waitForSelector('#state[data-state=connecting]');
  const last = (await events()).at(-1).id;
  await page.waitForSelector('#state[data-state=open]');
  await eventsAfter(last, 10);
  assert.deepEqual(proxy.requests.at(-1), { url: '/ping', lastEventId: String(last) });
  assert.deepEqual(await resumes(), [{ after: String(last), by: 'browser', resume: 'gapless' }]);
  assertConsecutive(await events());
});

test('the button: a new EventSource resumes by the query', STEP, async () => {
  await page.getByRole('button', { name: 'Drop and resume' }).click();
  await page.waitForSelector('#state[data-state=closed]');
  const last = (await events()).at(-1).id;
  await page.waitForSelector('#state[data-state=open]');
  await eventsAfter(last, 10);
  assert.deepEqual(proxy.requests.at(-1), { url: `/ping?lastEventId=${last}`, lastEventId: undefined });
  assert.deepEqual((await resumes()).slice(1), [{ after: String(last), by: 'button', resume: 'gapless' }]);
  assertConsecutive(await events());
});

test('a cut after that: the header, which is newer, wins over the query', STEP, async () => {
  await proxy.cut();
  await page.waitForSelector('#state[data-state=connecting]');
  const last = (await events()).at(-1).id;
  await page.waitForSelector('#state[data-state=open]');
  await eventsAfter(last, 10);
  const { url, lastEventId } = proxy.requests.at(-1);
  assert.match(url, /^\/ping\?lastEventId=\d+$/);
  assert.equal(lastEventId, String(last));
  assert.deepEqual((await resumes()).slice(2), [{ after: String(last), by: 'browser', resume: 'gapless' }]);
  assertConsecutive(await events());
});

test('the page: a bounded list, newest first, nothing from elsewhere', STEP, async () => {
  await eventsAfter(0, 210);
  const ids = await page.$$eval('#events > [data-id]', (rows) => rows.map((row) => Number(row.dataset.id)));
  assert.ok(ids.length > 150 && ids.length <= 200, `${ids.length} rows`);
  assert.deepEqual(ids, ids.toSorted((a, b) => b - a));
  assert.equal(await page.getAttribute('#reconnected', 'data-count'), '3');
  assert.deepEqual([...new Set(requested.map((url) => new URL(url).origin))], [proxy.url]);
  assert.deepEqual(faults, []);
});

test('SIGTERM with the stream open: a clean end, soon, with status 0', STEP, async () => {
  assert.equal(await state(), 'open');
  const since = performance.now();
  const end = page.waitForEvent('requestfinished', isPing); // Not failed, as above.
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
  const took = performance.now() - since;
  assert.ok(took < 2_000, `took ${took} ms`);
  await end;
  await page.waitForSelector('#state[data-state=connecting]');
  assertConsecutive(await events());
});

/** All events that the page has ever shown, in the order of their arrival. */
function events() {
  return page.evaluate(() =>
    window.rows.filter((row) => row.dataset.id !== undefined).map((row) => {
      const text = (name) => row.querySelector(`.${name}`).textContent;
      return { id: Number(text('id')), type: text('type'), data: text('data') };
    }),
  );
}

/** All interruptions that the page has ever shown. */
function resumes() {
  return page.evaluate(() => window.rows.filter((row) => row.dataset.resume).map((row) => ({ ...row.dataset })));
}

function eventsAfter(id, count) {
  const arrived = ([id, count]) => window.rows.filter((row) => Number(row.dataset.id) > id).length >= count;
  return page.waitForFunction(arrived, [id, count]);
}

function isPing(request) {
  return new URL(request.url()).pathname === '/ping';
}

function state() {
  return page.getAttribute('#state', 'data-state');
}

/** 1, 2, 3, …: nothing lost, nothing twice. */
function assertConsecutive(seen) {
  assert.deepEqual(seen.map(({ id }) => id), seen.map((_, index) => index + 1));
}
