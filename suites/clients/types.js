// node types.js: compiles the TypeScript of docs/cookbook.md, strictly. The type that a page writes by hand and the
// generated one must be the same.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const text = readFileSync(here('../../docs/cookbook.md'), 'utf8');
const blocks = [...text.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code);
const written = blocks.find((code) => code.includes('function listen'));
const generated = blocks.find((code) => code.startsWith('export type Update'));
if (blocks.length !== 2 || !written || !generated) throw new Error(`${blocks.length} blocks of TypeScript in docs/cookbook.md`);

const folder = mkdtempSync(join(tmpdir(), 'types-'));
try {
  writeFileSync(join(folder, 'update.ts'), generated);
  writeFileSync(join(folder, 'page.ts'), `
    import type { Update as Generated } from './update';
    declare function show(...values: (string | number)[]): void;
    type Same<A, B> = [A, B] extends [B, A] ? true : false;
    export const same: Same<Update, Generated> = true;
    ${written}`);
  const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'preserve', '--lib', 'es2022,dom'];
  execFileSync('node', [here('node_modules/typescript/bin/tsc'), ...options, join(folder, 'page.ts')], { cwd: folder, stdio: 'inherit' });
  console.log(`${blocks.length} blocks of TypeScript compile`);
} finally {
  rmSync(folder, { recursive: true });
}
