import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { get1 } from '../http.js';
import { start } from '../servers.js';
import { until } from '../time.js';

export const title = 'nginx and compression middleware';

const INTERVAL = 200;
const EVENTS = 8;
/** How late an event may be: it is there before the next is sent. */
const LATEST = 0.9 * INTERVAL;

const ANY = { 'accept-encoding': 'gzip, deflate, br, zstd' };

export async function run({ servers, directory, check }) {
  const nginx = await startNginx(servers, directory);
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
          const encoding = response.headers['content-encoding'] ?? 'identity';
          assert.equal(encoding, 'identity');
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

/** nginx with its defaults on `/plain/NAME/`, and on `/gzip/NAME/` with gzip for all types. */
async function startNginx(servers, directory) {
  const port = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const location = (kind, { name, url }) =>
    `location /${kind}/${name}/ { ${kind === 'gzip' ? 'gzip on; gzip_types *;' : ''} proxy_pass ${url}/; }`;
  const config = join(directory, 'nginx.conf');
  await writeFile(config, `
    daemon off;
    master_process off;
    pid ${directory}/nginx.pid;
    error_log stderr error;
    events {}
    http {
      access_log off;
      ${temporary.map((name) => `${name}_temp_path ${directory}/nginx-${name};`).join('\n')}
      server {
        listen 127.0.0.1:${port};
        location = /up { return 204; }
        ${['plain', 'gzip'].flatMap((kind) => servers.map((server) => location(kind, server))).join('\n')}
      }
    }
  `);
  const child = start('nginx', ['-p', directory, '-e', 'stderr', '-c', config]);
  const url = `http://127.0.0.1:${port}`;
  await until(5_000, 'nginx', () => get1(`${url}/up`).then((response) => response.leave() ?? true, () => false));
  return {
    url,
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function freePort() {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
