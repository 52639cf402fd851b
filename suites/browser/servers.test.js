// Three servers of the hub's example on one Redis, behind nginx: one is killed under load, and its clients, a
// browser's among them, go on with the others.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { onFreePort } from '../interop/port.js';
import { launch } from './example.js';
import { KITCHEN, open, publish, settled, texts } from './hub-page.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');
const CLIENTS = 60;
/** A browser has six connections to a host, and the page needs one. */
const IN_BROWSER = 4;
/** The longest reconnection time that a client is told, and as long again for a slow machine. */
const BACK = 10_000;

const directory = mkdtempSync(join(tmpdir(), 'sse-servers-'));
const children = [];
const servers = [];
let browser;
let page;
let url;

function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.push(child);
  return child;
}

before(async () => {
  const socket = join(directory, 'redis');
  const redis = process.env.SSE_REDIS_SERVER ?? 'redis-server';
  start(redis, ['--port', '0', '--unixsocket', socket, '--dir', directory, '--save', '', '--appendonly', 'yes'])
    .stdout.resume();
  for (let number = 1; number <= 3; number += 1) {
    const env = { ...process.env, ADDR: '127.0.0.1:0', REDIS_URL: `redis+unix://${socket}`, RETAIN: '20000' };
    const child = start(join(TARGET, 'debug', 'example-hub'), [], { env });
    for await (const line of createInterface({ input: child.stdout })) {
      const found = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
      if (found) {
        servers.push({ child, url: found });
        break;
      }
    }
  }
  mkdirSync(join(directory, 'tmp'));
  url = await onFreePort(startNginx);
  browser = await launch();
  page = await browser.newPage();
  await page.goto(`${url}/stats`);
}, { timeout: 60_000 });

/** nginx before the servers, as `examples/hub` shows it; its URL. */
async function startNginx(port) {
  const url = `http://127.0.0.1:${port}`;
  let conf = readFileSync(join(ROOT, 'examples/hub/nginx.conf'), 'utf8').replace('8080', `127.0.0.1:${port}`);
  servers.forEach((server, index) => {
    conf = conf.replace(`hub${index + 1}:3000`, new URL(server.url).host);
  });
  writeFileSync(join(directory, 'nginx.conf'), conf);
  // It tells of every connection that the killed server had.
  const quiet = { stdio: 'ignore' };
  const nginx = start('nginx', ['-p', directory, '-c', join(directory, 'nginx.conf'), '-g', 'daemon off;'], quiet);
  await until('nginx answers', () => {
    assert.equal(nginx.exitCode, null, 'nginx has ended');
    return fetch(`${url}/stats`).then((response) => response.ok, () => false);
  });
  return url;
}

after(async () => {
  await browser?.close();
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}, { timeout: 15_000 });

test('what is published on the page of one server is seen on that of another', { timeout: 30_000 }, async () => {
  const faults = [];
  const tabs = await Promise.all([0, 1].map((number) => open(browser, servers[number].url, faults)));
  await publish(tabs[0], 'kitchen', 'from the first');
  await settled(tabs[1], KITCHEN, 'from the first');
  await publish(tabs[1], 'kitchen', 'from the second');
  for (const tab of tabs) {
    await settled(tab, KITCHEN, 'from the second');
    assert.deepEqual(await texts(tab, KITCHEN), ['from the first', 'from the second']);
    assert.equal(await tab.locator('[data-note=gap]').count(), 0);
  }
  assert.deepEqual(faults, []);
  for (const tab of tabs) await tab.close();
  await until('nobody listens', async () => (await subscribers(servers)) === 0);
});

test('a server is killed under load, and nothing is missing', { timeout: 120_000 }, async () => {
  const stop = new AbortController();
  const clients = Array.from({ length: CLIENTS }, () => ({ seen: [], gaps: 0, cuts: 0, away: 0 }));
  const reading = clients.map((client) => read(client, stop.signal));
  await page.evaluate((count) => {
    window.clients = Array.from({ length: count }, () => {
      const client = { seen: [], gaps: 0, cuts: 0 };
      const source = new EventSource('/events');
      source.onmessage = ({ data }) => client.seen.push(JSON.parse(data).n);
      source.addEventListener('gap', () => { client.gaps += 1; });
      source.onerror = () => { client.cuts += 1; };
      return client;
    });
  }, IN_BROWSER);
  const all = CLIENTS + IN_BROWSER;
  await until('all are connected', async () => (await subscribers(servers)) === all);
  const [first, ...others] = servers;
  const lost = await subscribers([first]);
  assert.ok(lost > 0);

  let published = 0;
  let loading = true;
  const load = (async () => {
    while (loading) {
      published += 1;
      const body = JSON.stringify({ data: { n: published } });
      const server = others[published % others.length];
      const response = await fetch(`${server.url}/publish`, { method: 'POST', body });
      assert.equal(response.status, 200);
      await sleep(2);
    }
  })();
  await sleep(1_000);
  const killed = Date.now();
  first.child.kill('SIGKILL');
  await until('all are back', async () => (await subscribers(others)) === all, BACK * 3);
  const back = Date.now() - killed;
  await sleep(500);
  loading = false;
  await load;

  const seenAll = async () => {
    const tabs = await page.evaluate(() => window.clients);
    return [...clients, ...tabs].every(({ seen }) => seen.at(-1) === published);
  };
  await until('all have the last event', seenAll);
  stop.abort();
  await Promise.all(reading);
  const tabs = await page.evaluate(() => window.clients);
  const expected = Array.from({ length: published }, (_, index) => index + 1);
  for (const [index, client] of [...clients, ...tabs].entries()) {
    assert.deepEqual(client.seen, expected, `client ${index}`);
    assert.equal(client.gaps, 0, `client ${index}`);
  }
  const cuts = [...clients, ...tabs].filter((client) => client.cuts > 0).length;
  assert.ok(cuts >= lost);
  assert.ok(Math.max(...clients.map(({ away }) => away)) < BACK);
  console.log(`${published} events to ${all} clients; ${lost} lost their server, all were back after ${back} ms`);
});

/** Follows the stream as a browser does: it waits as it was told, and says what it has. */
async function read(client, signal) {
  let last = '';
  let retry = 1_000;
  let since;
  while (!signal.aborted) {
    try {
      const headers = last ? { 'last-event-id': last } : {};
      const response = await fetch(`${url}/events`, { headers, signal });
      assert.equal(response.status, 200);
      let text = '';
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        if (since) client.away = Math.max(client.away, Date.now() - since);
        since = undefined;
        const frames = (text + chunk).split('\n\n');
        text = frames.pop();
        for (const frame of frames) {
          const fields = Object.fromEntries(frame.split('\n').map((line) => line.split(/: (.*)/s)));
          if (fields.id) last = fields.id;
          if (fields.retry) retry = Number(fields.retry);
          if (fields.event === 'gap') client.gaps += 1;
          if (fields.event === 'message') client.seen.push(JSON.parse(fields.data).n);
        }
      }
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
    }
    if (signal.aborted) return;
    client.cuts += 1;
    since ??= Date.now();
    await sleep(retry);
  }
}

async function subscribers(from) {
  const stats = await Promise.all(from.map(async (server) => (await fetch(`${server.url}/stats`)).json()));
  return stats.reduce((sum, { subscribers: count }) => sum + count, 0);
}

async function until(what, isSo, time = 30_000) {
  const start = Date.now();
  while (!await isSo()) {
    assert.ok(Date.now() - start < time, `waited too long: ${what}`);
    await sleep(20);
  }
}
