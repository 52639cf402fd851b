import assert from 'node:assert/strict';
import { get1 } from '../http.js';
import { startNginx } from '../nginx.js';

export const title = 'nginx and compression middleware';

const INTERVAL = 200;
const EVENTS = 8;
/** How late an event may be: it is there before the next is sent. */
const LATEST = 0.9 * INTERVAL;

const ANY = { 'accept-encoding': 'gzip, deflate, br, zstd' };

export async function run({ servers, directory, check }) {
  const nginx = await startNginx(servers, directory, { plain: '', gzip: 'gzip on; gzip_types *;' });
  try {
    await Promise.all(servers.flatMap(({ name, url }) =>
      [
        ['nginx', `${nginx.url}/plain/${name}`],
        ['nginx with gzip for all types', `${nginx.url}/gzip/${name}`],
        ...(['actix', 'axum'].includes(name) ? [['its compression middleware', `${url}/compressed`]] : []),
      ].map(async ([what, base]) => {
        const late = await check(`${name} through ${what}: one by one, as they were sent`, async () => {
          const response = await get1(`${base}/count?interval=${INTERVAL}`, { headers: ANY });
          assert.equal(response.status, 200);
          // Only a proxy that is told to compress every type does so, and what it compresses is read as it comes.
          const encoding = response.headers['content-encoding'] ?? 'identity';
          if (what !== 'nginx with gzip for all types' || name === 'actix') assert.equal(encoding, 'identity');
          else assert.equal(encoding, 'gzip');
          const events = await response.count(EVENTS);
          response.leave();
          return latest(events);
        });
        if (late !== undefined) console.log(`${name} through ${what}: at most ${late.toFixed(1)} ms late`);
        if (what === 'nginx') return;
        // Or the check above would show nothing.
        await check(`${name} through ${what}: a page is compressed`, async () => {
          const response = await get1(`${base}/page`, { headers: ANY });
          response.leave();
          assert.equal(response.headers['content-encoding'], 'gzip');
        });
      }),
    ));
  } finally {
    await nginx.stop();
  }
}

/** By how much the latest came later than it was sent. */
function latest(events) {
  const delays = events.map(({ data, at }) => performance.timeOrigin + at - JSON.parse(data).at);
  events.forEach(({ data }, index) => assert.equal(JSON.parse(data).n, index + 1));
  const late = Math.max(...delays);
  assert.ok(late < LATEST, `${late.toFixed(1)} ms late`);
  return late;
}
