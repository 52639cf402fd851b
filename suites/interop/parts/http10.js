import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Raw } from '../http.js';
import { startNginx } from '../nginx.js';
import { start } from '../servers.js';
import { within } from '../time.js';

export const title = 'HTTP/1.0';

/** Two events, then an error that cuts the connection. */
const CUT = '/error?policy=fail&pause=300';
/** What curl says of the end: nothing, or that the body is not whole. */
const [CLEAN, PARTIAL] = [0, 18];

export async function run({ servers, directory, check }) {
  // 1.0 is the default of nginx before 1.29.7.
  const nginx = await startNginx(servers, directory, {
    'HTTP1.0': 'proxy_http_version 1.0;',
    'HTTP1.1': 'proxy_http_version 1.1; proxy_set_header Connection "";',
  });
  const rows = [];
  try {
    await Promise.all(servers.flatMap(({ name, url }) => [
      check(`${name}: no chunks, and the end of the connection ends the body`, async () => {
        const raw = await Raw.connect(url);
        try {
          const { status, headers } = await raw.ask('GET', '/count?max=2&then=end', { version: '1.0' });
          assert.equal(status, 200);
          assert.equal(headers['transfer-encoding'], undefined);
          assert.notEqual(headers.connection, 'keep-alive');
          await raw.end();
          assert.match(raw.body, /^:\nretry: 100\nid: 1\n(.|\n)*\n\nid: 2\n(.|\n)*\n\n$/);
        } finally {
          raw.destroy();
        }
      }),
      // HTTP/1.0 has no other end of a body than that of the connection: nginx cannot tell a cut.
      ...[['HTTP1.0', CLEAN], ['HTTP1.1', PARTIAL]].map(([kind, expected]) =>
        check(`${name}: an error in the body, through nginx with an ${kind} upstream`, async () => {
          const child = start('curl', ['--silent', '--no-buffer', `${nginx.url}/${kind}/${name}${CUT}`]);
          let body = '';
          child.stdout.on('data', (text) => (body += text));
          const [status] = await within(10_000, 'curl', once(child, 'close'));
          rows.push([name, kind, status]);
          assert.match(body, /id: 2\n/);
          assert.equal(status, expected);
        })),
    ]));
  } finally {
    await nginx.stop();
  }
  console.log("| server | nginx's upstream | curl, after an error in the body |\n|---|---|---|");
  const says = { [CLEAN]: 'a clean end', [PARTIAL]: 'a broken one' };
  for (const [name, kind, status] of rows.sort()) {
    console.log(`| ${name} | ${kind} | ${says[status] ?? '**neither**'} (${status}) |`);
  }
}
