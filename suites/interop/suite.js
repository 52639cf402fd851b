// node suite.js: all parts in order, against the servers that `run` has built.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Browser } from './browser.js';
import { Results } from './results.js';
import { startServers } from './servers.js';
import * as buffering from './parts/buffering.js';
import * as clients from './parts/clients.js';
import * as connectionClose from './parts/connection-close.js';
import * as disconnect from './parts/disconnect.js';
import * as errors from './parts/errors.js';
import * as firstFailure from './parts/first-failure.js';
import * as head from './parts/head.js';
import * as headers from './parts/headers.js';
import * as http10 from './parts/http10.js';
import * as http3 from './parts/http3.js';
import * as idle from './parts/idle.js';
import * as polyfill from './parts/polyfill.js';
import * as proxies from './parts/proxies.js';
import * as readers from './parts/readers.js';
import * as refusal from './parts/refusal.js';
import * as resume from './parts/resume.js';
import * as shutdown from './parts/shutdown.js';

const PARTS = {
  head, 'first-failure': firstFailure, http10, 'connection-close': connectionClose, http3, proxies, readers,
  clients, headers, buffering, polyfill, resume, errors, disconnect, refusal, shutdown, idle,
};

const named = process.argv.slice(2);
const directory = await mkdtemp(join(tmpdir(), 'interop-'));
const results = new Results();
const { servers, stop } = await startServers();
const browser = await Browser.launch();
try {
  for (const [name, part] of Object.entries(PARTS)) {
    if (named.length > 0 && !named.includes(name)) continue;
    const since = performance.now();
    console.log(`\n## ${part.title}\n`);
    await part.run({ servers, browser, directory, check: results.check.bind(results, name) });
    console.log(`\n(${((performance.now() - since) / 1000).toFixed(1)} s)`);
  }
} finally {
  await browser.close();
  await stop();
  await rm(directory, { recursive: true });
}
results.print();
process.exitCode = results.failed > 0 ? 1 : 0;
