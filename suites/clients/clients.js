// The clients: where each comes from, how it is run, and what it has no way to show.

import { existsSync, readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const VENV = process.env.VENV ?? here('../../target/zoo/venv');
const RUST = process.env.ZOO_CLIENTS ?? here('../../target/zoo/debug/zoo-clients');

const node = (client) => ['node', here('drivers/node.js'), client];
const python = (client, venv = 'new') => [`${VENV}/${venv}/bin/python`, here('drivers/python.py'), client];
const rust = (client) => [RUST, client];

/** What an SDK's own protocol has in place of an event source's. */
const sdk = (api, more) => ({ kind: 'sdk', api, ...more });
const mcp = { kind: 'source', api: 'mcp', not: {
  open: 'the answer to a call is not shown before it is there',
  types: 'has none', ids: 'does not show them', 'last words': 'has none', 'first failure': 'an answer that breaks before the first id cannot be resumed',
  'bare, broken': 'cannot be resumed', retry: 'see `end`', hub: 'has another protocol', stop: 'has another meaning there',
}, also: ['refusal'] };

const ownPage = { types: 'has types of its own', ids: 'does not show them', 'last words': 'has none', hub: 'has another protocol' };
// `alone`: one that pauses in a page that is not seen.
const PAGES = {
  EventSource: { kind: 'source' },
  'event-source-polyfill': { package: 'npm event-source-polyfill', kind: 'source' },
  'sse.js': { package: 'npm sse.js', kind: 'source' },
  'fetch-event-source': { package: 'npm @microsoft/fetch-event-source', kind: 'source' },
  fetch: { kind: 'reader' },
  'htmx 2': { package: 'npm htmx.org', client: 'htmx-2', kind: 'source' },
  'htmx 4': { package: 'npm htmx-4', client: 'htmx-4', kind: 'source', api: 'unnamed', alone: true },
  Datastar: { package: 'npm @starfederation/datastar', client: 'datastar', kind: 'source', api: 'datastar', not: ownPage, alone: true },
  Turbo: { package: 'npm @hotwired/turbo', client: 'turbo', kind: 'source', api: 'turbo', not: ownPage },
};
const BROWSERS = { Chromium: 'debian chromium', Firefox: 'debian firefox-esr' };

/** Each page in each browser. */
const inBrowsers = Object.entries(BROWSERS).flatMap(([browser, debian]) =>
  Object.entries(PAGES).map(([name, { client = name, ...page }]) => ({
    name: `${name}, ${browser}`, package: debian, browser, ...page,
    program: ['node', here('drivers/browser.js'), browser.toLowerCase(), client],
  })));

export const CLIENTS = [
  { name: 'eventsource 5', package: 'npm eventsource', program: node('eventsource-5'), kind: 'source' },
  { name: 'eventsource 4', package: 'npm eventsource-4', program: node('eventsource-4'), kind: 'source' },
  { name: 'eventsource 3', package: 'npm eventsource-3', program: node('eventsource-3'), kind: 'source' },
  { name: 'eventsource 2', package: 'npm eventsource-2', program: node('eventsource-2'), kind: 'source' },
  { name: 'undici EventSource', package: 'npm undici', program: node('undici'), kind: 'source' },
  { name: 'eventsource-client', package: 'npm eventsource-client', program: node('eventsource-client'), kind: 'source' },
  { name: 'event-source-plus', package: 'npm event-source-plus', program: node('event-source-plus'), kind: 'source' },
  { name: 'eventsource-parser', package: 'npm eventsource-parser', program: node('eventsource-parser'), kind: 'reader' },
  { name: 'openai, npm', package: 'npm openai', program: node('openai-7'), ...sdk('chat') },
  { name: 'openai 6, npm', package: 'npm openai-6', program: node('openai-6'), ...sdk('chat') },
  { name: 'openai, npm, Responses', package: 'npm openai', program: node('openai-7 Responses'), ...sdk('responses') },
  { name: 'anthropic, npm', package: 'npm @anthropic-ai/sdk', program: node('anthropic'), ...sdk('messages') },
  { name: 'AI SDK, OpenAI-compatible', package: 'npm ai', program: node('ai-7 provider'), ...sdk('chat') },
  { name: 'AI SDK, messages', package: 'npm ai', program: node('ai-7 messages'), ...sdk('ui') },
  { name: 'AI SDK 6, messages', package: 'npm ai-6', program: node('ai-6 messages'), ...sdk('ui') },
  { name: 'MCP, npm', package: 'npm @modelcontextprotocol/sdk', program: node('mcp'), ...mcp },
  { name: 'httpx-sse', package: 'pip httpx-sse', program: python('httpx-sse'), kind: 'reader' },
  { name: 'sseclient-py', package: 'pip sseclient-py', program: python('sseclient-py'), kind: 'reader' },
  { name: 'requests-sse', package: 'pip requests-sse', program: python('requests-sse'), kind: 'reader' },
  { name: 'aiohttp-sse-client', package: 'pip aiohttp-sse-client', program: python('aiohttp-sse-client'), kind: 'reader' },
  { name: 'openai, Python', package: 'pip openai', program: python('openai'), ...sdk('chat') },
  { name: 'openai 1, Python', package: 'pip-old openai', program: python('openai', 'old'), ...sdk('chat') },
  { name: 'openai, Python, Responses', package: 'pip openai', program: python('openai Responses'), ...sdk('responses') },
  { name: 'anthropic, Python', package: 'pip anthropic', program: python('anthropic'), ...sdk('messages') },
  { name: 'MCP, Python', package: 'pip mcp', program: python('mcp'), ...mcp },
  { name: 'MCP 1.20, Python', package: 'pip-old mcp', program: python('mcp', 'old'), ...mcp },
  { name: 'eventsource-client, Rust', package: 'cargo eventsource-client', program: rust('eventsource-client'), kind: 'source' },
  { name: 'eventsource-client 0.16, Rust', package: 'cargo eventsource-client 0.16', program: rust('eventsource-client-0-16'), kind: 'source' },
  { name: 'reqwest-eventsource, Rust', package: 'cargo reqwest-eventsource', program: rust('reqwest-eventsource'), kind: 'source' },
  { name: 'eventsource-stream, Rust', package: 'cargo eventsource-stream', program: rust('eventsource-stream'), kind: 'reader' },
  ...inBrowsers,
];

/** The short form leaves out libraries in Firefox: the same code runs in Chromium. */
export const isShort = ({ name, browser }) => browser !== 'Firefox' || ['EventSource, Firefox', 'fetch, Firefox'].includes(name);

/** The version that is run, as the lock files have it. */
export function versionOf({ package: named }) {
  const [where, name, prefix = ''] = named.split(' ');
  if (where === 'npm') {
    const { packages } = JSON.parse(readFileSync(here('package-lock.json')));
    return packages[`node_modules/${name}`].version;
  }
  if (where === 'cargo') {
    const lock = readFileSync(here('drivers/../rust/Cargo.lock'), 'utf8');
    const versions = [...lock.matchAll(/name = "(.*)"\nversion = "(.*)"/g)].filter(([, found]) => found === name);
    return versions.map(([, , version]) => version).findLast((version) => version.startsWith(prefix));
  }
  if (where === 'debian') return execFileSync(name, ['--version'], { encoding: 'utf8' }).match(/[\d.]+/)[0];
  const text = readFileSync(here(where === 'pip' ? 'requirements.txt' : 'requirements-old.txt'), 'utf8');
  return text.match(new RegExp(`^${name}==(.*)$`, 'm'))[1];
}
