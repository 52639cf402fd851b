import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));

/** The servers that speak HTTP/2 without TLS. */
export const HTTP2 = new Set(['actix', 'axum', 'hyper', 'warp']);

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

/** Starts a program that does not outlive this one. */
export function start(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** A program of the workspace, and its lines on standard output. */
export async function startProgram(name, args = [], env = {}) {
  const child = start(join(TARGET, process.env.PROFILE ?? 'debug', name), args, {
    env: { ...process.env, ...env },
  });
  await once(child, 'spawn');
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
}

/** The interop servers, all or those that are named, in one process. */
export async function startServers(...names) {
  const { child, lines } = await startProgram('test-interop', names, {
    // One part panics on purpose.
    RUST_BACKTRACE: '0',
  });
  const servers = [];
  while (servers.length < (names.length || 4)) {
    const { value, done } = await lines.next();
    if (done) throw new Error('the servers have not said where they listen');
    const [name, url, key] = value.split(' ');
    servers.push({ name, url, key });
  }
  servers.sort((a, b) => a.name.localeCompare(b.name));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  return { servers, child, stop };
}
