import { inspect } from 'node:util';

/** What passed and what failed. */
export class Results {
  passed = 0;
  #failures = [];

  /** Runs one check; a failure is noted and the next check follows. Gives what `test` gives. */
  async check(part, name, test) {
    try {
      const value = await test();
      this.passed += 1;
      return value;
    } catch (error) {
      const text = error.code === 'ERR_ASSERTION' ? error.message : inspect(error);
      this.#failures.push(`${part}: ${name}`);
      console.log(`FAILED ${part}: ${name}\n    ${text.slice(0, 2000).replaceAll('\n', '\n    ')}`);
      return undefined;
    }
  }

  get failed() {
    return this.#failures.length;
  }

  print() {
    console.log();
    for (const failure of this.#failures) console.log(`FAILED ${failure}`);
    console.log(`${this.passed} passed, ${this.failed} failed`);
  }
}
