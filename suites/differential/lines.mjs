// Bytes cut into lines.
import { closeSync, openSync, readSync } from 'node:fs';
import { Transform } from 'node:stream';

const LF = 10;
const CR = 13;

/** A stream of lines that end at LF only: JSON may contain CR, U+2028 and U+2029. */
export function splitter() {
    let rest = [];
    return new Transform({
        readableObjectMode: true,
        transform(chunk, _encoding, done) {
            let start = 0;
            for (let end; (end = chunk.indexOf(LF, start)) !== -1; start = end + 1) {
                const part = chunk.subarray(start, end);
                this.push(rest.length ? Buffer.concat([...rest, part]) : part);
                rest = [];
            }
            if (start < chunk.length) rest.push(chunk.subarray(start));
            done();
        },
        flush(done) {
            if (rest.length) this.push(Buffer.concat(rest));
            done();
        },
    });
}

/**
 * The lines of a file, as `[bytes, ended]`. A line ends at LF; where `cr` is set, also at CRLF and
 * at a lone CR. Only the last one can be without its end.
 */
export function* linesOf(path, { cr = false } = {}) {
    const file = openSync(path);
    let buffer = Buffer.alloc(0);
    for (let atEnd = false; !atEnd; ) {
        const chunk = Buffer.allocUnsafe(1 << 20);
        const length = readSync(file, chunk);
        atEnd = length === 0;
        buffer = Buffer.concat([buffer, chunk.subarray(0, length)]);
        let start = 0;
        let nextCr = cr ? buffer.indexOf(CR) : -1;
        for (;;) {
            let end = buffer.indexOf(LF, start);
            let next = end + 1;
            if (nextCr !== -1 && (end === -1 || nextCr < end)) {
                // Whether a LF belongs to a CR at the very end is not known yet.
                if (nextCr + 1 === buffer.length && !atEnd) break;
                end = nextCr;
                next = end + (buffer[end + 1] === LF ? 2 : 1);
                nextCr = buffer.indexOf(CR, next);
            }
            if (end === -1) break;
            yield [buffer.subarray(start, end), true];
            start = next;
        }
        buffer = buffer.subarray(start);
    }
    closeSync(file);
    if (buffer.length) yield [buffer, false];
}
