// The hub's example with its log on disk is killed and started again while three pages listen: none of them sees a gap,
// and each has the menu, of which a new page gets the newest prices first.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { start } from './example.js';
import { BAR, KITCHEN, close, menu, openMenu, openTabs, publish, settled, texts } from './hub-page.js';

const STEP = { timeout: 30_000 };

let folder;
let server;
let url;
let browser;
let tabs;
const faults = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sse-hub-'));
  ({ server, url, browser, tabs } = await openTabs({ DATA: folder }, 3, faults));
}, STEP);

after(async () => {
  await close({ browser, server });
  await rm(folder, { recursive: true, force: true });
}, STEP);

/** Publishes the items of the body past the page. */
const post = async (query, body) => {
  const path = `${url}/publish?${new URLSearchParams(query)}`;
  assert.equal((await fetch(path, { method: 'POST', body })).status, 200);
};

const price = (dish, price) => post({ topic: 'menu', key: dish }, JSON.stringify({ type: 'price', dish, price }));

test('a page gets the newest price of each dish first, and then each change', STEP, async () => {
  await price('pizza', '7.50');
  await price('water', '1.00');
  await price('pizza', '8.00');
  await openMenu(tabs[0]);
  assert.deepEqual(await menu(tabs[0]), { water: '1.00', pizza: '8.00' });
  await price('water', '2.00');
  await tabs[0].waitForFunction(() => document.querySelector('[data-dish=water] dd').textContent === '2.00');
  await post({ topic: 'menu', key: 'water' }, JSON.stringify({ type: 'removed', dish: 'water' }));
  await tabs[0].waitForFunction(() => !document.querySelector('[data-dish=water]'));
});

test('killed and started again: no page sees a gap', STEP, async () => {
  await publish(tabs[0], 'kitchen', 'before');
  await publish(tabs[0], 'bar', 'before');
  for (const tab of tabs) {
    for (const stream of [KITCHEN, BAR]) await settled(tab, stream, 'before');
  }
  server.kill('SIGKILL');
  await once(server, 'exit');
  for (const tab of tabs) await tab.waitForSelector(`${KITCHEN}[data-state=connecting]`);
  ({ server } = await start({ DATA: folder, ADDR: new URL(url).host }));
  // Before any of them is back.
  const items = ['one', 'two'].map((text) => JSON.stringify({ type: 'order', text, topic: 'kitchen', at: Date.now() }));
  await post({ topic: 'kitchen' }, items.join('\n'));
  await price('pizza', '9.00');
  for (const tab of tabs) {
    await settled(tab, KITCHEN, 'two');
    assert.deepEqual(await texts(tab, KITCHEN), ['before', 'one', 'two']);
    await tab.waitForSelector(`${BAR}[data-state=open]`);
  }
  await publish(tabs[1], 'bar', 'after');
  for (const tab of tabs) {
    await settled(tab, BAR, 'after');
    assert.deepEqual(await texts(tab, BAR), ['before', 'after']);
    assert.equal(await tab.locator('[data-note=gap]').count(), 0);
  }
  await tabs[0].waitForFunction(() => document.querySelector('[data-dish=pizza] dd').textContent === '9.00');
  await openMenu(tabs[1]);
  assert.deepEqual(await menu(tabs[1]), { pizza: '9.00' });
  assert.equal((await (await fetch(`${url}/stats`)).json()).gaps, 0);
  assert.deepEqual(faults, []);
});
