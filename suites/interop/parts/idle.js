import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { once } from 'node:events';
import { startProgram, startServers } from '../servers.js';
import { sleep, within } from '../time.js';

export const title = '1,000 idle streams on each server, keep-alive each second';

const STREAMS = 1_000;
const SECONDS = 30;
/** For the memory of the framework's own event type. */
const OWN_SECONDS = 4;

const OWN = {
  actix: '`HttpResponse::streaming`, by hand',
  axum: '`axum::response::sse`',
  hyper: '`StreamBody`, by hand',
  warp: '`warp::sse`',
};

export async function run({ servers, check }) {
  const names = servers.map(({ name }) => name);
  const figures = await measureAll(names, '/plain-idle', SECONDS);
  const own = await measureAll(names, '/own-idle', OWN_SECONDS);
  const hub = await measureAll(['hub'], '/events', OWN_SECONDS);
  console.log('| server | streams lost | keep-alives of a stream | KiB a stream | the same with | KiB a stream |');
  console.log('|---|---|---|---|---|---|');
  for (const [name, figure] of hub) figures.set(name, figure);
  for (const name of figures.keys()) {
    const [ours, theirs] = [figures.get(name), own.get(name)];
    const cell = (value) => (value === undefined ? '–' : value.toFixed(1));
    console.log(`| ${name} | ${ours?.lost} | ${ours?.fewest} to ${ours?.most} | ${cell(ours?.memory)} | ${OWN[name] ?? '–'} | ${cell(theirs?.memory)} |`);
  }

  /** Each server in a process of its own, whose memory is then its own, all at the same time. */
  async function measureAll(names, path, seconds) {
    const figures = new Map();
    await Promise.all(names.map(async (name) => {
      const figure = await check(`${name}: ${STREAMS} streams of ${path}`, () => measure(name, path, seconds));
      figures.set(name, figure);
    }));
    return figures;
  }
}

async function measure(name, path, seconds) {
  const { url, child, stop } = await start(name);
  let streams = [];
  try {
    // What is made once, at the first request, is no stream's.
    const first = await Promise.all(Array.from({ length: 20 }, () => Idle.open(url, path)));
    for (const stream of first) stream.close();
    await sleep(500);
    const before = residentKiB(child.pid);
    while (streams.length < STREAMS) {
      // Not all at once, for the listener's backlog.
      streams.push(...(await Promise.all(Array.from({ length: 50 }, () => Idle.open(url, path)))));
    }
    await sleep(seconds * 1_000);
    const memory = (residentKiB(child.pid) - before) / STREAMS;
    const lost = streams.filter(({ ended }) => ended).length;
    assert.equal(lost, 0, `${lost} lost`);
    const counts = streams.map(({ keepAlives }) => keepAlives);
    const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
    // The streams opened first have had some more time.
    assert.ok(fewest >= seconds - 2, `a stream with ${fewest} keep-alives only`);
    assert.ok(most <= seconds + 5, `a stream with ${most} keep-alives`);
    return { memory, lost, fewest, most };
  } finally {
    for (const stream of streams) stream.close();
    await stop();
  }
}

async function start(name) {
  if (name !== 'hub') {
    const { servers: [{ url }], child, stop } = await startServers(name);
    return { url, child, stop };
  }
  const { child, lines } = await startProgram('example-hub', [], { ADDR: '127.0.0.1:0', KEEP_ALIVE_MS: '1000' });
  const { value } = await lines.next();
  return { url: /^listening on (\S+)$/.exec(value)[1], child, stop: () => child.kill('SIGKILL') };
}

/** A client that costs little: it counts keep-alives as they come on the wire. */
class Idle {
  keepAlives = 0;
  ended = false;

  static async open(url, path) {
    const { hostname, port } = new URL(url);
    const idle = new Idle();
    idle.socket = connect({ host: hostname, port });
    idle.socket.on('error', () => (idle.ended = true));
    idle.socket.on('close', () => (idle.ended = true));
    idle.socket.write(`GET ${path}?keep_alive=1000 HTTP/1.1\r\nHost: ${hostname}:${port}\r\n\r\n`);
    const [head] = await within(10_000, 'a response', once(idle.socket, 'data'));
    if (!head.toString().startsWith('HTTP/1.1 200 ')) throw new Error(head.toString());
    let rest = '';
    idle.socket.on('data', (bytes) => {
      // A keep-alive can come in two pieces; frameworks of their own have an empty line after it.
      const pieces = (rest + bytes.toString('latin1')).split(':\n');
      rest = pieces.pop();
      idle.keepAlives += pieces.length;
    });
    return idle;
  }

  close() {
    this.socket.destroy();
  }
}

function residentKiB(pid) {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
}
