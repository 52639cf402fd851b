// The clients of npm that run in Node.js: node drivers/node.js CLIENT
import { createRequire } from 'node:module';
import { byHand, drive, textOf } from './driver.js';

const require = createRequire(import.meta.url);
const [client] = process.argv.slice(2);

/** What has the standard's interface. */
function eventSource(EventSource) {
  return (job, report) => {
    const source = new EventSource(job.url);
    source.onopen = () => report('open');
    source.onerror = (error) => {
      report('error', { text: String(error?.message ?? '') });
      if (source.readyState === 2) report('closed');
    };
    for (const type of job.types) {
      source.addEventListener(type, ({ data, lastEventId }) => report('event', { type, data, lastEventId }));
    }
    return () => source.close();
  };
}

/** An SDK's stream: each part is reported as it comes, and its end. */
function sdk(open) {
  return async (job, report) => {
    (async () => {
      try {
        const parts = await open(job);
        report('open');
        for await (const data of parts) if (data !== undefined) report('event', { data });
        report('event', { data: 'end' });
      } catch (error) {
        report('error', { text: textOf(error) });
        report('closed');
      }
    })();
  };
}

async function* map(parts, part) {
  for await (const each of parts) yield part(each);
}

const base = (job) => ({ baseURL: job.url, apiKey: 'none', maxRetries: 0 });
const messages = [{ role: 'user', content: 'hello' }];

function openai(name) {
  return async () => {
    const { OpenAI } = await import(name);
    return sdk(async (job) => {
      const stream = await new OpenAI(base(job)).chat.completions.create({ model: 'zoo', messages, stream: true });
      return map(stream, ({ choices }) => choices[0].delta.content);
    });
  };
}

function openaiResponses(name) {
  return async () => {
    const { OpenAI } = await import(name);
    return sdk(async (job) => {
      const stream = await new OpenAI(base(job)).responses.create({ model: 'zoo', input: 'hello', stream: true });
      return map(stream, (event) => {
        if (event.type === 'error') throw new Error(event.message ?? event.error?.message);
        return event.type === 'response.output_text.delta' ? event.delta : undefined;
      });
    });
  };
}

function aiProvider(name, provider) {
  return async () => {
    const { streamText } = await import(name);
    const { createOpenAICompatible } = await import(provider);
    return sdk(async (job) => {
      const model = createOpenAICompatible({ name: 'zoo', apiKey: 'none', baseURL: job.url })('zoo');
      const { fullStream } = streamText({ model, messages, maxRetries: 0, onError() {} });
      return map(fullStream, (part) => {
        if (part.type === 'error') throw part.error;
        return part.type === 'text-delta' ? part.text : undefined;
      });
    });
  };
}

function aiMessages(name) {
  return async () => {
    const { DefaultChatTransport } = await import(name);
    return sdk(async (job) => {
      const transport = new DefaultChatTransport({ api: job.url });
      const stream = await transport.sendMessages({ trigger: 'submit-message', chatId: 'c', messages: [], abortSignal: undefined });
      return map(stream, (part) => {
        if (part.type === 'error') throw new Error(part.errorText);
        return part.type === 'text-delta' ? part.delta : undefined;
      });
    });
  };
}

const CLIENTS = {
  'eventsource-5': async () => eventSource((await import('eventsource')).EventSource),
  'eventsource-4': async () => eventSource((await import('eventsource-4')).EventSource),
  'eventsource-3': async () => eventSource((await import('eventsource-3')).EventSource),
  'eventsource-2': async () => eventSource(require('eventsource-2')),
  undici: async () => eventSource((await import('undici')).EventSource),
  'eventsource-client': async () => {
    const { createEventSource } = await import('eventsource-client');
    return (job, report) => {
      const source = createEventSource({
        url: job.url,
        onConnect: () => report('open'),
        onMessage: ({ event, data }) => report('event', { type: event ?? 'message', data, lastEventId: source.lastEventId ?? '' }),
        onDisconnect: () => report('ended'),
      });
      return () => source.close();
    };
  },
  'event-source-plus': async () => {
    const { EventSourcePlus } = await import('event-source-plus');
    return (job, report) => {
      let last = '';
      const controller = new EventSourcePlus(job.url).listen({
        onResponse: () => report('open'),
        onMessage: ({ event, data, id }) => report('event', { type: event || 'message', data, lastEventId: (last = id ?? last) }),
        onRequestError: () => report('error'),
        onResponseError: () => report('error'),
      });
      return () => controller.abort();
    };
  },
  'eventsource-parser': async () => {
    const { createParser } = await import('eventsource-parser');
    return byHand(async ({ url, headers, signal, open, event }) => {
      const response = await fetch(url, { headers, signal });
      open();
      let id;
      const parser = createParser({
        onId: (value) => (id = value),
        onEvent: ({ event: type, data }) => event({ type: type ?? 'message', data, id }),
      });
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      for await (const bytes of response.body) parser.feed(decoder.decode(bytes, { stream: true }));
    });
  },
  'openai-7': openai('openai'),
  'openai-6': openai('openai-6'),
  'openai-7 Responses': openaiResponses('openai'),
  anthropic: async () => {
    const { Anthropic } = await import('@anthropic-ai/sdk');
    return sdk(async (job) => {
      const stream = await new Anthropic(base(job)).messages.create({ model: 'zoo', max_tokens: 9, messages, stream: true });
      return map(stream, (event) => (event.type === 'content_block_delta' ? event.delta.text : undefined));
    });
  },
  'ai-7 provider': aiProvider('ai', '@ai-sdk/openai-compatible'),
  'ai-7 messages': aiMessages('ai'),
  'ai-6 messages': aiMessages('ai-6'),
  mcp: async () => {
    const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
    const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
    const { LoggingMessageNotificationSchema } = await import('@modelcontextprotocol/sdk/types.js');
    return async (job, report) => {
      const transport = new StreamableHTTPClientTransport(new URL(job.url));
      const client = new Client({ name: 'zoo', version: '1' });
      client.onerror = (error) => report('error', { text: textOf(error) });
      client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => report('event', { data: params.data }));
      await client.connect(transport);
      client.callTool({ name: 'zoo', arguments: {} }).then(
        ({ content }) => report('event', { data: content[0].text }),
        (error) => {
          report('error', { text: textOf(error) });
          report('closed');
        },
      );
      return () => client.close();
    };
  },
};

await drive(await CLIENTS[client]());
