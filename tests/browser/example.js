// An example server, and a browser to look at its page.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const EXAMPLE = process.env.EXAMPLE ?? 'axum';
const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Starts the example: its process and its address. It ends with this process. */
export async function start({ interval }) {
  const env = { ...process.env, ADDR: '127.0.0.1:0', INTERVAL_MS: String(interval) };
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
  const executablePath = find(process.env.CHROMIUM ?? 'chromium');
  return chromium.launch({ executablePath, args: FLAGS });
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
