import assert from 'node:assert/strict';
import { Raw } from '../http.js';

export const title = 'Connection: close';

export async function run({ servers, check }) {
  await Promise.all(servers.map(({ name, url }) =>
    check(`${name}: the answer says that the connection closes, and it closes`, async () => {
      const raw = await Raw.connect(url);
      try {
        const { status, headers } = await raw.ask('GET', '/count?max=2&then=end', { headers: { connection: 'close' } });
        assert.equal(status, 200);
        assert.equal(headers.connection, 'close');
        await raw.end();
        assert.match(raw.body, /id: 2\n/);
        console.log(`${name}: connection: ${headers.connection}`);
      } finally {
        raw.destroy();
      }
    }),
  ));
}
