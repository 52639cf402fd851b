// compare.mjs ITEMS ACTUAL ERRORS STATUS EXPECTED
//
// Compares the crate's event stream with the reference's, line by line of the input. They may differ
// only as the design lists it; which items those are is told from the input, never from the output.
import { readFileSync } from 'node:fs';
import { blocksOf } from './client.mjs';
import { addFeatures, DATA_KINDS, dataKind, FEATURES, SCALAR_KINDS, scalarKind } from './features.mjs';
import { read, REFUSALS } from './inputs.mjs';
import { linesOf } from './lines.mjs';

const [itemsPath, actualPath, errorsPath, status, expectedPath] = process.argv.slice(2);
const SHOWN = 10;

const table = (names) => new Map(names.map((name) => [name, 0]));
const outcomes = table(['encoded', 'refused', 'blank line']);
const differences = table(['type null is message', '-0 keeps its sign', '1e400 stays', '-1e400 stays']);
const refused = table(REFUSALS);
const idKinds = table(SCALAR_KINDS);
const typeKinds = table(SCALAR_KINDS);
const dataKinds = table(DATA_KINDS);
const features = table(FEATURES);
const combinations = new Set();
let passed = 0;
let failed = 0;

function count(counts, name) {
    const before = counts.get(name);
    if (before === undefined) throw new Error(`no such category: ${name}`);
    counts.set(name, before + 1);
}

class Difference extends Error {}

/** The value at `path` as both sides have it, and as the input has it. */
function compareValues(actual, expected, input, path) {
    if (typeof input === 'number' && (input === 0 || !Number.isFinite(input))) {
        if (Object.is(input, -0)) {
            requireSame(expected, 0, path, 'the reference');
            requireSame(actual, -0, path, 'the crate');
            count(differences, '-0 keeps its sign');
            return;
        }
        if (input !== 0) {
            requireSame(expected, null, path, 'the reference');
            requireSame(actual, input, path, 'the crate');
            count(differences, input > 0 ? '1e400 stays' : '-1e400 stays');
            return;
        }
    }
    if (typeof expected !== 'object' || expected === null) {
        requireSame(actual, expected, path, 'the crate');
        return;
    }
    if (typeof actual !== 'object' || actual === null || Array.isArray(actual) !== Array.isArray(expected)) {
        throw new Difference(`${path}: not the same kind of value`);
    }
    const keys = Object.keys(actual);
    const expectedKeys = Object.keys(expected);
    if (keys.length !== expectedKeys.length || keys.some((key, index) => key !== expectedKeys[index])) {
        throw new Difference(`${path}: keys ${JSON.stringify(keys)}, not ${JSON.stringify(expectedKeys)}`);
    }
    for (const key of keys) {
        compareValues(actual[key], expected[key], input[key], `${path}[${JSON.stringify(key)}]`);
    }
}

function requireSame(value, wanted, path, who) {
    if (Object.is(value, wanted)) return;
    const name = (value) =>
        typeof value === 'number' ? (Object.is(value, -0) ? '-0' : String(value)) : JSON.stringify(value);
    throw new Difference(`${path}: ${who} has ${name(value)}, not ${name(wanted)}`);
}

/** The three lines of a frame that dispatches one event. */
function frameOf(block, who) {
    if (!block) throw new Difference(`${who} wrote no frame`);
    if (block.cut) throw new Difference(`${who}'s frame is cut off`);
    if (!block.event) throw new Difference(`${who}'s frame dispatches nothing`);
    if (block.event.retry !== null) throw new Difference(`${who} sets the reconnection time`);
    const { lines } = block;
    const isWhole =
        lines.length === 3 && ['id: ', 'event: ', 'data: '].every((name, index) => lines[index].indexOf(name) === 0);
    if (!isWhole) throw new Difference(`${who}'s frame is not one line each of id, event and data`);
    return { id: lines[0], type: lines[1], event: block.event };
}

function parse(text, who) {
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Difference(`${who}'s data: ${error.message}`);
    }
}

function compareFrames(item, actualBlock, expectedBlock) {
    const expected = frameOf(expectedBlock, 'the reference');
    const actual = frameOf(actualBlock, 'the crate');
    if (!actual.id.equals(expected.id)) throw new Difference('the id lines differ');
    if (actual.event.lastEventId !== expected.event.lastEventId) throw new Difference('the ids differ');
    if (item.type === null) {
        if (!expected.type.equals(Buffer.from('event: null'))) throw new Difference('the reference has no type null');
        if (!actual.type.equals(Buffer.from('event: message'))) throw new Difference('type null is not message');
        count(differences, 'type null is message');
    } else {
        if (!actual.type.equals(expected.type)) throw new Difference('the event lines differ');
        if (actual.event.type !== expected.event.type) throw new Difference('the types differ');
    }
    const { data, type: _type, id: _id, ...other } = item;
    compareValues(
        parse(actual.event.data, 'the crate'),
        parse(expected.event.data, 'the reference'),
        { ...data, ...other },
        'data',
    );
}

/** The numbers of the lines that the crate refused. */
function refusedLines() {
    const numbers = new Set();
    let last = 0;
    for (const line of readFileSync(errorsPath, 'utf8').split('\n').slice(0, -1)) {
        const number = Number(/^line ([1-9][0-9]*): \S/.exec(line)?.[1]);
        // No number is NaN, and fails too.
        if (!(number > last)) fail(`standard error, out of order or not \`line N: reason\`: ${line}`);
        numbers.add(number);
        last = number;
    }
    return numbers;
}

function fail(message, ...details) {
    failed += 1;
    if (failed > SHOWN) return;
    console.log(`FAILED ${message}`);
    for (const [name, text] of details) console.log(`  ${name}: ${text}`);
}

const LF = Buffer.from('\n');

function show(block) {
    if (!block) return '(none)';
    return JSON.stringify(Buffer.concat(block.lines.flatMap((line) => [line, LF])).toString());
}

const errors = refusedLines();
const actualBlocks = blocksOf(actualPath);
const expectedBlocks = blocksOf(expectedPath);
let number = 0;
let wasRefused = false;
for (const [line] of linesOf(itemsPath)) {
    number += 1;
    const { blank, text, item, refusals } = read(line);
    const isRefused = errors.delete(number);
    if (item) {
        const kinds = [scalarKind(item.id), scalarKind(item.type), dataKind(item.data)];
        [idKinds, typeKinds, dataKinds].forEach((counts, index) => count(counts, kinds[index]));
        combinations.add(kinds.join('|'));
    }
    if (blank || refusals.length > 0) {
        // Nothing of it may be in the stream: the next frame must be the next item's.
        const expectsError = refusals.length > 0;
        if (isRefused === expectsError) {
            passed += 1;
        } else {
            fail(
                `line ${number}: ${expectsError ? `not refused (${refusals})` : 'a blank line was refused'}`,
                ['item', JSON.stringify(line.toString())],
                ['crate', isRefused ? '(refused)' : show(actualBlocks.next().value)],
            );
        }
        count(outcomes, blank ? 'blank line' : 'refused');
        for (const refusal of refusals) count(refused, refusal);
        wasRefused ||= expectsError;
        continue;
    }
    count(outcomes, 'encoded');
    const found = new Set();
    addFeatures(text, item, (feature) => found.add(feature));
    if (wasRefused && !item.id) found.add('automatic id after a refused line');
    wasRefused = false;
    for (const feature of found) count(features, feature);
    const expected = expectedBlocks.next().value;
    const actual = isRefused ? undefined : actualBlocks.next().value;
    try {
        if (isRefused) throw new Difference('refused');
        compareFrames(item, actual, expected);
        passed += 1;
    } catch (error) {
        if (!(error instanceof Difference)) throw error;
        fail(
            `line ${number}: ${error.message}`,
            ['item', JSON.stringify(text)],
            ['crate', show(actual)],
            ['reference', show(expected)],
        );
    }
}
for (const number of errors) fail(`line ${number} was refused, and the input has no such line`);
for (const [who, blocks] of [['the crate', actualBlocks], ['the reference', expectedBlocks]]) {
    for (const block of blocks) fail(`${who} wrote more frames than there are items`, ['frame', show(block)]);
}
const wantedStatus = outcomes.get('refused') > 0 ? '1' : '0';
if (status !== wantedStatus) fail(`exit status ${status}, not ${wantedStatus}`);

const tables = {
    'lines': outcomes,
    'differences on purpose': differences,
    'refused': refused,
    'id': idKinds,
    'type': typeKinds,
    'data': dataKinds,
    'encoded items with': features,
};
for (const [title, counts] of Object.entries(tables)) {
    console.log(title);
    for (const [name, times] of counts) {
        console.log(`${String(times).padStart(9)}  ${name}`);
        if (times === 0) fail(`nothing in the category ${title}: ${name}`);
    }
}
const all = SCALAR_KINDS.length ** 2 * DATA_KINDS.length;
console.log(`combinations of id, type and data\n${String(combinations.size).padStart(9)}  of ${all}`);
// Some lines are spoilt: each combination must have had many chances.
if (combinations.size < all && number > 10 * all) fail(`${all - combinations.size} combinations did not occur`);

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
