import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

import { executable, FLAGS } from '../browser/chromium.js';

const POLYFILL = createRequire(import.meta.url).resolve('event-source-polyfill/src/eventsource.js');

/** Chromium, with pages of the servers' origins. */
export class Browser {
  #browser;

  /** With `quic` it speaks HTTP/3 to that server, whose key it trusts: `{ url, key }`. */
  static async launch({ quic } = {}) {
    const browser = new Browser();
    const args = [...FLAGS, ...(quic ? quicFlags(quic) : ['--disable-quic'])];
    // Without a profile of its own named, each launch makes a new empty one and removes it.
    browser.#browser = await chromium.launch({ executablePath: executable(), args });
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
