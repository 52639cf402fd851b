import assert from 'node:assert/strict';
import { get1, get2, stats } from '../http.js';
import { HTTP2 } from '../servers.js';
import { sleep, until } from '../time.js';

export const title = 'Disconnect: how soon the source is dropped';

const TIMES = 5;
/** How long it may take, without any help of a keep-alive. */
const BOUND = 500;

const STREAMS = {
  'idle, no keep-alive': 'idle?',
  'idle, keep-alive': 'idle?keep_alive=100&',
  busy: 'count?interval=10&',
};
const WAYS = {
  'HTTP/1.1, closed': [get1, 'close'],
  'HTTP/1.1, reset': [get1, 'reset'],
  'HTTP/2, closed': [get2, 'close'],
  'HTTP/2, stream reset': [get2, 'reset'],
};

/** actix-web's HTTP/2 learns that the client has gone by writing only: there it takes a keep-alive. */
const unnoticed = ({ name }, get, stream) =>
  name === 'actix' && get === get2 && stream === 'idle, no keep-alive';

export async function run({ servers, check }) {
  console.log(`in ms, the slowest of ${TIMES}\n`);
  console.log(`| server | the client goes | ${Object.keys(STREAMS).join(' | ')} |`);
  console.log(`|---|---|${Object.keys(STREAMS).map(() => '---|').join('')}`);
  for (const server of servers) {
    for (const [way, [get, how]] of Object.entries(WAYS)) {
      if (get === get2 && !HTTP2.has(server.name)) continue;
      const cells = await Promise.all(Object.entries(STREAMS).map(async ([stream, path]) => {
        if (unnoticed(server, get, stream)) return 'at the next write';
        const worst = await check(`${server.name}, ${way}, ${stream}`, async () => {
          const took = await Promise.all(Array.from({ length: TIMES }, async (_, index) => {
            await sleep(index * 7);
            return measure(server, get, how, path, `${way}/${stream}/${index}`.replace(/[^a-z0-9]+/gi, '-'));
          }));
          return Math.max(...took);
        });
        return worst === undefined ? '**too long**' : worst.toFixed(1);
      }));
      console.log(`| ${server.name} | ${way} | ${cells.join(' | ')} |`);
    }
  }
}

async function measure(server, get, how, path, tag) {
  const reading = await get(`${server.url}/${path}tag=${tag}`);
  assert.equal(reading.status, 200);
  await sleep(50);
  assert.equal((await stats(server)).drops[tag], undefined);
  const left = performance.timeOrigin + performance.now();
  reading.leave(how);
  const [dropped] = await until(BOUND * 2, 'the drop', async () => (await stats(server)).drops[tag]);
  const took = dropped - left;
  assert.ok(took < BOUND, `took ${took.toFixed(1)} ms`);
  return Math.max(took, 0);
}
