// What an input line is, told from the line alone.
import { isUtf8 } from 'node:buffer';

/**
 * `refusals` names each reason for which the crate must refuse the line. A line with none of them,
 * and not blank, is an item that must be encoded.
 */
export function read(line) {
    if (!line.some((byte) => !JSON_SPACE.has(byte))) return { blank: true, refusals: [] };
    if (!isUtf8(line)) return { refusals: ['no item: not UTF-8'] };
    const text = line.toString();
    let item;
    try {
        item = JSON.parse(text);
    } catch {
        return { refusals: ['no item: not JSON'] };
    }
    if (item === null || typeof item !== 'object' || Array.isArray(item)) {
        return { refusals: [`no item: ${kindOf(item)}`] };
    }
    return { text, item, refusals: [...fieldRefusals('id', item), ...fieldRefusals('type', item)] };
}

const JSON_SPACE = new Set(Buffer.from(' \t\n\r'));

function kindOf(value) {
    if (value === null) return 'null';
    return Array.isArray(value) ? 'array' : typeof value;
}

/** The differences on purpose that are errors. */
function fieldRefusals(field, { [field]: value }) {
    if (value === null) return [];
    if (typeof value === 'object') return [`${field}: ${kindOf(value)}`];
    if (typeof value !== 'string') return [];
    const refusals = [];
    if (value.includes('\r')) refusals.push(`${field}: CR`);
    if (value.includes('\n')) refusals.push(`${field}: LF`);
    if (field === 'id' && value.includes('\0')) refusals.push('id: NUL');
    return refusals;
}

export const REFUSALS = [
    ...['CR', 'LF', 'NUL', 'array', 'object'].map((reason) => `id: ${reason}`),
    ...['CR', 'LF', 'array', 'object'].map((reason) => `type: ${reason}`),
    ...['not UTF-8', 'not JSON', 'null', 'array', 'boolean', 'number', 'string'].map(
        (reason) => `no item: ${reason}`,
    ),
];
