// What the servers play: each script is a stream, over one connection or several, for one capability.
//
// A script has `steps`: an item as `cases.json` of the interop suite has it, or `{ pause: MILLIS }`, `fail`
// (an item that fails), `end` (a clean end) or `stop` (204 for whoever comes back). `bare`, `keep_alive`,
// `retry`, `last_words` and `breaks` (errors break the connection) are options of the stream. Its last
// event has the data `end`.

const QUIET = 1_500;
const text = (text, more) => ({ text, ...more });
const END = text('end');
const pause = (millis) => ({ pause: millis });
const cutBy = (step) => [text('1'), text('2'), pause(80), step, text('3'), pause(80), step, text('4'), END];

/** By the capability that they show. */
export const SCRIPTS = {
  open: { steps: [pause(QUIET), END] },
  data: { steps: [text('plain'), { json: { list: [true, null], n: 1 } }, text('  two spaces'), text(''), text(': no comment'), END] },
  lines: { steps: [text('a\nb\r\nc\rd'), text('\n\nafter two, before one\n'), text('{\n  "n": 1\n}'), END] },
  unicode: { steps: [text('✅ é 日本 😀'), text('a\u2028b\u2029c\u0085d\u000be\u000cf'), text('\ufeffmark'), END] },
  types: { steps: [text('named', { type: 'update' }), text('unnamed', { no_type: true }), text('message'), text('again', { type: 'update' }), END] },
  ids: { steps: [text('1'), text('own', { id: 'row-7' }), text('none', { no_id: true }), text('2'), END] },
  'keep-alive': { keep_alive: 50, steps: [pause(180), text('1'), pause(180), text('2', { no_id: true }), pause(180), text('3'), pause(180), END] },
  comments: { steps: [{ comment: 'first' }, text('1'), { comment: 'two\nlines' }, { comment: '' }, text('2'), { comment: 'last' }, END] },
  retry: { retry: 300, steps: [text('1'), { retry: 400, no_id: true, no_type: true }, text('2'), pause(80), 'end', text('3'), END] },
  end: { retry: 100, steps: cutBy('end') },
  cut: { retry: 100, breaks: true, steps: cutBy('fail') },
  error: { retry: 100, steps: cutBy('fail') },
  'first failure': { retry: 100, steps: ['fail', text('1'), END] },
  'bare, broken': { retry: 100, bare: true, steps: [text('1'), pause(80), 'fail', text('2'), END] },
  'last words': { retry: 100, last_words: text('closing', { type: 'goodbye' }), steps: [text('1'), text('2'), pause(80), 'fail', text('3'), END] },
  stop: { retry: 100, steps: [text('1'), pause(80), 'end', 'stop'] },
};

/**
 * What no server of this crate sends, from `wire.js` alone: an empty line that ends no event. Clients that
 * take it for one are why a comment and a reconnection time are lines without one after them.
 */
export const FACTS = {
  'empty lines': { steps: [text('1'), { raw: ': comment\n\n' }, text('2'), { raw: 'retry: 100\n\n' }, text('3'), END] },
};

/** For proxies: more than the 15 s after which one of them cuts, events in their time, and a client that goes. */
export const INTERVAL = 200;
const MORE = {
  long: { keep_alive: 500, steps: [pause(17_000), END] },
  ticks: { steps: [...Array(8).keys()].flatMap((n) => [text(String(n)), pause(INTERVAL)]) },
  idle: { keep_alive: 100, steps: [] },
};

/** The types that a client has to listen to by name. */
export const TYPES = ['message', 'update', 'goodbye', 'checkpoint', 'gap'];

/** What a client hears of a script that takes all of it right: `{ type, data, lastEventId }`. */
export function expected({ bare, last_words: words, steps }) {
  const events = [];
  let next = 1;
  let last = '';
  for (const step of words ? steps.flatMap((step) => (step === 'fail' ? [{ ...words, no_id: true }, step] : [step])) : steps) {
    if (typeof step === 'string' || 'pause' in step || 'comment' in step || 'raw' in step) continue;
    if (step.text === undefined && step.json === undefined) continue;
    last = step.id ?? (bare || step.no_id ? last : String(next++));
    const data = step.text?.replace(/\r\n|\r/g, '\n') ?? JSON.stringify(step.json);
    events.push({ type: (!step.no_type && step.type) || 'message', data, lastEventId: last });
  }
  return events;
}

/**
 * How APIs write what the scripts say: a text as an event of theirs, what stands before and after. With `asIs` it
 * comes out as it went in, whatever its ends of lines; an `answer` is not asked for again.
 */
const json = (json, type) => ({ json, ...(type ? { type } : { no_type: true }) });
const typed = (body) => json(body, body.type);
const chunk = (delta, finish_reason = null) => json({
  id: 'c', object: 'chat.completion.chunk', created: 1, model: 'zoo', choices: [{ index: 0, delta, finish_reason }],
});
const response = (status) => ({
  id: 'r', object: 'response', created_at: 1, model: 'zoo', status, output: [], tools: [], tool_choice: 'auto',
  parallel_tool_calls: true, error: null, incomplete_details: null, instructions: null, metadata: {},
  temperature: 1, top_p: 1,
});
let sequence = 0;
const responses = (body) => typed({ ...body, sequence_number: sequence++ });
const rpc = (body) => json({ jsonrpc: '2.0', ...body });
const escaped = (text) => text.replace(/[&<]/g, (char) => `&#${char.charCodeAt(0)};`);

export const APIS = {
  chat: {
    bare: true,
    answer: true,
    asIs: true,
    text: (content) => [chunk({ content })],
    end: [chunk({}, 'stop'), { text: '[DONE]', no_type: true }],
    error: [json({ error: { message: 'overloaded', type: 'server_error', param: null, code: null } }), { text: '[DONE]', no_type: true }],
  },
  responses: {
    bare: true,
    answer: true,
    asIs: true,
    begin: [responses({ type: 'response.created', response: response('in_progress') })],
    text: (delta) => [responses({ type: 'response.output_text.delta', item_id: 'i', output_index: 0, content_index: 0, delta, logprobs: [] })],
    end: [responses({ type: 'response.completed', response: response('completed') })],
    error: [responses({ type: 'error', error: { type: 'server_error', code: null, message: 'overloaded', param: null } })],
  },
  messages: {
    bare: true,
    answer: true,
    asIs: true,
    begin: [
      typed({ type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', model: 'zoo', content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } } }),
      typed({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }),
      typed({ type: 'ping' }),
    ],
    text: (text) => [typed({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })],
    end: [
      typed({ type: 'content_block_stop', index: 0 }),
      typed({ type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } }),
      typed({ type: 'message_stop' }),
    ],
    error: [typed({ type: 'error', error: { type: 'overloaded_error', message: 'overloaded' } })],
  },
  ui: {
    bare: true,
    answer: true,
    asIs: true,
    begin: [json({ type: 'start' }), json({ type: 'text-start', id: '0' })],
    text: (delta) => [json({ type: 'text-delta', id: '0', delta })],
    end: [json({ type: 'text-end', id: '0' }), json({ type: 'finish' }), { text: '[DONE]', no_type: true }],
    error: [json({ type: 'error', errorText: 'overloaded' }), { text: '[DONE]', no_type: true }],
  },
  mcp: {
    asIs: true,
    // The priming event, and then notifications.
    begin: [{ text: '' }],
    text: (data) => [rpc({ method: 'notifications/message', params: { level: 'info', data } })],
    end: [rpc({ id: 1, result: { content: [{ type: 'text', text: 'end' }] } })],
    error: [rpc({ id: 1, error: { code: -32000, message: 'overloaded' } })],
  },
  datastar: {
    asIs: true,
    bare: true,
    text: (text) => [{ text: `signals ${JSON.stringify({ text })}`, type: 'datastar-merge-signals' }],
    end: [{ text: 'signals {"text":"end"}', type: 'datastar-merge-signals' }],
  },
  turbo: {
    bare: true,
    text: (text) => [{ text: `<turbo-stream action="append" target="out"><template>${escaped(text)}</template></turbo-stream>`, no_type: true }],
    end: [{ text: '<turbo-stream action="append" target="out"><template>end</template></turbo-stream>', no_type: true }],
  },
  // As it is, without the type that is everybody's.
  unnamed: { item: (step) => ({ ...step, no_type: step.type === undefined }) },
};

/** The script as far as an API can play it: a stream that is an answer is over with its end, and has no empty parts. */
export function forApi(api, name) {
  const script = { ...SCRIPTS, ...FACTS }[name];
  if (!APIS[api]?.answer) return script;
  const steps = script.steps.filter((step) => step.text !== '' && (name !== 'retry' || step !== 'end'));
  return { ...script, steps };
}

/** The script as an API has it. What is about ids has them there too, and keep-alives. */
function through(api, name) {
  const script = forApi(api, name);
  const { begin = [], text, end, item } = APIS[api];
  if (item) {
    const isItem = (step) => step.text !== undefined || step.json !== undefined;
    return { ...script, steps: script.steps.map((step) => (isItem(step) ? item(step) : step)) };
  }
  const numbered = ['empty lines', 'ids', 'end', 'cut', 'error', 'first failure', 'last words', 'stop'].includes(name);
  const bare = numbered ? script.bare : (APIS[api].bare ?? script.bare);
  let begun = false;
  const steps = script.steps.flatMap((step) => {
    if (step === END) return [...(begun ? [] : begin), ...end, 'end'];
    if (step.text === undefined && step.json === undefined) return [step];
    // Types and ids of one's own are another matter.
    const items = text(step.text ?? JSON.stringify(step.json));
    const first = begun ? [] : begin;
    begun = true;
    return [...first, ...items];
  });
  return { ...script, bare, ...(name === 'ids' && { keep_alive: 50, steps: steps.flatMap((step) => [step, pause(60)]) }), ...(name !== 'ids' && { steps }) };
}

/** Those that a server of this crate can play. */
export function servedScripts() {
  return Object.fromEntries(Object.entries(allScripts()).filter(([, { steps }]) => !steps.some((step) => step.raw)));
}

/** All of them, by name: those of an API as `API.NAME`, and its way to say that something failed. */
export function allScripts() {
  const plain = { ...SCRIPTS, ...FACTS };
  const all = { ...plain, ...MORE };
  for (const api of Object.keys(APIS)) {
    for (const name of Object.keys(plain)) all[`${api}.${name}`] = through(api, name);
    const { begin = [], text, error, bare } = APIS[api];
    if (error) all[`${api}.refusal`] = { bare, steps: [...begin, ...text('1'), ...text('2'), pause(80), ...error, 'end'] };
  }
  return Object.fromEntries(Object.entries(all).map(([name, script]) =>
    [pathOf(name), { ...script, steps: script.steps.map((step) => (typeof step === 'string' || 'pause' in step || 'raw' in step ? step : { item: step })) }]));
}

/** A name as it stands in a path. */
export const pathOf = (name) => name.replace(/[, ]+/g, '-');
