// What is expected of each row and column: `ok`, unless the committed file says otherwise, with a reason.

import { readFileSync, writeFileSync } from 'node:fs';

export class Expectations {
  #path;
  #known;
  #seen = new Map();

  /** The file is `{ versions, rows: { ROW: { COLUMN: { seen, why } } } }`; `seen` is one value or several. */
  constructor(path) {
    this.#path = path;
    this.#known = JSON.parse(readFileSync(path, 'utf8'));
  }

  of(row, column) {
    const { seen = 'ok' } = this.#known.rows[row]?.[column] ?? {};
    return [seen].flat();
  }

  meets(row, column, value) {
    return this.of(row, column).includes(value);
  }

  note(row, column, value, from) {
    const values = this.#seen.get(row) ?? new Map();
    this.#seen.set(row, values);
    const found = values.get(column) ?? [];
    values.set(column, [...found, { value, from }]);
  }

  /** As a cell of a table. */
  cell(row, column) {
    const found = this.#seen.get(row)?.get(column);
    if (!found) return '–';
    return [...new Set(found.map(({ value }) => value))].map((value) => (value === 'ok' ? '✓' : value)).join('; ').replaceAll('|', '\\|');
  }

  /** How many of what was seen are as the file has it. */
  get passed() {
    const all = [...this.#seen].flatMap(([row, columns]) => [...columns].flatMap(([column, found]) => found.map(({ value }) => this.meets(row, column, value))));
    return all.filter(Boolean).length;
  }

  /** What differs from the file: what is new, what is mended, what has no reason. */
  faults() {
    const faults = [];
    for (const [row, columns] of this.#seen) {
      for (const [column, found] of columns) {
        for (const { value, from } of found) {
          if (this.meets(row, column, value)) continue;
          const expected = this.of(row, column).join(', or ');
          faults.push(value === 'ok'
            ? `${row}, ${column} (${from}): mended, take it out of the file: ${expected}`
            : `${row}, ${column} (${from}): ${value}${expected === 'ok' ? '' : `\n    and not: ${expected}`}`);
        }
      }
      for (const column of Object.keys(this.#known.rows[row] ?? {})) {
        if (!columns.has(column)) faults.push(`${row}, ${column}: in the file, and not asked`);
      }
    }
    for (const [row, columns] of Object.entries(this.#known.rows)) {
      // Of those that were asked.
      if (!this.#seen.has(row)) continue;
      for (const [column, { why }] of Object.entries(columns)) {
        if (!why || why === UNKNOWN) faults.push(`${row}, ${column}: no reason in the file`);
      }
    }
    return faults;
  }

  /** Makes the file what was seen; reasons stay with their row and column, however its words change. */
  accept(versions) {
    // Another run may have written meanwhile.
    this.#known = JSON.parse(readFileSync(this.#path, 'utf8'));
    const { rows } = this.#known;
    for (const [row, columns] of this.#seen) {
      const entry = {};
      for (const [column, found] of columns) {
        const values = [...new Set(found.map(({ value }) => value))].sort();
        if (values.join() === 'ok') continue;
        entry[column] = { seen: values.length === 1 ? values[0] : values, why: rows[row]?.[column]?.why ?? UNKNOWN };
      }
      if (Object.keys(entry).length > 0) rows[row] = entry;
      else delete rows[row];
    }
    this.#known.versions = { ...this.#known.versions, ...versions };
    writeFileSync(this.#path, `${JSON.stringify(this.#known, null, 2)}\n`);
  }
}

const UNKNOWN = 'TODO';
