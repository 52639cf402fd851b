// What is asked of each client: the columns of the table. Each has a script, how long it may take, and a
// judgement of what was reported, which is `ok` or what went wrong in a few words that are the same each time.

import { availableParallelism, loadavg } from 'node:os';
import { APIS, FACTS, SCRIPTS, expected, forApi, pathOf } from './scripts.js';

/** How soon a stream that sends nothing must be open, and when it counts as one that opens with its first event. */
const SOON = 100;
const WITH_FIRST = 1_000;
/** What a client may add to the reconnection time of 400 ms (or of 300 ms), and take away. */
const RECONNECTS = [240, 1_200];

const SHORT = 4_000;
const LONG = 5_000;

/** By how much all takes longer than on a machine that has nothing else to do. */
export const slowness = () => Math.min(8, Math.max(1, loadavg()[0] / availableParallelism()));

/** Clients that reconnect by themselves; those whose user does; APIs' own clients. */
const ALL = ['source', 'reader', 'sdk'];
const RAW = ['source', 'reader'];

const heard = (reports) => reports.filter(({ what }) => what === 'event');

export const CAPABILITIES = {
  open: { title: 'opens', kinds: ALL, millis: SHORT, judge: opens },
  data: { title: 'data', kinds: ALL, millis: SHORT },
  lines: { title: 'lines', kinds: ALL, millis: SHORT },
  unicode: { title: 'Unicode', kinds: ALL, millis: SHORT },
  types: { title: 'types', kinds: RAW, millis: SHORT },
  ids: { title: 'ids', kinds: ALL, millis: SHORT, ids: true },
  'keep-alive': { title: 'keep-alive', kinds: ALL, millis: SHORT },
  comments: { title: 'comments', kinds: ALL, millis: SHORT },
  retry: { title: 'retry', kinds: ALL, millis: LONG, judge: reconnects },
  end: { title: 'clean end', kinds: RAW, millis: LONG },
  cut: { title: 'cut', kinds: RAW, millis: LONG },
  error: { title: 'error', kinds: RAW, millis: LONG },
  'first failure': { title: 'first failure', kinds: RAW, millis: LONG },
  'bare, broken': { title: 'bare, broken', kinds: ALL, millis: LONG, judge: tells },
  'last words': { title: 'last words', kinds: RAW, millis: LONG, ids: true },
  stop: { title: '204', kinds: ['source'], millis: 2_500, judge: stays },
  refusal: { title: 'its own error', kinds: ['sdk'], millis: SHORT, judge: says },
  'first program': { title: 'first program', kinds: RAW, millis: SHORT, ids: true, judge: ticks },
  hub: { title: 'hub', kinds: RAW, millis: 14_000, judge: follows },
  'empty lines': { title: 'empty lines', kinds: ALL, millis: SHORT, fact: true },
};

/** Asked of programs that play no script, and so have no API's items. */
export const OWN_PROGRAM = ['first program', 'hub'];

/** The jobs of a client on a server. */
export function jobs(client, names) {
  return names
    .filter((name) => CAPABILITIES[name].kinds.includes(client.kind) || client.also?.includes(name))
    .filter((name) => name !== 'refusal' || (client.api && APIS[client.api].error))
    .filter((name) => !client.not?.[name] && !(OWN_PROGRAM.includes(name) && client.api && client.api !== 'unnamed'))
    .map((name) => ({
      name,
      script: pathOf(`${client.api ? `${client.api}.` : ''}${name}`),
      millis: Math.round(CAPABILITIES[name].millis * slowness()),
    }));
}

/** `ok`, or what went wrong. */
export function judge(client, name, reports, asked) {
  if (reports[0]?.what === 'absent') return reports[0].text;
  const { judge = compare } = CAPABILITIES[name];
  return judge({ client, name, reports, events: heard(reports), asked });
}

/** What the script says, through the client's API if it has one. */
function expectation(client, name) {
  const script = forApi(client.api, name);
  let events = expected(script);
  if (client.api && client.api !== 'unnamed') {
    // Its own items carry the texts, whatever their types and ids.
    events = events.filter(({ type }) => type !== 'goodbye').map(({ data }) => ({ data }));
    if (APIS[client.api].asIs) events = texts(script).map((data) => ({ data }));
  }
  return events;
}

/** The texts of a script, letter by letter. */
const texts = ({ steps }) => steps.map(({ text, json }) => text ?? (json && JSON.stringify(json))).filter((text) => text !== undefined);

function compare({ client, name, events, reports, wanted = expectation(client, name) }) {
  const { ids } = CAPABILITIES[name];
  const keys = ['type', 'data', ...(ids ? ['lastEventId'] : [])].filter((key) => wanted.every((event) => key in event));
  // An event of an API has no more than data; one without a type is a message.
  const key = (event) => JSON.stringify(keys.map((key) => event[key] ?? (key === 'type' ? 'message' : '')));
  const [want, got] = [wanted.map(key), events.map(key)];
  if (want.join() === got.join()) return 'ok';
  const [missed, more] = [without(want, got), without(got, want)];
  const failed = reports.find(({ what }) => what === 'closed') && reports.findLast(({ what, text }) => what === 'error' && text);
  const show = (keys) => [...new Set(keys)].slice(0, 3).map((key) => JSON.parse(key).map((value) => JSON.stringify(value)).join(' ')).join(', ');
  return [
    missed.length > 0 && `missed ${show(missed)}`,
    more.length > 0 && `heard ${show(more)}`,
    missed.length + more.length === 0 && 'in another order',
    failed && short(failed.text),
  ].filter(Boolean).join('; ');
}

/** An error's name and the first of what it says, without addresses and numbers of its own. */
const short = (text) => text.replace(/0x[0-9a-f]+|127\.0\.0\.1:\d+|\d{4,}/g, '…').replace(/\s+/g, ' ').slice(0, 90);

/** The keys of a list that are not in another, each as often as it is there more often. */
function without(list, other) {
  const rest = [...other];
  return list.filter((key) => {
    const index = rest.indexOf(key);
    if (index >= 0) rest.splice(index, 1);
    return index < 0;
  });
}

function opens(all) {
  const compared = compare(all);
  if (compared !== 'ok') return compared;
  const open = all.reports.find(({ what }) => what === 'open');
  if (!open) return 'says nothing';
  // From the server's hearing of the request on.
  const took = Math.round(open.time - all.asked[0][0]);
  if (took >= WITH_FIRST) return 'with the first event';
  return took <= SOON * slowness() ? 'ok' : 'late';
}

/** What the servers were asked, with the time and the id. */
function reconnects(all) {
  const { client, asked } = all;
  const compared = compare(all);
  if (compared !== 'ok' || client.kind !== 'source') return compared;
  const waited = asked[1] && asked[1][0] - asked[0][0] - 80;
  const [from, to] = RECONNECTS;
  return waited >= from && waited <= to ? 'ok' : 'waits a time of its own';
}

function tells(all) {
  const { client, events, reports } = all;
  // One that reconnects by itself is told of the second part, whatever it thinks of the first.
  if (client.kind === 'source' || events[0]?.data !== '1') return compare(all);
  const second = reports.findIndex(({ what, data }) => what === 'event' && data !== '1');
  const before = second < 0 ? reports : reports.slice(0, second);
  if (!before.some(({ what }) => what === 'error')) {
    return before.some(({ what }) => what === 'ended') || events.length > 1 ? 'takes it for the end' : 'hangs';
  }
  return client.kind === 'sdk' ? 'ok' : compare(all);
}

function stays({ events, asked }) {
  if (events[0]?.data !== '1') return 'missed "1"';
  if (asked.length < 2) return 'does not come back';
  return asked.length === 2 ? 'ok' : asked.slice(2).some(([, last]) => last === null) ? 'asks again, without its id' : 'asks again';
}

function says({ events, reports }) {
  const error = reports.find(({ what }) => what === 'error');
  if (!error) return events.some(({ data }) => data === 'end') ? 'takes it for the end' : 'hangs';
  return error.text.includes('overloaded') ? 'ok' : `an error of its own: ${short(error.text)}`;
}

/** The first program counts from 1; it keeps the connection alive several times between two ticks. */
function ticks(all) {
  const wanted = Array.from({ length: TICKS }, (_, index) => ({ type: 'tick', data: `[${index + 1}]`, lastEventId: `${index + 1}` }));
  return compare({ ...all, events: all.events.slice(0, TICKS), wanted });
}

/** The hub counts on: none missing, none twice, over at least one interruption. */
function follows({ events }) {
  const counts = events.filter(({ data }) => data.startsWith('{"n":')).map(({ data }) => JSON.parse(data).n);
  const wrong = counts.findIndex((n, index) => index > 0 && n !== counts[index - 1] + 1);
  if (wrong > 0) return counts[wrong] > counts[wrong - 1] ? 'misses events' : 'hears events again';
  if (events.some(({ type }) => type === 'gap')) return 'hears of a gap';
  if (counts.length === 0) return 'hears nothing';
  return events.length < ENOUGH ? 'does not come back' : 'ok';
}

/** A client reads so many events of the hub, and so many ticks of the first program. */
export const ENOUGH = 40;
export const TICKS = 6;
