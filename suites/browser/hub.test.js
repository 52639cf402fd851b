// The hub's example, seen by two tabs of a browser: the tests go on from one another.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import { BAR, KITCHEN, close, openTabs, publish, settled, texts } from './hub-page.js';

const RETAIN = 20;
const STEP = { timeout: 15_000 };

let server;
let url;
let browser;
let tabs;
const faults = [];

before(async () => {
  ({ server, url, browser, tabs } = await openTabs({ RETAIN: String(RETAIN) }, 2, faults));
}, STEP);

after(() => close({ browser, server }), STEP);

test('each stream of each tab hears its topics and no other', STEP, async () => {
  await publish(tabs[0], 'kitchen', 'a');
  await publish(tabs[1], 'bar', 'b');
  await publish(tabs[0], '', 'c');
  for (const tab of tabs) {
    await settled(tab, KITCHEN, 'c');
    await settled(tab, BAR, 'c');
    assert.deepEqual(await texts(tab, KITCHEN), ['a', 'c']);
    assert.deepEqual(await texts(tab, BAR), ['b', 'c']);
  }
});

test('one is cut and comes back: it has missed nothing', STEP, async () => {
  await tabs[0].click(`${KITCHEN} .cut`);
  await tabs[0].waitForSelector(`${KITCHEN}[data-state=cut]`);
  for (const n of [1, 2, 3]) await publish(tabs[1], 'kitchen', `missed ${n}`);
  await settled(tabs[1], KITCHEN, 'missed 3');
  assert.deepEqual(await texts(tabs[0], KITCHEN), ['a', 'c']);
  await tabs[0].click(`${KITCHEN} .cut`);
  await settled(tabs[0], KITCHEN, 'missed 3');
  const all = ['a', 'c', 'missed 1', 'missed 2', 'missed 3'];
  for (const tab of tabs) assert.deepEqual(await texts(tab, KITCHEN), all);
  const back = tabs[0].locator(`${KITCHEN} li[data-note=exact]`);
  assert.equal(await back.getAttribute('data-missed'), '3');
  assert.equal(await tabs[0].locator('[data-note=gap]').count(), 0);
});

test('away for longer than the hub remembers: a gap is seen, and what there is follows', STEP, async () => {
  await tabs[0].click(`${KITCHEN} .cut`);
  await tabs[1].selectOption('#topic', 'kitchen');
  await tabs[1].waitForFunction((count) => document.querySelector('#burst').dataset.count === count, `${RETAIN + 10}`);
  await tabs[1].click('#burst');
  await settled(tabs[1], KITCHEN, `${RETAIN + 10} of ${RETAIN + 10}`);
  assert.equal((await texts(tabs[1], KITCHEN)).length, 5 + RETAIN + 10);
  await tabs[0].click(`${KITCHEN} .cut`);
  await settled(tabs[0], KITCHEN, `${RETAIN + 10} of ${RETAIN + 10}`);
  assert.equal(await tabs[0].locator(`${KITCHEN} [data-note=gap]`).count(), 1);
  assert.equal((await texts(tabs[0], KITCHEN)).length, 5 + RETAIN);
  if (process.env.SCREENSHOT) await tabs[0].screenshot({ path: process.env.SCREENSHOT });
});

test('the quiet stream beside it is exact after all that', STEP, async () => {
  await tabs[0].click(`${BAR} .cut`);
  await tabs[0].click(`${BAR} .cut`);
  await publish(tabs[1], 'bar', 'z');
  await settled(tabs[0], BAR, 'z');
  assert.equal(await tabs[0].locator(`${BAR} [data-note=gap]`).count(), 0);
  assert.deepEqual(await texts(tabs[0], BAR), ['b', 'c', 'z']);
});

test('the figures are those of the server', STEP, async () => {
  await tabs[0].waitForFunction((retain) => document.querySelector('#retained').textContent === retain, `${RETAIN}`);
  const stats = await (await fetch(`${url}/stats`)).json();
  assert.equal(stats.subscribers, 4);
  assert.equal(stats.published, 3 + 3 + RETAIN + 10 + 1);
  assert.equal(stats.gaps, 1);
  assert.deepEqual(faults, []);
});

test('SIGTERM with the streams open: a clean end within two seconds', STEP, async () => {
  const since = performance.now();
  server.kill('SIGTERM');
  assert.deepEqual(await once(server, 'exit'), [0, null]);
  assert.ok(performance.now() - since < 2_000);
  await tabs[0].waitForSelector(`${KITCHEN}[data-state=connecting]`);
});
