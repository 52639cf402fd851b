// What a client makes of an event stream: the WHATWG algorithm, step by step.
// https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
import { linesOf } from './lines.mjs';

/**
 * Every block of lines up to a blank one: its lines as they stand, and the event that it dispatches,
 * or `null`. What the stream's end cuts off comes last, as `{ cut: true }`.
 */
export function* blocksOf(path) {
    let lastEventId = '';
    let idBuffer = '';
    let data = '';
    let type = '';
    let retry = null;
    let lines = [];
    let first = true;
    for (let [line, ended] of linesOf(path, { cr: true })) {
        if (first && line.subarray(0, 3).equals(BOM)) line = line.subarray(3);
        first = false;
        if (!ended) {
            lines.push(line);
            break;
        }
        if (line.length === 0) {
            lastEventId = idBuffer;
            let event = null;
            if (data !== '') {
                if (data.endsWith('\n')) data = data.slice(0, -1);
                event = { type: type === '' ? 'message' : type, data, lastEventId, retry };
            }
            yield { lines, event };
            [data, type, retry, lines] = ['', '', null, []];
            continue;
        }
        lines.push(line);
        const text = line.toString();
        const colon = text.indexOf(':');
        if (colon === 0) continue;
        const name = colon === -1 ? text : text.slice(0, colon);
        let value = colon === -1 ? '' : text.slice(colon + 1);
        if (value.startsWith(' ')) value = value.slice(1);
        switch (name) {
            case 'event':
                type = value;
                break;
            case 'data':
                data += value + '\n';
                break;
            case 'id':
                if (!value.includes('\0')) idBuffer = value;
                break;
            case 'retry':
                if (/^[0-9]+$/.test(value)) retry = Number(value);
                break;
        }
    }
    if (lines.length) yield { lines, event: null, cut: true };
}

const BOM = Buffer.from('\ufeff');
