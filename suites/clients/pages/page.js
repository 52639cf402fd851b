// The clients of pages: after `load(CLIENT)` `listen(job, report)` gives what stops it. The libraries are fetched from the
// server under test, as a page would have them.

const FILES = '/files/node_modules';
const loaded = new Map();

/** A classic script, once. */
function script(path) {
  if (!loaded.has(path)) {
    loaded.set(path, new Promise((resolve, reject) => {
      const element = document.createElement('script');
      Object.assign(element, { src: `${FILES}/${path}`, onload: resolve, onerror: reject });
      document.head.append(element);
    }));
  }
  return loaded.get(path);
}

function eventSource(EventSource) {
  return (job, report) => {
    const source = new EventSource(job.url);
    source.onopen = () => report('open');
    source.onerror = () => {
      report('error', { text: '' });
      if (source.readyState === 2) report('closed');
    };
    for (const type of job.types) {
      source.addEventListener(type, ({ data, lastEventId }) => report('event', { type, data, lastEventId }));
    }
    return () => source.close();
  };
}

function element(attributes, children = []) {
  const made = document.createElement('div');
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  document.body.append(made);
  return made;
}

const CLIENTS = {
  EventSource: async () => eventSource(EventSource),

  'event-source-polyfill': async () => {
    await script('event-source-polyfill/src/eventsource.js');
    return eventSource(window.EventSourcePolyfill);
  },

  'sse.js': async () => {
    const { SSE } = await import(`${FILES}/sse.js/lib/sse.js`);
    return (job, report) => {
      const source = new SSE(job.url, { autoReconnect: true, reconnectDelay: 100 });
      source.addEventListener('open', () => report('open'));
      source.addEventListener('error', () => report('error', { text: '' }));
      for (const type of job.types) {
        source.addEventListener(type, ({ data, lastEventId }) => report('event', { type, data, lastEventId }));
      }
      return () => source.close();
    };
  },

  // What fetch and a reader of one's own get, which knows of an event stream no more than that frames end in an empty line.
  fetch: async () => (job, report) => {
    const abort = new AbortController();
    (async () => {
      let last = '';
      for (let requests = 0; !abort.signal.aborted && requests < 20; requests += 1) {
        try {
          const headers = { accept: 'text/event-stream', ...(last && { 'last-event-id': last }) };
          const response = await fetch(job.url, { headers, signal: abort.signal });
          report('open');
          const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
          let text = '';
          for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            const frames = (text + value).split('\n\n');
            text = frames.pop();
            for (const frame of frames) {
              let type;
              const data = [];
              for (const line of frame.split('\n')) {
                const [, name, value] = /^([^:]*): ?(.*)$/s.exec(line) ?? [];
                if (name === 'id') last = value;
                if (name === 'event') type = value;
                if (name === 'data') data.push(value);
              }
              if (data.length > 0) report('event', { type, data: data.join('\n'), lastEventId: last });
            }
          }
          report('ended');
        } catch (error) {
          report('error', { text: `${error.name}: ${error.message}` });
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    return () => abort.abort();
  },

  'fetch-event-source': async () => {
    const { fetchEventSource } = await import(`${FILES}/@microsoft/fetch-event-source/lib/esm/index.js`);
    return (job, report) => {
      const abort = new AbortController();
      let last = '';
      fetchEventSource(job.url, {
        signal: abort.signal,
        openWhenHidden: true,
        onopen: async () => report('open'),
        onmessage: ({ event, data, id }) => report('event', { type: event || 'message', data, lastEventId: (last = id || last) }),
        // Or it does not come back after a clean end, as its documentation has it.
        onclose() {
          report('ended');
          throw new Error('ended');
        },
        // What it returned would be how long to wait.
        onerror() {
          report('error', { text: '' });
        },
      }).catch(() => report('closed'));
      return () => abort.abort();
    };
  },

  'htmx-2': async () => {
    await script('htmx.org/dist/htmx.js');
    await script('htmx-ext-sse/sse.js');
    const { htmx } = window;
    return (job, report) => {
      const inner = job.types.map((type) => {
        const child = document.createElement('p');
        child.setAttribute('sse-swap', type);
        return child;
      });
      const outer = element({ 'hx-ext': 'sse', 'sse-connect': job.url }, inner);
      outer.addEventListener('htmx:sseOpen', () => report('open'));
      outer.addEventListener('htmx:sseError', () => report('error', { text: '' }));
      outer.addEventListener('htmx:sseMessage', ({ detail: { type, data, lastEventId } }) => report('event', { type, data, lastEventId }));
      htmx.process(outer);
      return () => {
        outer.dispatchEvent(new CustomEvent('htmx:beforeCleanupElement', { bubbles: true, detail: { elt: outer } }));
        htmx.remove(outer);
      };
    };
  },

  'htmx-4': async () => {
    await script('htmx-4/dist/htmx.js');
    await script('htmx-4/dist/ext/hx-sse.js');
    const { htmx } = window;
    return (job, report) => {
      const outer = element({ 'hx-sse:connect': job.url, 'hx-swap': 'beforeend' });
      outer.addEventListener('htmx:sse:after:connection', () => report('open'));
      outer.addEventListener('htmx:sse:error', () => report('error', { text: '' }));
      let swapped = '';
      outer.addEventListener('htmx:sse:after:message', ({ detail: { message } }) => {
        // An event with a type is one of the page's, and swaps nothing.
        const type = message.event || 'message';
        if (message.event === 'message') return;
        if (!message.event && message.data !== '' && outer.innerHTML === swapped) return;
        swapped = outer.innerHTML;
        report('event', { type, data: message.data, lastEventId: message.id });
      });
      htmx.process(outer);
      return () => outer.remove();
    };
  },

  datastar: async () => {
    const { Datastar } = await import(`${FILES}/@starfederation/datastar/dist/bundles/datastar.js`);
    return (job, report) => {
      const heard = ({ detail: { type, argsRaw } }) => {
        if (type === 'datastar-merge-signals') report('event', { data: JSON.parse(argsRaw.signals).text });
        if (type === 'started') report('open');
        if (type === 'error') report('error', { text: argsRaw.status });
      };
      document.addEventListener('datastar-sse', heard);
      const outer = element({ id: 'datastar', 'data-on-load': `sse('${new URL(job.url).pathname}')` });
      Datastar.apply(outer);
      return () => {
        document.removeEventListener('datastar-sse', heard);
        outer.remove();
      };
    };
  },

  turbo: async () => {
    await import(`${FILES}/@hotwired/turbo/dist/turbo.es2017-esm.js`);
    return (job, report) => {
      const source = document.createElement('turbo-stream-source');
      source.setAttribute('src', job.url);
      const heard = ({ target }) => report('event', { data: target.templateContent.textContent });
      document.addEventListener('turbo:before-stream-render', heard);
      document.body.append(source);
      source.streamSource?.addEventListener('open', () => report('open'));
      return () => {
        document.removeEventListener('turbo:before-stream-render', heard);
        source.remove();
      };
    };
  },
};

/** Before the time is taken. */
window.load = async (client) => {
  window.listen = await CLIENTS[client]();
};
