import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const title = 'Readers that know more than event streams: Python\'s requests, fetch and its cache, a browser\'s own event types';

const PYTHON = process.env.PYTHON ?? 'python3';
const TEXT = '✅ é 日本';

const REQUESTS = `
import sys, requests
response = requests.get(sys.argv[1], stream=True, timeout=10)
print(response.encoding)
print(next(line for line in response.iter_lines(decode_unicode=True) if line.startswith('data: ')))
`;

export async function run({ servers, browser, check }) {
  for (const { name, url } of servers) {
    await check(`${name}: requests reads UTF-8`, async () => {
      const options = { env: { ...process.env, PYTHONIOENCODING: 'utf-8' } };
      const { stdout } = await promisify(execFile)(PYTHON, ['-c', REQUESTS, `${url}/readers`], options);
      assert.deepEqual(stdout.trim().split('\n'), ['utf-8', `data: ${TEXT}`]);
    });
    const page = await browser.page(url);
    try {
      await check(`${name}: fetch keeps nothing of a stream`, async () => {
        const texts = await page.evaluate(async () => {
          const first = await (await fetch('/readers?of=fetch')).text();
          await new Promise((resolve) => setTimeout(resolve, 20));
          const again = await (await fetch('/readers?of=fetch', { cache: 'force-cache' })).text();
          return [first, again];
        });
        // Each says when it was made.
        assert.notEqual(texts[0], texts[1]);
      });
      await check(`${name}: a browser takes the types error and open for its own`, async () => {
        const calls = await page.evaluate(() => new Promise((resolve) => {
          const source = new EventSource('/readers?of=types');
          const calls = [];
          source.onopen = (event) => calls.push(['open', event.data]);
          source.onerror = (event) => {
            calls.push(['error', event.data, source.readyState]);
            // The last one is of the end.
            if (source.readyState !== 1) resolve((source.close(), calls));
          };
        }));
        assert.deepEqual(calls, [['open', undefined], ['error', 'e', 1], ['open', 'o'], ['error', undefined, 0]]);
      });
    } finally {
      await page.close();
    }
  }
}
