// node suite.js [short|long] [accept] [only=PATTERN] [wire]: the clients that `run` has installed, against the servers it has built.
//
// Each client asks one server for each capability, and the servers take turns; with `long` it asks all of them,
// three times; `short` takes fewer clients (`isShort`). `accept` writes the results into expected.json; `only`
// selects the clients with a matching name; with `wire` they all ask the server of wire.js.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startProgram, startServers } from '../interop/servers.js';
import { onFreePort } from '../interop/port.js';
import { sleep, until } from '../interop/time.js';
import { CAPABILITIES, ENOUGH, OWN_PROGRAM, TICKS, jobs, judge, slowness } from './capabilities.js';
import { CLIENTS, isShort, versionOf } from './clients.js';
import { inTurn, killGroup } from './drivers/driver.js';
import { Expectations } from './expectations.js';
import { FILES, startMcp, startRelay } from './relay.js';
import { TYPES, allScripts, servedScripts } from './scripts.js';
import { startWire } from './wire.js';

const words = new Set(process.argv.slice(2));
const only = [...words].find((word) => word.startsWith('only='))?.slice(5);
const LONG = words.has('long');
const ROUNDS = LONG ? 3 : 1;
/** How many clients run at a time, and how many streams of one. */
const CLIENTS_AT_ONCE = Number(process.env.AT_ONCE ?? 3);
const STREAMS_AT_ONCE = 5;
const TRIES = 3;
/** For the start of a client's program. */
const START = 20_000;

const chosen = CLIENTS.filter((client) => (only ? new RegExp(only).test(client.name) : !words.has('short') || isShort(client)));

const directory = await mkdtemp(join(tmpdir(), 'clients-'));
const scripts = allScripts();
process.env.SCRIPTS = join(directory, 'scripts.json');
process.env.FILES = FILES;
// For the browsers' profiles.
process.env.TMPDIR = directory;
await writeFile(process.env.SCRIPTS, JSON.stringify(servedScripts()));

const since = Date.now();
const { servers, stop } = await startServers();
const wire = await startWire(scripts);
const hub = await startHub();
const first = await startFirstProgram();
const gateways = new Map();
for (const server of [...servers, wire.server]) gateways.set(server, await startMcp(server));
const expectations = new Expectations(join(FILES, 'expected.json'));
try {
  let turn = 0;
  const tasks = [];
  // Those that take longest, first.
  for (const client of [...chosen].sort((a, b) => Boolean(b.alone) - Boolean(a.alone))) {
    for (let round = 0; round < ROUNDS; round += 1) {
      const asked = words.has('wire') ? [wire.server] : LONG ? servers : [servers[turn++ % servers.length]];
      for (const server of asked) tasks.push(() => ask(client, server));
    }
  }
  await inTurn(tasks, CLIENTS_AT_ONCE, (task) => task());
} finally {
  await stop();
  wire.stop();
  await hub.stop();
  first.stop();
  for (const gateway of gateways.values()) gateway.stop();
  await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

print();
const faults = expectations.faults();
console.log(`\n${chosen.length} clients in ${((Date.now() - since) / 1000).toFixed(0)} s`);
for (const fault of faults) console.log(`FAILED ${fault}`);
console.log(`${expectations.passed} passed, ${faults.length} failed`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Asks a server, the wire and the hub; what is not as expected is asked again, with nothing beside it. */
async function ask(client, server) {
  const since = performance.now();
  const at = (name) => (CAPABILITIES[name].fact ? wire.server : server);
  let rest = jobs(client, Object.keys(CAPABILITIES));
  for (let tries = 1; rest.length > 0; tries += 1) {
    const round = Math.random().toString(36).slice(2);
    const tag = ({ name }) => `${client.name}-${name}-${round}`.replace(/[^\w-]+/g, '_');
    const described = rest.map((job) => {
      if (job.name === 'hub') return { ...job, url: `${hub.url}/events?topic=${tag(job)}`, types: TYPES, enough: ENOUGH };
      if (job.name === 'first program') return { ...job, url: `${first.url}/?${tag(job)}`, types: [...TYPES, 'tick'], enough: TICKS };
      const { url } = client.api === 'mcp' ? gateways.get(at(job.name)) : at(job.name);
      return { ...job, url: `${url}/script/${job.script}/${tag(job)}`, types: TYPES };
    });
    const topics = rest.filter(({ name }) => name === 'hub').map(tag);
    topics.forEach((topic) => hub.topics.add(topic));
    const reports = await run(client, described, tries === 1 && !client.alone ? STREAMS_AT_ONCE : 1);
    topics.forEach((topic) => hub.topics.delete(topic));
    const wrong = [];
    for (const job of rest) {
      const { asked } = await (await fetch(`${at(job.name).url}/stats`)).json();
      const value = judge(client, job.name, reports.get(job.name) ?? [], asked[tag(job)] ?? []);
      if (tries === TRIES || expectations.meets(client.name, job.name, value)) {
        expectations.note(client.name, job.name, value, OWN_PROGRAM.includes(job.name) ? job.name : at(job.name).name);
      } else {
        wrong.push(job);
      }
      tell(client, at(job.name).name, job.name, value, reports, asked[tag(job)]);
    }
    rest = wrong;
  }
  if (words.has('accept')) expectations.accept({ [client.name]: versionOf(client) });
  console.log(`${client.name}, ${server.name}: ${((performance.now() - since) / 1000).toFixed(1)} s`);
}

/** A client's program with these jobs: its reports by the job. */
async function run(client, jobs, atOnce) {
  const [program, ...args] = client.program;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', process.env.VERBOSE ? 'inherit' : 'ignore'],
    env: { ...process.env, NODE_NO_WARNINGS: '1', OPENAI_LOG: 'off' },
  });
  const limit = START * slowness() + jobs.reduce((sum, { millis }) => sum + millis, 0);
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  let browser;
  child.stdin.on('error', () => {});
  const reports = new Map();
  // A row that says so, and no row that is left out.
  const absent = (why) => jobs.forEach(({ name }) => reports.set(name, [{ what: 'absent', text: `does not run: ${why}` }]));
  child.on('error', ({ code }) => absent(code));
  child.stdin.end(JSON.stringify({ jobs: jobs.map((job) => ({ ...job, warm: `${new URL(job.url).origin}/stats` })), atOnce }));
  for await (const line of createInterface({ input: child.stdout })) {
    try {
      const report = JSON.parse(line);
      if (report.browser) {
        browser = report.browser;
        continue;
      }
      if (!reports.has(report.job)) reports.set(report.job, []);
      reports.get(report.job).push(report);
    } catch {
      console.log(`${client.name}: ${line}`);
    }
  }
  clearTimeout(timer);
  // One whose driver has been ended.
  if (browser) killGroup(browser);
  if (child.pid && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (reports.size === 0 && child.exitCode !== 0) absent(child.exitCode ?? child.signalCode ?? 'no such program');
  return reports;
}

/** With `VERBOSE`, what a client reported where something is not right. */
function tell(client, server, name, value, reports, asked) {
  if (!process.env.VERBOSE || value === 'ok') return;
  console.log(`${client.name}, ${server}, ${name}: ${value}`);
  for (const { job, time, ...report } of reports.get(name)?.slice(0, 40) ?? []) console.log('   ', JSON.stringify(report));
  if (asked) console.log('    asked', JSON.stringify(asked));
}

/** The first program of README.md, with shorter times, and the pages' files. */
async function startFirstProgram() {
  const { child, url } = await onFreePort(async (port) => {
    const { child } = await startProgram('first-program', [], { ADDR: `127.0.0.1:${port}` });
    const url = `http://127.0.0.1:${port}`;
    await until(5_000, 'the first program', () => {
      if (child.exitCode !== null) throw new Error(`the first program ended with status ${child.exitCode}`);
      return fetch(`${url}/stats`).then(() => true, () => false);
    });
    return { child, url };
  });
  const relay = await startRelay(url);
  return {
    url: relay.url,
    stop() {
      relay.stop();
      child.kill('SIGKILL');
    },
  };
}

/** The hub's example, cut once for each topic, with events for those topics that are listened to. */
async function startHub() {
  const { child, lines } = await startProgram('example-hub', [], { ADDR: '127.0.0.1:0', KEEP_ALIVE_MS: '100' });
  const { value } = await lines.next();
  const url = /^listening on (\S+)$/.exec(value)[1];
  const relay = await startRelay(url, { cutAfter: 1_500 });
  const topics = new Set();
  let running = true;
  const publishing = (async () => {
    for (let n = 1; running; n += 1) {
      for (const topic of topics) {
        await fetch(`${url}/publish?topic=${topic}`, { method: 'POST', body: JSON.stringify({ data: { n } }) });
      }
      await sleep(60);
    }
  })();
  return {
    url: relay.url,
    topics,
    async stop() {
      running = false;
      await publishing;
      relay.stop();
      child.kill('SIGKILL');
    },
  };
}

function print() {
  const columns = Object.keys(CAPABILITIES);
  console.log(`| client | ${columns.map((name) => CAPABILITIES[name].title).join(' | ')} |`);
  console.log(`|---|${columns.map(() => '---|').join('')}`);
  for (const { name } of chosen) {
    const cells = columns.map((column) => expectations.cell(name, column));
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}
