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
    fault: 'an empty line dispatches an empty event even where there is no data',
    reference: 'httpx-sse 0.4.3, SSEDecoder.decode: once an id was seen, no block counts as empty',
    of: ({ expect }) => expect === null,
    reports: ({ type }, last) => [{ type: type ?? 'message', data: '', lastEventId: last }],
  },
];
