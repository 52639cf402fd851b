// The lines of standard input that must be encoded, so that the reference's automatic ids are those
// of an encoder whose counter no refused item has moved.
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { read } from './inputs.mjs';
import { splitter } from './lines.mjs';

const filter = new Transform({
    writableObjectMode: true,
    transform(line, _encoding, done) {
        const { item, refusals } = read(line);
        if (item && refusals.length === 0) this.push(Buffer.concat([line, Buffer.from('\n')]));
        done();
    },
});
await pipeline(process.stdin, splitter(), filter, process.stdout, { end: false });
