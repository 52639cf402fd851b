// Writes the tables of docs/clients.md from the two files of what is expected; with `check` it says whether they are there.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { COLUMNS } from '../proxies/columns.js';
import { PROXIES } from '../proxies/proxies.js';
import { CAPABILITIES, jobs } from './capabilities.js';
import { CLIENTS } from './clients.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/clients.md', import.meta.url));
const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url)));

/** A table and, below it, what its numbers stand for: those with the same reason have the same number. */
function table({ versions, rows }, first, names, columns, has) {
  const reasons = [];
  const number = (row, column) => {
    const { why } = rows[row][column];
    if (!reasons.includes(why)) reasons.push(why);
    return reasons.indexOf(why) + 1;
  };
  const cell = (row, column) => {
    if (!has(row, column)) return '';
    return rows[row]?.[column] ? `${number(row, column)}` : '✓';
  };
  const lines = [
    `| ${first} | version | ${Object.values(columns).join(' | ')} |`,
    `|---|---|${Object.keys(columns).map(() => '---|').join('')}`,
    ...names.map((row) => `| ${row} | ${versions[row] ?? '?'} | ${Object.keys(columns).map((column) => cell(row, column)).join(' | ')} |`),
    '',
    ...reasons.map((why, index) => `${index + 1}. ${why}`),
  ];
  return lines.join('\n');
}

const titles = Object.fromEntries(Object.entries(CAPABILITIES).map(([name, { title }]) => [name, title]));
const byName = new Map(CLIENTS.map((client) => [client.name, client]));
const clients = table(read('expected.json'), 'client', [...byName.keys()], titles, (row, column) =>
  jobs(byName.get(row), [column]).length > 0);
const proxies = table(read('../proxies/expected.json'), 'proxy', Object.keys(PROXIES), COLUMNS, () => true);

const before = readFileSync(DOCUMENT, 'utf8');
let after = before;
for (const [name, text] of Object.entries({ clients, proxies })) {
  const marks = new RegExp(`(<!-- ${name}: [^>]*-->\n)[^]*?(<!-- end -->)`);
  if (!marks.test(after)) throw new Error(`docs/clients.md has no place for ${name}`);
  after = after.replace(marks, (_, begin, end) => `${begin}\n${text}\n\n${end}`);
}
if (process.argv[2] !== 'check') writeFileSync(DOCUMENT, after);
else if (after !== before) {
  console.log('docs/clients.md is not what `suites/clients/run table` writes');
  process.exitCode = 1;
}
