// The rules of the wire, by hand: a server that plays the scripts without the crate. What the crate's
// servers send is compared with it, and it can send what they never do.

import { once } from 'node:events';
import http from 'node:http';
import { sleep } from '../interop/time.js';
import { sendFile } from './relay.js';

const lines = (text) => text.split(/\r\n|\n|\r/);
const comment = (text) => lines(text).map((line) => (line ? `: ${line}\n` : ':\n')).join('');

function frame(step, id) {
  if (step.comment !== undefined) return comment(step.comment);
  const fields = [];
  if (id !== undefined) fields.push(`id: ${id}`);
  if (step.data !== false) {
    if (!step.no_type) fields.push(`event: ${step.type ?? 'message'}`);
    for (const line of lines(step.text ?? JSON.stringify(step.json))) fields.push(`data: ${line}`);
  }
  return `${fields.join('\n')}\n\n`;
}

/** Plays the scripts at `/script/NAME/TAG`, as the interop suite's servers do. */
export async function startWire(scripts) {
  const [asked, drops] = [{}, {}];
  const server = http.createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://wire');
    const [, , name, tag] = pathname.split('/');
    if (request.url.startsWith('/files/')) return sendFile(request.url, response);
    if (request.url === '/stats') return response.end(JSON.stringify({ asked, drops }));
    const script = scripts[name];
    if (!script) return response.end(`no script ${name}`);
    const last = Number(request.headers['last-event-id'] ?? searchParams.get('lastEventId')) || undefined;
    (asked[tag] ??= []).push([Date.now(), last ?? null]);
    response.on('close', () => (drops[tag] ??= []).push(Date.now()));
    await play(script, response, last, asked[tag].length);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.keepAliveTimeout = 60_000;
  const stop = () => { server.close(); server.closeAllConnections(); };
  return { server: { name: 'wire', url: `http://127.0.0.1:${server.address().port}` }, stop };
}

async function play(script, response, last, requests) {
  let next = 1;
  const steps = script.steps.map((step) => {
    const item = step.item;
    const numbered = item && !script.bare && !item.no_id && item.id === undefined && item.comment === undefined;
    return { step, item, number: numbered ? next++ : undefined };
  });
  const isEnd = ({ step }) => step === 'fail' || step === 'end';
  let start = 0;
  if (last !== undefined) start = steps.findIndex(({ number }) => number === last) + 1 || steps.length;
  else if (script.bare && requests > 1) start = (steps.flatMap((step, index) => (isEnd(step) ? [index] : []))[requests - 2] ?? -1) + 1;
  const first = steps.findIndex(({ step }, index) => index >= start && !step.pause);
  if (requests > 1 && first >= 0 && isEnd(steps[first])) start = first + 1;
  if (steps[start]?.step === 'stop') return response.writeHead(204).end();

  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-store, no-transform', 'x-accel-buffering': 'no',
  });
  let timer;
  const write = (text) => {
    response.write(text);
    if (script.keep_alive) clearInterval(timer), timer = setInterval(() => response.write(':\n'), script.keep_alive);
  };
  response.on('close', () => clearInterval(timer));
  write(script.retry ? `:\nretry: ${script.retry}\n` : ':\n');
  for (const { step, item, number } of steps.slice(start)) {
    if (response.destroyed) return undefined;
    if (step === 'end') return response.end();
    if (step === 'fail') {
      if (script.last_words) return response.end(frame(script.last_words));
      return script.bare || script.breaks ? response.destroy() : response.end();
    }
    if (step.pause) await sleep(step.pause);
    else if (step.raw) write(step.raw);
    else if (item?.retry) write(`retry: ${item.retry}\n`);
    else if (item) write(frame(item, item.id ?? number));
  }
  return undefined;
}
