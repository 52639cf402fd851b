import { createHash } from 'node:crypto';
import { accessSync, constants } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];
const POLYFILL = createRequire(import.meta.url).resolve('event-source-polyfill/src/eventsource.js');

/** Chromium, with pages of the servers' origins. */
export class Browser {
  #browser;

  /** With `quic` it speaks HTTP/3 to that server, whose key it trusts: `{ url, key }`. */
  static async launch({ quic } = {}) {
    const browser = new Browser();
    const executablePath = find(process.env.CHROMIUM ?? 'chromium');
    const args = [...FLAGS, ...(quic ? quicFlags(quic) : ['--disable-quic'])];
    // Without a profile of its own named, each launch makes a new empty one and removes it.
    browser.#browser = await chromium.launch({ executablePath, args });
    return browser;
  }

  /** A page of a server, with `EventSourcePolyfill`. */
  async page(url) {
    const page = await this.#browser.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${url}/page`);
    await page.addScriptTag({ path: POLYFILL });
    return page;
  }

  async close() {
    await this.#browser.close();
  }
}

function quicFlags({ url, key }) {
  const hash = createHash('sha256').update(Buffer.from(key, 'hex')).digest('base64');
  return [
    '--enable-quic',
    `--origin-to-force-quic-on=${new URL(url).host}`,
    `--ignore-certificate-errors-spki-list=${hash}`,
  ];
}

/** A program by its name, as the shell finds it, or by its path. */
function find(program) {
  if (program.includes('/')) return program;
  for (const folder of process.env.PATH.split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  throw new Error(`${program} is not on the PATH: set CHROMIUM`);
}
