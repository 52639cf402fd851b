import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EventStreamDecoder } from '../event-stream.js';
import { KNOWN_FAULTS } from '../known-faults.js';
import { HTTP2, start } from '../servers.js';
import { within } from '../time.js';

export const title = 'Clients, servers and cases';

const CASES = JSON.parse(readFileSync(new URL('../cases.json', import.meta.url)));
for (const { expect } of CASES) {
  // A text, and how many times it is repeated.
  if (Array.isArray(expect?.data)) expect.data = expect.data[0].repeat(expect.data[1]);
}
const TYPES = [...new Set(CASES.map(({ expect }) => expect?.type ?? 'message'))];

const PYTHON = process.env.PYTHON ?? 'python3';

/** Each reads the cases from a server, and gives the events that it saw. */
const CLIENTS = {
  'Chromium EventSource': ({ url }, { browser }) => inBrowser('EventSource', url, browser),
  'event-source-polyfill': ({ url }, { browser }) => inBrowser('EventSourcePolyfill', url, browser),
  eventsource: ({ url }) => program('node', [path('eventsource.js'), `${url}/cases`, JSON.stringify(TYPES)]),
  undici: ({ url }) => program('node', [path('undici.js'), `${url}/cases`, JSON.stringify(TYPES)]),
  'eventsource-parser': ({ url }) => program('node', [path('eventsource-parser.js'), `${url}/cases?then=end`]),
  'httpx-sse': ({ url }) => program(PYTHON, [path('httpx-sse.py'), `${url}/cases?then=end`]),
  'curl, HTTP/1.1': ({ url }) => curl('--http1.1', `${url}/cases?then=end`),
  'curl, an event a chunk': ({ url }) => curl('--http1.1', `${url}/cases?then=end&chunk=0`),
  'curl, HTTP/1.0': ({ url }) => curl('--http1.0', `${url}/cases?then=end`),
  'curl, HTTP/2': ({ name, url }) =>
    HTTP2.has(name) ? curl('--http2-prior-knowledge', `${url}/cases?then=end`) : undefined,
};

export async function run({ servers, browser, check }) {
  const faults = new Map(KNOWN_FAULTS.map((fault) => [fault, 0]));
  const table = [];
  for (const [client, read] of Object.entries(CLIENTS)) {
    const cells = await Promise.all(servers.map(async (server) => {
      const reading = await check(`${client} reads from ${server.name}`, () => read(server, { browser }) ?? null);
      return reading === null ? '–' : compare(client, server, reading ?? [], faults, check);
    }));
    table.push([client, ...cells]);
  }
  console.log(`${CASES.length} cases; each number is of those that are as the standard has it\n`);
  console.log(`| client | ${servers.map(({ name }) => name).join(' | ')} |`);
  console.log(`|---|${servers.map(() => '---|').join('')}`);
  for (const row of table) console.log(`| ${row.join(' | ')} |`);
  console.log('\n–: not offered without TLS');
  console.log();
  for (const [{ client, fault, reference }, count] of faults) {
    console.log(`known fault: ${client}: ${fault} (${reference}): ${count} times`);
  }
}

/** Case by case: the cell of the table. */
async function compare(client, server, events, faults, check) {
  let at = 0;
  let last = '';
  let [good, known, bad] = [0, 0, 0];
  for (const entry of CASES) {
    last = entry.expect?.lastEventId ?? entry.id ?? last;
    const fault = KNOWN_FAULTS.find((fault) => fault.client === client && fault.of(entry));
    const expected = fault ? fault.reports(entry, last) : entry.expect ? [entry.expect] : [];
    const seen = events.slice(at, at + expected.length);
    if (!same(seen, expected)) {
      // Was it left out, or is it there and wrong? What comes next tells.
      const next = CASES.slice(CASES.indexOf(entry) + 1).find(({ expect }) => expect)?.expect;
      const isNext = (index) => next && same(events.slice(index, index + 1), [next]);
      if (isNext(at) && !isNext(at + expected.length)) seen.length = 0;
    }
    at += seen.length;
    const passed = await check(`${client}, ${server.name}: ${entry.name}`, () => {
      if (!same(seen, expected)) assert.fail(`expected ${show(expected)}\n     saw ${show(seen)}`);
      return true;
    });
    if (!passed) bad += 1;
    else if (fault) known += 1;
    else good += 1;
    if (fault && passed) faults.set(fault, faults.get(fault) + 1);
  }
  await check(`${client}, ${server.name}: nothing else`, () => assert.equal(events.length, at));
  return [`${good}`, known && `${known} known`, bad && `**${bad} wrong**`].filter(Boolean).join(', ');
}

function same(seen, expected) {
  const key = ({ type, data, lastEventId }) => JSON.stringify([type, data, lastEventId]);
  return seen.length === expected.length && seen.every((event, index) => key(event) === key(expected[index]));
}

function show(events) {
  return events.map(({ type, data, lastEventId }) => {
    const short = data.length > 80 ? `${data.slice(0, 80)}… (${data.length})` : data;
    return JSON.stringify({ type, data: short, lastEventId });
  }).join(' ') || 'nothing';
}

async function inBrowser(constructor, url, browser) {
  const page = await browser.page(url);
  try {
    return await within(20_000, constructor, page.evaluate(read, [constructor, TYPES]));
  } finally {
    await page.close();
  }

  function read([constructor, types]) {
    return new Promise((resolve) => {
      const events = [];
      const source = new window[constructor]('/cases');
      for (const type of types) {
        source.addEventListener(type, ({ data, lastEventId }) => {
          // An `error` without data is no event of the server.
          if (data === undefined) return;
          events.push({ type, data, lastEventId });
          if (type !== 'end') return;
          source.close();
          resolve(events);
        });
      }
    });
  }
}

/** What a client program reports, a JSON object a line. */
async function program(name, args) {
  const output = await outputOf(name, args);
  return output.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

async function curl(version, url) {
  const decoder = new EventStreamDecoder();
  decoder.push(await outputOf('curl', ['--silent', '--show-error', '--no-buffer', version, url]));
  return decoder.end().events;
}

async function outputOf(name, args) {
  const child = start(name, args);
  const chunks = [];
  child.stdout.on('data', (bytes) => chunks.push(bytes));
  const [code] = await within(20_000, name, once(child, 'close')).finally(() => child.kill());
  assert.equal(code, 0, `${name} ended with status ${code}`);
  return Buffer.concat(chunks);
}

function path(client) {
  return fileURLToPath(new URL(`../clients/${client}`, import.meta.url));
}
