// generate.mjs SEED COUNT: that many lines on standard output, nearly all of them items. The same
// seed gives the same lines. The last line has no end.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DATA_KINDS, dataKind, SCALAR_KINDS, scalarKind } from './features.mjs';

const [seed, total] = process.argv.slice(2).map(Number);
if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(total) || total < 1) {
    console.error('usage: generate.mjs SEED COUNT');
    process.exit(2);
}

// sfc32.
let [a, b, c, d] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 0x9e3779b9, 1];
function next() {
    const t = (a + b + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t | 0;
    return t >>> 0;
}
for (let i = 0; i < 15; i += 1) next();

const below = (n) => Math.floor((next() / 2 ** 32) * n);
const between = (low, high) => low + below(high - low + 1);
const chance = (p) => next() < p * 2 ** 32;
const pick = (list) => list[below(list.length)];
const times = (n, make) => Array.from({ length: n }, make);
const digits = (n) => times(n, () => below(10)).join('');

function shuffle(list) {
    for (let i = list.length - 1; i > 0; i -= 1) {
        const j = below(i + 1);
        [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
}

// How the item at hand is spelled.
let escapes = 0;
let spaces = 0;

const space = () => (spaces && chance(spaces) ? times(between(1, 3), () => pick([' ', '\t', '\r'])).join('') : '');

const SHORT = new Map([['"', '\\"'], ['\\', '\\\\'], ['\b', '\\b'], ['\t', '\\t'], ['\n', '\\n'], ['\f', '\\f'], ['\r', '\\r']]);

function unit(char) {
    const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${chance(0.5) ? hex : hex.toUpperCase()}`;
}

/** A JSON string. */
function quoted(text) {
    let json = '"';
    for (const char of text) {
        if (char < ' ' || char === '"' || char === '\\') {
            json += SHORT.has(char) && chance(0.7) ? SHORT.get(char) : unit(char);
        } else if (!char.isWellFormed()) {
            json += unit(char);
        } else if (char === '/' && chance(0.5)) {
            json += '\\/';
        } else if (escapes && chance(escapes)) {
            json += char.length === 1 ? unit(char) : unit(char[0]) + unit(char[1]);
        } else {
            json += char;
        }
    }
    return json + '"';
}

const ASCII = [...'abcXYZ019 :;,.{}[]"\\/<&\'-+_'];
const CONTROLS = ['\0', '\b', '\t', '\n', '\f', '\r', '\r\n', '\v', '\x1b', '\x1f'];
const BEYOND = ['é', '\x7f', '\x80', '\x85', '\xa0', '\u2028', '\u2029', '\ufeff', '\ufffd', '\uffff', '日', '\ud7ff', '\ue000'];
const ASTRAL = ['😀', '\u{10000}', '\u{10ffff}', '𝄞'];
const LONE = ['\ud83d', '\ude00', '\ud800', '\udbff', '\udc00', '\udfff', '\ude00\ud83d', '\ud83d\ud83d\ude00', '\ud83da', '\ud83d\n'];

const textOf = (pools, low, high) => times(between(low, high), () => pick(pick(pools))).join('');
const text = () => (chance(0.1) ? ' ' : '') + textOf([ASCII, ASCII, ASCII, CONTROLS, BEYOND, ASTRAL, LONE], 0, 12);

const float = new DataView(new ArrayBuffer(8));
/** A finite number of any size, each bit as likely as not. */
function anyFloat() {
    for (;;) {
        float.setUint32(0, next());
        float.setUint32(4, chance(0.2) ? 0 : next());
        const number = float.getFloat64(0);
        if (Number.isFinite(number)) return number;
    }
}

/** The exact digits of the middle between two neighbours beyond 2^53: where parsers err. */
function middle() {
    const bits = BigInt(between(1, 60));
    const mantissa = (1n << 52n) | (BigInt(below(2 ** 20)) << 32n) | BigInt(next());
    return String(((mantissa << bits) | (1n << (bits - 1n))) + BigInt(pick([-1, 0, 0, 1])));
}

/** A number that is exactly halfway between two shortest decimal spellings. */
function halfway() {
    switch (below(3)) {
        case 0: return `${between(1e15, 2 ** 50)}${pick(['.25', '.75'])}`;
        case 1: return `${between(1e14, 2 ** 47)}${pick(['.125', '.375', '.625', '.875'])}`;
        default: return String((2 * between(5 * 65536, 49 * 65536) + 1) / 65536);
    }
}

const exponent = () => `${pick(['e', 'E'])}${pick(['', '+', '-'])}${pick(['', '', '0', '00'])}${below(330)}`;

/** A number as JSON may spell it. */
function number() {
    const sign = chance(0.3) ? '-' : '';
    switch (below(13)) {
        case 0: return sign + below(10);
        case 1: return sign + between(10, 1e6);
        case 2: return sign + pick(ZEROS);
        case 3: return pick(SPECIAL);
        case 4: return `${sign}${below(1000)}.${digits(between(1, 20))}`;
        case 5: return `${sign}${below(100)}${exponent()}`;
        case 6: return `${sign}${below(10)}.${digits(between(1, 30))}${exponent()}`;
        case 7: return sign + between(1, 9) + digits(between(14, 40));
        case 8: return sign + middle();
        case 9: return `${sign}${below(1e6)}.${'0'.repeat(between(1, 4))}`;
        case 10: return sign + halfway();
        case 11: return anyFloat().toPrecision(between(15, 21));
        default: return String(anyFloat());
    }
}

const ZEROS = ['0', '0.0', '0e0', '0E+5', '0.000e-7', '1e-400', '2e-324', '0e99999999999', '1e-99999999999'];
const SPECIAL = [
    '5e-324', '-5e-324', '2.4703282292062328e-324', '2.2250738585072011e-308', '2.2250738585072014e-308',
    '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '1e308', '1e309', '1e400', '-1e400',
    '1e99999999999', '1e20', '1e21', '1e22', '1e23', '123456789012345678901', '999999999999999999999',
    '999999999999999900000', '1000000000000000000000', '0.000001', '0.0000001', '1e-6', '1e-7', '1.5e-7',
    '9007199254740991', '9007199254740992', '9007199254740993', '18446744073709551615', '18446744073709551616',
    '9223372036854775807', '-9223372036854775808', '340282366920938463463374607431768211456', '0.1', '0.30000000000000004',
    '4294967295', '4.35', '1.0', '-1.0', '1E5', '1e+05', '8.41e21', '2e-3', '9.5e-3', '1.005', '5e-7',
];
const INFINITE = ['1e400', '-1e400', '1e309', '1E+400', '12345e400', '-1.5e99999999999', `1${'0'.repeat(309)}`];

/** Spells again and again until the value is of the kind. */
function until(kind, kindOf, make) {
    for (;;) {
        const json = make();
        if (kindOf(JSON.parse(json)) === kind) return json;
    }
}

const long = () => textOf([ASCII], 23, 90);
const insert = (what) => {
    const around = textOf([ASCII, BEYOND], 0, 12);
    const at = below(around.length + 1);
    return around.slice(0, at) + what + around.slice(at);
};

/** JSON for an `id` or a `type` of the kind. */
function scalarOf(kind) {
    const make = {
        'missing': () => undefined,
        'null': () => 'null',
        'false': () => 'false',
        'true': () => 'true',
        '0': () => pick(ZEROS),
        '-0': () => `-${pick(ZEROS)}`,
        '""': () => '""',
        'short text': () => quoted(chance(0.3) ? pick(WORDS) : textOf([ASCII], 1, 22)),
        // 22 bytes are kept in place: the lengths around it matter.
        'long text': () => quoted(chance(0.2) ? 'x'.repeat(23) : long()),
        'text like a number': () => quoted(pick(['0', '-0', '1', '42', '1e3', '0.0', 'Infinity', '00', '18446744073709551615'])),
        'text with blanks': () => quoted(pick([' ', '  ', ' a', 'a ', ' 1', ': ', ' :', '  a  '])),
        'text beyond ASCII': () => quoted(textOf([BEYOND, ASTRAL, ASCII], 1, 14)),
        'text with a lone surrogate': () => quoted(insert(pick(LONE))),
        'text with CR or LF': () => quoted(insert(pick(['\r', '\n', '\r\n', '\n\n', '\ndata: forged\n\n', '\r\rretry: 1\r']))),
        'text with NUL': () => quoted(insert('\0')),
        'integer': number,
        'fraction': number,
        'exponent': number,
        'infinite': () => pick(INFINITE),
        'array': () => pick([() => '[]', () => '[null]', () => '[1,[2]]', () => arrayOf(2, 1)])(),
        'object': () => pick([() => '{}', () => '{"toString":1,"valueOf":null}', () => objectOf(2, 1).json])(),
    }[kind];
    if (kind === 'missing') return undefined;
    return until(kind, scalarKind, make);
}

const WORDS = ['message', 'tick', 'error', 'open', 'null', 'undefined', 'a:b', ':', 'data', 'x'.repeat(22), 'x'.repeat(21)];

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const INTEGERS = ['0', '1', '2', '3', '7', '10', '99', '4294967293', '4294967294', '4294967295', '4294967296', '01', '-1', '-0', '00', '1e3', '1.0'];
const ODD = [
    '__proto__', '__proto__', '', 'constructor', 'toString', 'toJSON', 'hasOwnProperty', 'length', 'retry', 'event',
    '$serde_json::private::RawValue', '$serde_json::private::Number', '\ud83d', '\ude00', '\ufffd', '😀', 'é', 'e\u0301', ' a', 'a ', '\0', 'Data', 'ID', '\u2028',
];
const MEANINGFUL = ['data', 'id', 'type'];

/** A key of any object but the item itself. */
const innerKey = () => (chance(0.1) ? pick(MEANINGFUL) : outerKey());

function outerKey() {
    const kind = below(10);
    if (kind < 4) return pick(NAMES);
    if (kind < 6) return pick(INTEGERS);
    if (kind < 8) return pick(ODD);
    if (kind < 9) return String(next());
    for (;;) {
        const key = text();
        if (!MEANINGFUL.includes(key)) return key;
    }
}

function value(depth) {
    switch (below(depth > 0 ? 12 : 8)) {
        case 0: return pick(['null', 'true', 'false', '""', '[]', '{}']);
        case 1:
        case 2:
        case 3: return number();
        case 4: return pick(['-0', '-0.0', '0', '1e400', '-1e400', '-1e-400', '1.0']);
        case 5:
        case 6:
        case 7: return quoted(text());
        case 8:
        case 9: return arrayOf(between(0, 4), depth - 1);
        default: return objectOf(between(0, 4), depth - 1).json;
    }
}

function arrayOf(length, depth) {
    return `[${space()}${times(length, () => value(depth) + space()).join(`,${space()}`)}]`;
}

/** An object's JSON and its keys; some keys come twice. */
function objectOf(length, depth) {
    const keys = times(length, innerKey);
    if (length > 0 && chance(0.15)) keys.push(pick(keys));
    return { json: objectWith(keys.map((key) => [key, value(depth)])), keys };
}

function objectWith(members) {
    const spelled = members.map(([key, json]) => `${space()}${quoted(key)}${space()}:${space()}${json}${space()}`);
    return `{${spelled.join(',')}${members.length === 0 ? space() : ''}}`;
}

/** Nested deeper than JSON parsers that recurse allow. */
function deep() {
    let json = value(0);
    for (let depth = chance(0.02) ? 900 : between(129, 200); depth > 0; depth -= 1) {
        json = chance(0.5) ? `[${json}]` : `{${quoted(pick(NAMES))}:${json}}`;
    }
    const key = pick(NAMES);
    return { json: objectWith([[key, json], ...times(below(3), () => [innerKey(), value(0)])].reverse()), keys: [key] };
}

/** JSON for `data` of the kind, and the keys that it contributes. */
function dataOf(kind) {
    const keys = times(6, (_, index) => String(index));
    const string = (pools, always = []) => ({ json: quoted(textOf(pools, 1, 8) + pick([...always, ''])), keys });
    const make = {
        'null': () => ({ json: 'null' }),
        'false': () => ({ json: 'false' }),
        'true': () => ({ json: 'true' }),
        '0': () => ({ json: pick(ZEROS) }),
        '-0': () => ({ json: `-${pick(ZEROS)}` }),
        'number': () => ({ json: number() }),
        '""': () => ({ json: '""' }),
        'ASCII text': () => string([ASCII]),
        'text with controls': () => string([CONTROLS, ASCII]),
        'text beyond ASCII': () => string([BEYOND, ASCII]),
        'astral text': () => string([ASTRAL, ASCII, BEYOND]),
        'text with a lone surrogate': () => string([LONE, ASTRAL, ASCII]),
        'empty array': () => ({ json: `[${space()}]`, keys }),
        'array': () => ({ json: arrayOf(between(1, 6), 2), keys }),
        'long array': () => ({ json: arrayOf(between(33, 40), 0), keys: [...keys, '11', '32'] }),
        'empty object': () => ({ json: `{${space()}}` }),
        'flat object': () => (chance(0.03) ? objectOf(between(33, 70), 0) : objectOf(between(1, 6), 0)),
        'nested object': () => objectOf(between(1, 6), 3),
        'deep object': deep,
    }[kind];
    if (kind === 'missing') return {};
    for (;;) {
        const made = make();
        if (dataKind(JSON.parse(made.json)) === kind) return made;
    }
}

function item(idKind, typeKind, kind) {
    escapes = pick([0, 0, 0, 0.05, 0.5]);
    spaces = pick([0, 0, 0, 0.1, 0.6]);
    const data = dataOf(kind);
    const size = chance(0.04) ? pick([31, 32, 32, 33, 34, 60]) : chance(0.25) ? 0 : between(1, 5);
    const wide = size > 30;
    const others = times(size, (_, index) => [
        // Of many, most must be distinct, or there are not many.
        data.keys?.length && chance(0.25) && !wide ? pick(data.keys) : wide ? `${pick(NAMES)}${index}` : outerKey(),
        value(2),
    ]).filter(([key]) => !MEANINGFUL.includes(key));
    if (wide && chance(0.5)) {
        for (const key of [pick(data.keys ?? NAMES), pick(INTEGERS)]) {
            if (!MEANINGFUL.includes(key)) others[below(others.length)][0] = key;
        }
    }
    if (others.length > 0 && chance(0.1)) others.push([pick(others)[0], value(1)]);
    const known = [['data', data.json], ['id', scalarOf(idKind)], ['type', scalarOf(typeKind)]].filter(([, json]) => json !== undefined);
    const members = shuffle([...known, ...others]);
    for (const [key] of known) {
        if (!chance(0.06)) continue;
        // The last one counts, so what must not count goes before it.
        const decoy = [key, chance(0.5) ? value(1) : pick(['"a\\nb"', '[1]', 'null', '7'])];
        members.splice(below(members.findIndex(([name]) => name === key) + 1), 0, decoy);
    }
    return `${space()}${objectWith(members)}${space()}${chance(0.05) ? '\r' : ''}`;
}

const NO_ITEMS = [
    'null', ' null ', 'true', 'false', '0', '-0', '42', '1e400', '""', '"text"', '[]', '[1,2]', '[{"data":1}]', '{', '}', '{"a"', '{"a":',
    '{"a":1', '{"a":1,}', '{,}', '{a:1}', "{'a':1}", '{"a" 1}', '{"a":1 "b":2}', '{"a":NaN}', '{"a":Infinity}', '{"a":undefined}',
    '{"a":01}', '{"a":1.}', '{"a":.5}', '{"a":+1}', '{"a":1e}', '{"a":1e+}', '{"a":-}', '{"a":0x1}', '{"a":1_0}', '{"a":"\t"}', '{"a":"\r"}',
    '{"a":"\0"}', '{"a\t":1}', '{"a":"\\x41"}', '{"a":"\\u12"}', '{"a":"\\u{41}"}', '{"a":"\\', '{"a":tru}', '{"a":True}', '{"a":[1,]}',
    '{"a":[1}', '{}{}', '{} x', '{},', '// {}', '{}//', '/**/{}', '\ufeff{}', '\xa0{}', '{\v}', '{\f}', '{\0}', '{}\0', '\u2028{}', 'data: x', 'undefined',
];
const NOT_UTF8 = [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0xbd], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
const MARKS = [...'{}[]":,\\0e-.+t\t\r ', '\0', '\u2028'];

/** A line that is no item, or an item by luck. */
function spoilt(line) {
    switch (below(6)) {
        case 0: return pick(['', ' ', '\t', '\r', ' \t \r']);
        case 1: return pick(NO_ITEMS);
        case 2: return Buffer.concat([Buffer.from('{"a":"'), Buffer.from(pick(NOT_UTF8)), Buffer.from('"}')]);
        case 3: return line.slice(0, below(line.length));
        default: {
            const at = below(line.length);
            return line.slice(0, at) + (chance(0.3) ? '' : pick(MARKS)) + line.slice(at + below(2));
        }
    }
}

function* lines() {
    // All combinations of kinds, in an order that the step mixes: it has no factor in common with
    // their number.
    const combinations = SCALAR_KINDS.length ** 2 * DATA_KINDS.length;
    const step = 5003;
    let combination = below(combinations);
    for (let number = 0; number < total; number += 1) {
        const kinds = [
            SCALAR_KINDS[combination % SCALAR_KINDS.length],
            SCALAR_KINDS[Math.floor(combination / SCALAR_KINDS.length) % SCALAR_KINDS.length],
            DATA_KINDS[Math.floor(combination / SCALAR_KINDS.length ** 2)],
        ];
        combination = (combination + step) % combinations;
        const line = item(...kinds);
        yield Buffer.from(chance(0.04) ? spoilt(line) : line);
    }
}

function* chunks() {
    let chunk = [];
    let size = 0;
    let isFirst = true;
    for (const line of lines()) {
        chunk.push(Buffer.from(isFirst ? '' : '\n'), line);
        isFirst = false;
        size += line.length;
        if (size > 1 << 16) {
            yield Buffer.concat(chunk);
            [chunk, size] = [[], 0];
        }
    }
    yield Buffer.concat(chunk);
}

await pipeline(Readable.from(chunks()), process.stdout, { end: false });
