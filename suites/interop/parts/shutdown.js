import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { get1, get2 } from '../http.js';
import { startProgram, startServers } from '../servers.js';
import { within } from '../time.js';

export const title = 'Shutdown with open streams';

const LIMIT = 2_000;
const EXAMPLES = ['actix', 'axum', 'hyper', 'warp'];

export async function run({ check }) {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    await Promise.all(EXAMPLES.map((name) =>
      check(`example ${name}, ${signal}: a clean end, soon`, async () => {
        const { child, lines } = await startProgram(`example-${name}`, [], { ADDR: '127.0.0.1:0', INTERVAL_MS: '50' });
        try {
          const { value } = await lines.next();
          const url = `${/^listening on (\S+)$/.exec(value)[1]}/ping`;
          // The actix example offers HTTP/1.1 alone.
          const gets = [get1, get1, get1, ...(name === 'actix' ? [] : [get2, get2])];
          const streams = await Promise.all(gets.map((get) => get(url)));
          // A connection that has asked for nothing, as browsers open them ahead.
          const silent = connect({ host: '127.0.0.1', port: new URL(url).port });
          await once(silent, 'connect');
          // The system resets it if the server ends before it has accepted it.
          silent.on('error', () => {});
          await Promise.all(streams.map((stream) => stream.count(4)));
          const { took, status } = await end(child, signal);
          silent.destroy();
          assert.deepEqual(await Promise.all(streams.map(({ ended }) => ended)), gets.map(() => 'clean'));
          assert.deepEqual(status, [0, null]);
          assert.ok(took < LIMIT, `took ${took.toFixed(0)} ms`);
          // Nothing but whole frames.
          for (const { body } of streams) assert.ok(body.toString().endsWith('\n\n'));
          console.log(`example ${name}, ${signal}: ${took.toFixed(0)} ms, ${streams.length} streams open`);
        } finally {
          child.kill('SIGKILL');
        }
      }),
    ));
  }

  await check('a last event with a spread-out retry, where asked for', async () => {
    const { servers, child, stop } = await startServers();
    try {
      const streams = await Promise.all(servers.flatMap(({ url }) =>
        Array.from({ length: 40 }, () => get1(`${url}/count?interval=50&goodbye=1`)),
      ));
      const idle = await Promise.all(servers.map(({ url }) => get1(`${url}/idle`)));
      await Promise.all(streams.map((stream) => stream.count(2)));
      const { took, status } = await end(child, 'SIGTERM');
      assert.deepEqual(status, [0, null]);
      assert.ok(took < LIMIT, `took ${took.toFixed(0)} ms`);
      for (const stream of [...streams, ...idle]) assert.equal(await stream.ended, 'clean');
      const retries = streams.map(({ events, decoder }) => {
        const { type, data, lastEventId } = events.at(-1);
        // It leaves the last event ID alone, so that the client resumes.
        assert.deepEqual([type, data, lastEventId], ['goodbye', '{}', events.at(-2).lastEventId]);
        return decoder.retries.at(-1);
      });
      for (const retry of retries) assert.ok(retry >= 1_000 && retry < 2_000, `retry ${retry}`);
      const buckets = new Set(retries.map((retry) => Math.floor(retry / 100)));
      assert.equal(buckets.size, 10, `retries in ${buckets.size} of 10 parts of the second`);
      console.log(`all four servers, SIGTERM: ${took.toFixed(0)} ms, ${streams.length} last events, retry ${Math.min(...retries)} to ${Math.max(...retries)} ms`);
    } finally {
      await stop();
    }
  });
}

async function end(child, signal) {
  const since = performance.now();
  const exit = once(child, 'exit');
  child.kill(signal);
  const status = await within(LIMIT * 5, `the end by ${signal}`, exit);
  return { took: performance.now() - since, status };
}
