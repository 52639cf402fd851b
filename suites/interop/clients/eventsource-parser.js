// npm `eventsource-parser`, on top of fetch: node eventsource-parser.js URL
import { createParser } from 'eventsource-parser';

let lastEventId = '';
const parser = createParser({
  onId: (id) => (lastEventId = id),
  onEvent: ({ event, data }) => console.log(JSON.stringify({ type: event ?? 'message', data, lastEventId })),
  onError: (error) => console.error(error),
});
const response = await fetch(process.argv[2], { headers: { accept: 'text/event-stream' } });
// Left to the parser, which takes one BOM away itself.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
for await (const bytes of response.body) parser.feed(decoder.decode(bytes, { stream: true }));
