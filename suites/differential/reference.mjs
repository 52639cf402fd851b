// Items as NDJSON on standard input, the event stream of the reference on standard output.
// A line that the reference cannot take is reported on standard error, and the status is then 1.
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { splitter } from './lines.mjs';

/** `{ data, type, id, ...other }` in, one frame out. */
class Reference extends Transform {
    #nextId = 1;
    #line = 0;

    constructor() {
        super({ writableObjectMode: true });
    }

    _transform(line, _encoding, done) {
        this.#line += 1;
        const text = line.toString();
        if (text.trim() !== '') {
            try {
                this.push(this.#frame(JSON.parse(text)));
            } catch (error) {
                process.stderr.write(`line ${this.#line}: ${error.message}\n`);
                process.exitCode = 1;
            }
        }
        done();
    }

    #frame(item) {
        const other = { ...item };
        delete other.data;
        delete other.type;
        delete other.id;
        // Only `undefined` is a missing type: `null` is written.
        const type = item.type === undefined ? 'message' : item.type;
        const automatic = !item.id;
        // Spreading falsy data, a number or a boolean adds nothing; a string adds its code units.
        const frame =
            `id: ${automatic ? this.#nextId : item.id}\n` +
            `event: ${type}\n` +
            `data: ${JSON.stringify({ ...item.data, ...other })}\n\n`;
        if (automatic) this.#nextId += 1;
        return frame;
    }
}

await pipeline(process.stdin, splitter(), new Reference(), process.stdout, { end: false });
