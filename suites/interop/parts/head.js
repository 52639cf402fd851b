import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http2 from 'node:http2';
import { Raw, get1, stats } from '../http.js';
import { startNginx } from '../nginx.js';
import { HTTP2, startServers } from '../servers.js';
import { sleep, until, within } from '../time.js';

export const title = 'HEAD';

const SOURCES = { 'always ready': '/endless?', ticking: '/count?interval=50&' };
/** How soon the next request on the same connection is answered. */
const SOON = 500;
/** How long one looks whether a body comes all the same. */
const SILENCE = 200;
/** What may differ from one answer to the next. */
const OWN = [
  'date', 'transfer-encoding', 'connection', 'keep-alive',
  // axum says the length of what it has left of the body.
  'content-length',
];

export async function run({ directory, check }) {
  const rows = [];
  // In a process of their own: a source that is polled for ever would take a thread along.
  const { servers, child, stop } = await startServers();
  const nginx = await startNginx(servers, directory, {
    kept: 'proxy_http_version 1.1; proxy_set_header Connection "";',
  }, { keepalive: 1 });
  try {
    await Promise.all(servers.flatMap((server) => Object.entries(SOURCES).map(async ([source, path]) => {
      const { name, url } = server;
      const ways = {
        'HTTP/1.1': () => head1(url, path, server, `${name}-${source.replace(' ', '-')}-1`),
        'HTTP/1.1, nginx': () => head1(`${nginx.url}/kept/${name}`, path, server, `${name}-${source.replace(' ', '-')}-n`),
        ...(HTTP2.has(name) && { 'HTTP/2': () => head2(server, path, `${name}-${source.replace(' ', '-')}-2`) }),
      };
      for (const [way, ask] of Object.entries(ways)) {
        const took = await check(`${name}, ${source}, ${way}: the head alone, and the connection goes on`, ask);
        rows.push([name, source, way, took === undefined ? '**not answered**' : `${took.toFixed(0)} ms`]);
      }
    })));
    await check('no time is spent on them afterwards', async () => {
      const before = cpuMillis(child.pid);
      await sleep(500);
      const spent = cpuMillis(child.pid) - before;
      assert.ok(spent < 100, `${spent} ms of 500`);
    });
  } finally {
    await nginx.stop();
    await stop();
  }
  console.log('| server | source | over | the next request is answered after |\n|---|---|---|---|');
  for (const row of rows.sort()) console.log(`| ${row.join(' | ')} |`);
}

async function head1(url, path, server, tag) {
  const { pathname: base } = new URL(`${url}/x`);
  const prefix = base.slice(0, -'/x'.length);
  const get = await get1(`${url}${path}tag=${tag}-get`);
  get.leave();
  const raw = await Raw.connect(url);
  try {
    const { status, headers } = await raw.ask('HEAD', `${prefix}${path}tag=${tag}`);
    assert.equal(status, 200);
    assert.deepEqual(comparable(headers), comparable(get.headers));
    await sleep(SILENCE);
    assert.equal(raw.body, '');
    const since = performance.now();
    const next = await raw.ask('GET', `${prefix}/stats`, { millis: SOON });
    const took = performance.now() - since;
    assert.equal(next.status, 200);
    await leftAlone(server, tag);
    return took;
  } finally {
    raw.destroy();
  }
}

async function head2(server, path, tag) {
  const session = http2.connect(server.url);
  let failure;
  session.on('error', (error) => (failure = error));
  try {
    const ask = async (method, path) => {
      const stream = session.request({ ':method': method, ':path': path }, { endStream: true });
      let length = 0;
      stream.on('data', (bytes) => (length += bytes.length));
      const closed = once(stream, 'close');
      const [headers] = await within(5_000, `${method} ${path}`, once(stream, 'response'));
      return { headers, stream, closed, length: () => length };
    };
    const get = await ask('GET', `${path}tag=${tag}-get`);
    get.stream.close(http2.constants.NGHTTP2_CANCEL);
    const head = await ask('HEAD', `${path}tag=${tag}`);
    assert.deepEqual(comparable(head.headers), comparable(get.headers));
    await within(5_000, 'the end of the stream', head.closed);
    assert.equal(head.stream.rstCode, 0);
    assert.equal(head.length(), 0);
    const since = performance.now();
    const next = await ask('GET', '/stats');
    assert.equal(next.headers[':status'], 200);
    const took = performance.now() - since;
    assert.ok(took < SOON, `${took} ms`);
    assert.equal(failure, undefined);
    await leftAlone(server, tag);
    return took;
  } finally {
    session.destroy();
  }
}

function comparable(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN.includes(name)));
}

/** The source was never polled, and it is dropped. */
async function leftAlone(server, tag) {
  const dropped = await until(SOON, 'the drop', async () => {
    const { drops, taken } = await stats(server);
    return drops[tag] && { drops: drops[tag].length, taken: taken[tag] ?? 0 };
  });
  assert.deepEqual(dropped, { drops: 1, taken: 0 });
}

/** What a process and its threads have used of the processor; a tick is 10 ms on Linux. */
function cpuMillis(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
