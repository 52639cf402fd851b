/**
 * The standard's decoder, word for word ("Parsing an event stream", "Interpreting an event stream"):
 * what all other clients are measured by.
 */
export class EventStreamDecoder {
  events = [];
  comments = 0;
  retries = [];
  #text = new TextDecoder('utf-8'); // It takes one leading BOM away, as the standard's does.
  #rest = '';
  #data = '';
  #type = '';
  #idBuffer = '';
  #lastEventId = '';

  constructor(lastEventId = '') {
    this.#idBuffer = this.#lastEventId = lastEventId;
  }

  /** Takes bytes; the events that end in them are in `events`, with `at`, the time of their arrival. */
  push(bytes, at = performance.now()) {
    this.#lines(this.#text.decode(bytes, { stream: true }), at);
  }

  /** What is not followed by an empty line is discarded. */
  end() {
    this.#lines(this.#text.decode(), performance.now());
    return this;
  }

  #lines(text, at) {
    this.#rest += text;
    let start = 0;
    for (const { index, 0: end } of this.#rest.matchAll(/\r\n|\n|\r/g)) {
      // A CR at the end can be the first half of CRLF.
      if (end === '\r' && index === this.#rest.length - 1) break;
      this.#line(this.#rest.slice(start, index), at);
      start = index + end.length;
    }
    this.#rest = this.#rest.slice(start);
  }

  #line(line, at) {
    if (line === '') return this.#dispatch(at);
    const colon = line.indexOf(':');
    if (colon === 0) {
      this.comments += 1;
    } else if (colon > 0) {
      const value = line.slice(colon + 1);
      this.#field(line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value);
    } else {
      this.#field(line, '');
    }
  }

  #field(name, value) {
    if (name === 'event') {
      this.#type = value;
    } else if (name === 'data') {
      this.#data += `${value}\n`;
    } else if (name === 'id') {
      if (!value.includes('\0')) this.#idBuffer = value;
    } else if (name === 'retry') {
      if (/^[0-9]+$/.test(value)) this.retries.push(Number(value));
    }
  }

  #dispatch(at) {
    this.#lastEventId = this.#idBuffer;
    if (this.#data !== '') {
      const data = this.#data.slice(0, -1);
      this.events.push({ type: this.#type || 'message', data, lastEventId: this.#lastEventId, at });
    }
    this.#data = this.#type = '';
  }

  get lastEventId() {
    return this.#lastEventId;
  }
}
