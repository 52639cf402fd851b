// node suite.js [short|long] [accept] [only=PATTERN]: the proxies that `run` has installed, in front of the servers it has built.
//
// Each stands in front of one server, and the servers take turns; with `long`, in front of each of them, three times.
// `short` asks about streams of more than 15 s only where a fault is expected. `accept` writes the results into
// expected.json; `only` selects the proxies with a matching name.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { onFreePort } from '../interop/port.js';
import { startServers } from '../interop/servers.js';
import { sleep, until } from '../interop/time.js';
import { CAPABILITIES, judge, slowness } from '../clients/capabilities.js';
import { inTurn, killGroup } from '../clients/drivers/driver.js';
import { Expectations } from '../clients/expectations.js';
import { FILES } from '../clients/relay.js';
import { INTERVAL, TYPES, allScripts, pathOf, servedScripts } from '../clients/scripts.js';
import { startWire } from '../clients/wire.js';
import { COLUMNS, SEEN } from './columns.js';
import { PROXIES } from './proxies.js';
import { get1, get2 } from './reading.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const words = new Set(process.argv.slice(2));
const only = [...words].find((word) => word.startsWith('only='))?.slice(5);
const LONG = words.has('long');
const ROUNDS = LONG ? 3 : 1;
const AT_ONCE = Number(process.env.AT_ONCE ?? 4);
const STREAMS_AT_ONCE = 4;
const TRIES = 3;

/** How soon the head has to be there; and what counts as not at all. */
const SOON = 100;
const PATIENCE = 4_000;
const BROWSER = { name: 'EventSource', kind: 'source' };
const unique = (name) => `${name}-${Math.random().toString(36).slice(2)}`;

const directory = await mkdtemp(join(tmpdir(), 'proxies-'));
process.env.SCRIPTS = join(directory, 'scripts.json');
process.env.FILES = FILES;
// For the browsers' profiles.
process.env.TMPDIR = directory;
const scripts = allScripts();
await writeFile(process.env.SCRIPTS, JSON.stringify(servedScripts()));
const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')];
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
  '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });

const since = Date.now();
const { servers, stop } = await startServers();
const wire = await startWire(scripts);
const expectations = new Expectations(here('expected.json'));
const chosen = Object.keys(PROXIES).filter((name) => !only || new RegExp(only).test(name));
const children = new Set();
process.on('exit', () => children.forEach((child) => child.kill('SIGKILL')));
try {
  let turn = 0;
  const tasks = chosen.flatMap((name) => Array.from({ length: ROUNDS }, () =>
    (words.has('wire') ? [wire.server] : LONG ? servers : [servers[turn++ % servers.length]]).map((server) => () => before(name, server))).flat());
  await inTurn(tasks, AT_ONCE, (task) => task());
} finally {
  wire.stop();
  await stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

print();
const faults = expectations.faults();
console.log(`\n${chosen.length} proxies in ${((Date.now() - since) / 1000).toFixed(0)} s`);
for (const fault of faults) console.log(`FAILED ${fault}`);
console.log(`${expectations.passed} passed, ${faults.length} failed`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** A proxy before a server: what is not as expected is asked once more. */
async function before(name, server) {
  const since = performance.now();
  await ask(name, server);
  if (words.has('accept')) expectations.accept({ [name]: PROXIES[name].version() });
  console.log(`${name}, ${server.name}: ${((performance.now() - since) / 1000).toFixed(1)} s`);
}

async function ask(name, server) {
  const proxy = PROXIES[name];
  let running;
  try {
    running = await onFreePort((port) => startProxy(port, name, proxy, server), 2);
  } catch (error) {
    for (const column of Object.keys(COLUMNS)) expectations.note(name, column, `does not run: ${error.message}`, server.name);
    return;
  }
  const { url, end } = running;
  const get = proxy.h2 ? get2 : get1;
  const checks = {
    head: () => head(get, url),
    time: () => onTime(get, url),
    whole: () => ending(get, url, 'end', 'clean'),
    broken: () => ending(get, url, 'cut', 'cut'),
    gone: () => gone(get, url, server),
    long: () => lasting(get, url),
  };
  try {
    const asked = Object.entries(checks).filter(([column]) => column !== 'long' || !words.has('short') || !expectations.meets(name, column, 'ok'));
    const raw = Promise.all(asked.map(async ([column, check]) => {
      let value;
      for (let tries = 1; tries <= TRIES; tries += 1) {
        value = await check();
        if (expectations.meets(name, column, value)) break;
      }
      tell(name, server, column, value);
      expectations.note(name, column, value, server.name);
    }));
    let rest = SEEN;
    for (let tries = 1; rest.length > 0; tries += 1) {
      const tag = (job) => `${name}-${job}-${Math.random().toString(36).slice(2)}`.replace(/[^\w-]+/g, '_');
      const tags = Object.fromEntries(rest.map((job) => [job, tag(job)]));
      const jobs = (browser) => rest.map((job) => ({ name: job, millis: Math.round(CAPABILITIES[job].millis * slowness()), url: `${url}/script/${pathOf(job)}/${tags[job]}-${browser}`, types: TYPES }));
      const pages = await Promise.all((proxy.browsers ?? ['chromium']).map((browser) => page(browser, jobs(browser), tries === 1 ? STREAMS_AT_ONCE : 1)));
      const wrong = [];
      for (const job of rest) {
        const [value, reports] = worst(name, job, pages);
        if (tries < TRIES && !expectations.meets(name, job, value)) wrong.push(job);
        else {
          tell(name, server, job, value, reports);
          expectations.note(name, job, value, server.name);
        }
      }
      rest = wrong;
    }
    await raw;
  } finally {
    await end();
  }
}

/** The value of the first browser that is not as expected, or else of the first one; and its reports. */
function worst(name, job, pages) {
  const values = pages.map((page) => {
    const reports = page.get(job) ?? [];
    return [judge(BROWSER, job, reports, []).replace(/^missed .*/, (text) => outcome(reports, text)), reports];
  });
  return values.find(([value]) => !expectations.meets(name, job, value)) ?? values[0];
}

/** Why a page missed something. */
function outcome(reports = [], text) {
  if (reports.some(({ what }) => what === 'closed')) return 'gives up for good';
  return reports.some(({ what }) => what === 'error') ? text : 'hangs';
}

function tell(name, server, column, value, reports = []) {
  if (!process.env.VERBOSE || value === 'ok') return;
  console.log(`${name}, ${server.name}, ${column}: ${value}`);
  for (const { job, time, ...report } of reports.slice(0, 20)) console.log('   ', JSON.stringify(report));
}

async function startProxy(port, name, proxy, server) {
  const dir = await mkdtemp(join(directory, 'proxy-'));
  await mkdir(join(dir, 'n'));
  // Varnish reads as a user of its own.
  await Promise.all([directory, dir].map((path) => chmod(path, 0o755)));
  const given = { upstream: new URL(server.url).host, port, dir, key, cert };
  for (const [file, text] of Object.entries(proxy.config(given))) await writeFile(join(dir, file), text);
  const [program, ...args] = proxy.command(given);
  const child = spawn(program, args.map(String), { cwd: dir, env: { ...process.env, ...proxy.env?.(given) }, stdio: ['ignore', 'ignore', process.env.VERBOSE ? 'inherit' : 'ignore'] });
  children.add(child);
  let failed;
  child.once('error', (error) => (failed = error.code));
  child.once('exit', (code, signal) => {
    failed ??= `status ${code ?? signal}`;
    children.delete(child);
  });
  const url = `${proxy.h2 ? 'https' : 'http'}://127.0.0.1:${port}`;
  const end = async () => {
    if (!child.pid || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 2_000);
    await exit;
    clearTimeout(late);
  };
  try {
    await until(20_000, name, async () => {
      if (failed) throw new Error(failed);
      return (proxy.h2 ? get2 : get1)(`${url}/files/pages/page.html`, { millis: 1_000 }).then((reading) => (reading.leave(), reading.status === 200), () => false);
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { url, end };
}

/** A stream that is quiet at first: is its head there at once? */
async function head(get, url) {
  try {
    const reading = await get(`${url}/script/open/${unique('open')}`);
    reading.leave();
    if (reading.status !== 200) return `status ${reading.status}`;
    if (reading.head > 1_000) return 'with the first event';
    return reading.head <= SOON * slowness() ? 'ok' : 'late';
  } catch {
    return 'none';
  }
}

/** Events with a pause between them arrive in their time, not together at the end. */
async function onTime(get, url) {
  try {
    const reading = await get(`${url}/script/ticks/${unique('ticks')}`);
    const { events } = reading.decoder;
    await until(PATIENCE, 'the events', () => events.length >= 8 || reading.end);
    reading.leave();
    // On a busy machine several arrive together, but not all.
    const apart = events.filter(({ at }, index) => index > 0 && at - events[index - 1].at > INTERVAL / 10).length;
    if (apart < 4 || events.at(-1).at - events[0].at < 4 * INTERVAL) return 'not one by one';
    return reading.headers['content-encoding'] === 'gzip' ? 'compressed' : 'ok';
  } catch {
    return 'nothing until the end';
  }
}

/** How the first connection of a script ends, as HTTP has it. */
async function ending(get, url, script, wanted) {
  try {
    const reading = await get(`${url}/script/${script}/${unique(script)}`);
    await until(PATIENCE, 'the end', () => reading.end);
    const { events } = reading.decoder;
    if (events.length !== 2) return `${events.length} of 2 events, ${reading.end}`;
    return reading.end === wanted ? 'ok' : reading.end;
  } catch (error) {
    return /did not come/.test(error.message) ? 'hangs' : 'no head';
  }
}

/** Does the server hear of a client that has gone, with a keep-alive or without? */
async function gone(get, url, server) {
  const tag = unique('gone');
  const waiting = get(`${url}/script/idle/${tag}`).catch(() => undefined);
  await sleep(700);
  const reading = await waiting;
  if (!reading) return 'no head';
  reading.leave();
  try {
    await until(3_000, 'the drop', async () => (await (await fetch(`${server.url}/stats`)).json()).drops[tag]);
    return 'ok';
  } catch {
    return 'the server does not hear of it in 3 s';
  }
}

/** A stream that goes on for longer than some proxies allow, with keep-alives. */
async function lasting(get, url) {
  try {
    const reading = await get(`${url}/script/long/${unique('long')}`);
    await until(20_000, 'the last event', () => reading.end || reading.decoder.events.length > 0);
    reading.leave();
    return reading.decoder.events.length > 0 ? 'ok' : `${reading.end} before`;
  } catch {
    return 'no head';
  }
}

/** A browser's EventSource in a page that comes through the proxy. */
async function page(program, jobs, atOnce) {
  const child = spawn('node', [here('../clients/drivers/browser.js'), program, 'EventSource'], {
    stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
    env: { ...process.env, ANY_CERTIFICATE: '1', NODE_NO_WARNINGS: '1' },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000 + jobs.length * 9_000);
  children.add(child);
  let browser;
  const reports = new Map();
  child.stdin.end(JSON.stringify({ jobs, atOnce }));
  for await (const line of createInterface({ input: child.stdout })) {
    const report = JSON.parse(line);
    if (report.browser) {
      browser = report.browser;
      continue;
    }
    if (!reports.has(report.job)) reports.set(report.job, []);
    reports.get(report.job).push(report);
  }
  clearTimeout(timer);
  // One whose driver has been ended.
  if (browser) killGroup(browser);
  children.delete(child);
  return reports;
}

function print() {
  console.log(`| proxy | ${Object.values(COLUMNS).join(' | ')} |`);
  console.log(`|---|${Object.keys(COLUMNS).map(() => '---|').join('')}`);
  for (const name of chosen) {
    console.log(`| ${name} | ${Object.keys(COLUMNS).map((column) => expectations.cell(name, column)).join(' | ')} |`);
  }
}
