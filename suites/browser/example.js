// An example server, and a browser to look at its page.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { executable, FLAGS } from './chromium.js';

const EXAMPLE = process.env.EXAMPLE ?? 'axum';
const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));

/** Starts the example with these settings: its process and its address. It ends with this process. */
export async function start(settings) {
  const env = { ...process.env, ADDR: '127.0.0.1:0', ...settings };
  const program = join(TARGET, 'debug', `example-${EXAMPLE}`);
  const server = spawn(program, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  process.on('exit', () => server.kill('SIGKILL'));
  await once(server, 'spawn');
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /^listening on (http:\/\/\S+)$/.exec(line)?.[1];
    if (url) return { server, url };
  }
  throw new Error(`${EXAMPLE} has not said where it listens`);
}

/** Without a profile of its own named, each launch makes a new empty one and removes it. */
export function launch() {
  return chromium.launch({ executablePath: executable(), args: [...FLAGS, '--disable-quic'] });
}
