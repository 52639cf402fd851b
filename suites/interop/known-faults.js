/**
 * Faults of clients, each with what it reports instead: nothing else passes.
 *
 * `of` says of which cases; `reports` gives the events that the client reports for one, where `last` is
 * the last event ID by the standard.
 */
export const KNOWN_FAULTS = [
  {
    client: 'eventsource',
    fault: 'the last event ID is not inherited by an event that has no id',
    reference: 'EventSource/eventsource#358',
    of: ({ no_id, expect }) => no_id && expect && expect.lastEventId !== '',
    reports: ({ expect }) => [{ ...expect, lastEventId: '' }],
  },
  {
    client: 'httpx-sse',
    fault: 'a type or an id without data dispatches an empty event',
    reference: 'httpx-sse 0.4.3, SSEDecoder.decode: once an id was seen, no block counts as empty',
    // Comments and reconnection times have no empty line after them: nothing is heard of those.
    of: ({ expect, type, id }) => expect === null && (type ?? id) !== undefined,
    reports: ({ type }, last) => [{ type: type ?? 'message', data: '', lastEventId: last }],
  },
];
