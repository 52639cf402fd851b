// Which of the cases that matter an item has: told from its text and its value.

/** Kinds of an `id` and of a `type`. */
export const SCALAR_KINDS = [
    'missing', 'null', 'false', 'true', '0', '-0', '""', 'short text', 'long text', 'text like a number',
    'text with blanks', 'text beyond ASCII', 'text with a lone surrogate', 'text with CR or LF',
    'text with NUL', 'integer', 'fraction', 'exponent', 'infinite', 'array', 'object',
];

/** Kinds of `data`. */
export const DATA_KINDS = [
    'missing', 'null', 'false', 'true', '0', '-0', 'number', '""', 'ASCII text', 'text with controls',
    'text beyond ASCII', 'astral text', 'text with a lone surrogate', 'empty array', 'array',
    'long array', 'empty object', 'flat object', 'nested object', 'deep object',
];

/** What else an item may have. */
export const FEATURES = [
    'other: none', 'other: 1 to 31 members', 'other: 32 members', 'other: 33 members and more',
    'other: retry', 'other: event',
    'key in both: data an object', 'key in both: data an array', 'key in both: data a string',
    'key in both: spelled in two ways', 'key in both: twice in other',
    'data has members id, type or data',
    'integer key: 0', 'integer key: up to 4294967293', 'integer key: 4294967294',
    'integer key: 4294967295', 'integer key: 4294967296', 'integer key: not canonical',
    '__proto__ in other', '__proto__ in data', '__proto__ deeper', 'empty key', 'private key of serde_json',
    'key with a lone surrogate',
    'duplicate data', 'duplicate id', 'duplicate type', 'duplicate key in other',
    'duplicate key in data', 'duplicate key deeper',
    'escaped spelling of data', 'escaped spelling of id', 'escaped spelling of type',
    'escaped spelling of another key',
    'number -0', 'number 0 spelled long', 'number 1e400', 'number -1e400', 'number 1e-400',
    'number subnormal', 'number beyond 2^53', 'number with .0', 'number with E', 'number 1e21 and more',
    'string with NUL', 'string with CR or LF', 'string with raw U+2028', 'string with BOM',
    'string with DEL or C1', 'string with a leading blank', 'string with raw astral', 'string with escaped astral',
    'string with a lone surrogate', 'string with \\/',
    'space: blanks', 'space: tab', 'space: raw CR inside', 'space: before the item', 'line end: CRLF',
    'nesting beyond 128', 'automatic id after a refused line', 'explicit id',
    'id or type halfway between two shortest spellings',
];

export function scalarKind(value) {
    switch (typeof value) {
        case 'undefined':
            return 'missing';
        case 'boolean':
            return String(value);
        case 'number': {
            if (value === 0) return Object.is(value, -0) ? '-0' : '0';
            if (!Number.isFinite(value)) return 'infinite';
            const text = String(value);
            if (text.includes('e')) return 'exponent';
            return text.includes('.') ? 'fraction' : 'integer';
        }
        case 'string':
            if (value === '') return '""';
            if (/[\r\n]/.test(value)) return 'text with CR or LF';
            if (value.includes('\0')) return 'text with NUL';
            if (!value.isWellFormed()) return 'text with a lone surrogate';
            if (/[^\0-\x7f]/.test(value)) return 'text beyond ASCII';
            if (/^ | $/.test(value)) return 'text with blanks';
            if (!Number.isNaN(Number(value))) return 'text like a number';
            return value.length > 22 ? 'long text' : 'short text';
        default:
            if (value === null) return 'null';
            return Array.isArray(value) ? 'array' : 'object';
    }
}

export function dataKind(value) {
    switch (typeof value) {
        case 'number':
            return value === 0 ? scalarKind(value) : 'number';
        case 'string':
            if (value === '') return '""';
            if (!value.isWellFormed()) return 'text with a lone surrogate';
            if (/[\ud800-\udfff]/.test(value)) return 'astral text';
            if (/[^\0-\x7f]/.test(value)) return 'text beyond ASCII';
            return /[\0-\x1f]/.test(value) ? 'text with controls' : 'ASCII text';
        case 'object': {
            if (value === null) return 'null';
            const values = Object.values(value);
            if (Array.isArray(value)) {
                return values.length === 0 ? 'empty array' : values.length > 32 ? 'long array' : 'array';
            }
            if (values.length === 0) return 'empty object';
            if (depth(value, 129) > 128) return 'deep object';
            return values.some(isObject) ? 'nested object' : 'flat object';
        }
        default:
            return scalarKind(value);
    }
}

const isObject = (value) => typeof value === 'object' && value !== null;

/** How deep the value is nested; no deeper than `limit` is looked. */
function depth(value, limit) {
    if (!isObject(value) || limit === 0) return 0;
    let deepest = 0;
    for (const inner of Object.values(value)) {
        deepest = Math.max(deepest, depth(inner, limit - 1));
        if (deepest === limit - 1) break;
    }
    return 1 + deepest;
}

const TOKEN = /([ \t\r\n]*)("(?:[^"\\]+|\\.)*"|[{}[\],:]|[^ \t\r\n{}[\],:"]+)/y;

/** Adds the features of a valid item's text to the set. */
export function addFeatures(text, item, add) {
    const { data, type: _type, id: _id, ...other } = item;
    const count = Object.keys(other).length;
    add(
        count === 0 ? 'other: none'
        : count < 32 ? 'other: 1 to 31 members'
        : count === 32 ? 'other: 32 members'
        : 'other: 33 members and more',
    );
    if (Object.hasOwn(other, 'retry')) add('other: retry');
    if (Object.hasOwn(other, 'event')) add('other: event');
    if (isObject(data) && ['id', 'type', 'data'].some((key) => Object.hasOwn(data, key))) {
        add('data has members id, type or data');
    }
    const collisions = new Set();
    if (isObject(data) || typeof data === 'string') {
        for (const key of Object.keys(other)) {
            if (Object.hasOwn(Object(data), key) && key !== 'length') {
                const kind = Array.isArray(data) ? 'array' : typeof data;
                add(`key in both: data a${kind === 'string' ? '' : 'n'} ${kind}`);
                collisions.add(key);
            }
        }
    }
    if (item.id) add('explicit id');
    if (isHalfway(item.id) || isHalfway(item.type)) add('id or type halfway between two shortest spellings');
    scan(text, collisions, add);
}

/** Whether the digits that JavaScript drops are exactly a half: it then takes the even neighbour. */
function isHalfway(number) {
    if (typeof number !== 'number' || number === 0 || !Number.isFinite(number)) return false;
    const digits = (spelled) => spelled.replace(/e.*/, '').replace('.', '').replace(/^-?0*/, '');
    const count = digits(number.toExponential()).length;
    return /^50*$/.test(digits(number.toExponential(60)).slice(count));
}

function scan(text, collisions, add) {
    // Of each open object: its keys, and how each was spelled.
    const open = [];
    const spellings = new Map();
    let expectsKey = false;
    let member = '';
    TOKEN.lastIndex = 0;
    for (let match; (match = TOKEN.exec(text)); ) {
        const [, space, token] = match;
        if (space !== '') {
            if (space.includes(' ')) add('space: blanks');
            if (space.includes('\t')) add('space: tab');
            if (space.includes('\r')) add('space: raw CR inside');
            if (match.index === 0) add('space: before the item');
        }
        switch (token[0]) {
            case '{':
                open.push(new Map());
                expectsKey = true;
                if (open.length > 129) add('nesting beyond 128');
                break;
            case '[':
                open.push(null);
                expectsKey = false;
                if (open.length > 129) add('nesting beyond 128');
                break;
            case '}':
            case ']':
                open.pop();
                break;
            case ',':
                expectsKey = open.at(-1) !== null;
                break;
            case ':':
                expectsKey = false;
                break;
            case '"': {
                const string = token.includes('\\') ? JSON.parse(token) : token.slice(1, -1);
                if (expectsKey) {
                    if (open.length === 1) member = string;
                    const inData = open.length === 2 && member === 'data';
                    addKey(string, token, open, inData, add);
                    const inOther = open.length === 1;
                    if ((inData || inOther) && collisions.has(string)) {
                        const known = spellings.get(string) ?? new Set();
                        spellings.set(string, known.add(token));
                        if (known.size > 1) add('key in both: spelled in two ways');
                        if (inOther && open[0].get(string) > 1) add('key in both: twice in other');
                    }
                } else {
                    addString(string, token, add);
                }
                break;
            }
            case 't':
            case 'f':
            case 'n':
                break;
            default:
                addNumber(token, add);
        }
    }
    if (/\r$/.test(text)) add('line end: CRLF');
}

function addKey(key, token, open, inData, add) {
    const place = open.length === 1 ? 'other' : inData ? 'data' : 'deeper';
    const keys = open.at(-1);
    const times = (keys.get(key) ?? 0) + 1;
    keys.set(key, times);
    const hasMeaning = place === 'other' && (key === 'data' || key === 'id' || key === 'type');
    if (times > 1) {
        add(
            hasMeaning ? `duplicate ${key}`
            : place === 'deeper' ? 'duplicate key deeper'
            : `duplicate key in ${place}`,
        );
    }
    if (token.length - 2 !== key.length) {
        add(`escaped spelling of ${hasMeaning ? key : 'another key'}`);
        if (!key.isWellFormed()) add('key with a lone surrogate');
    }
    if (key === '') add('empty key');
    if (key === '__proto__') add(place === 'deeper' ? '__proto__ deeper' : `__proto__ in ${place}`);
    if (key.startsWith('$serde_json::private::')) add('private key of serde_json');
    if (/^-?[0-9]+$/.test(key)) {
        if (key !== String(Number(key)) || key[0] === '-') add('integer key: not canonical');
        else if (key === '0') add('integer key: 0');
        else if (Number(key) <= 4294967293) add('integer key: up to 4294967293');
        else if (Number(key) <= 4294967296) add(`integer key: ${key}`);
    }
}

function addString(string, token, add) {
    if (token.length - 2 !== string.length) {
        if (string.includes('\0')) add('string with NUL');
        if (/[\r\n]/.test(string)) add('string with CR or LF');
        if (token.includes('\\/')) add('string with \\/');
        if (/\\u[dD][89abAB]..\\u[dD][c-fC-F]/.test(token)) add('string with escaped astral');
        if (!string.isWellFormed()) add('string with a lone surrogate');
    }
    if (string.startsWith(' ')) add('string with a leading blank');
    if (/[\x7f-\uffff]/.test(token)) {
        if (/[\u2028\u2029]/.test(token)) add('string with raw U+2028');
        if (token.includes('\ufeff')) add('string with BOM');
        if (/[\x7f-\x9f]/.test(token)) add('string with DEL or C1');
        if (/[\ud800-\udfff]/.test(token)) add('string with raw astral');
    }
}

function addNumber(token, add) {
    const number = Number(token);
    const size = Math.abs(number);
    if (size === 0) {
        if (Object.is(number, -0)) add('number -0');
        else if (token !== '0') add('number 0 spelled long');
        if (/[1-9].*e/i.test(token)) add('number 1e-400');
    } else if (size === Infinity) {
        add(number > 0 ? 'number 1e400' : 'number -1e400');
    } else if (size < 2 ** -1022) {
        add('number subnormal');
    } else if (size >= 1e21) {
        add('number 1e21 and more');
    }
    if (size > 2 ** 53 && /^-?[0-9]+$/.test(token)) add('number beyond 2^53');
    if (/\.0+$/.test(token)) add('number with .0');
    if (token.includes('E')) add('number with E');
}
