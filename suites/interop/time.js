export { setTimeout as sleep } from 'node:timers/promises';

/** The promise's value, or an error if that takes longer. */
export function within(millis, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${millis} ms`)), millis);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Asks again and again until there is an answer. */
export async function until(millis, what, ask) {
  const end = performance.now() + millis;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`${what} did not come in ${millis} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
