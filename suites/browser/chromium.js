// Chromium, for all suites that start it.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

/** Where the program is that `CHROMIUM` names, by its path or as the shell finds it. */
export function executable() {
  const program = process.env.CHROMIUM ?? 'chromium';
  if (program.includes('/')) return program;
  for (const folder of process.env.PATH.split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  throw new Error(`${program} is not on the PATH: set CHROMIUM`);
}
