// What the clients' programs have in common. A program reads `{ jobs, atOnce }` from standard input and
// reports line by line what the client tells its user: `open`, `event`, `error`, `ended` (by the server),
// `closed` (for good), each with the job's name and the milliseconds since it began.

import { setTimeout as sleep } from 'node:timers/promises';

export async function drive(listen) {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  const { jobs, atOnce } = JSON.parse(text);
  // The first connection of a process is slow for reasons of its own.
  await fetch(new URL('/stats', jobs[0].url)).then((response) => response.text());
  await inTurn(jobs, atOnce, (job) => work(job, listen));
  process.exit(0);
}

export async function inTurn(jobs, atOnce, work) {
  const rest = [...jobs];
  await Promise.all(Array.from({ length: atOnce }, async () => {
    for (let job; (job = rest.shift());) await work(job);
  }));
}

export async function work(job, listen, print = (line) => console.log(JSON.stringify(line))) {
  const since = performance.now();
  let events = 0;
  let stopped = false;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const report = (what, more) => {
    if (stopped) return;
    print({ job: job.name, what, at: Math.round(performance.now() - since), time: Date.now(), ...more });
    if (what === 'event') events += 1;
    if ((what === 'event' && more.data === 'end') || events === job.enough) finish();
  };
  let stop;
  try {
    stop = await listen(job, report, finished);
  } catch (error) {
    report('error', { text: textOf(error) });
    report('closed');
  }
  await Promise.race([finished, sleep(job.millis)]);
  stopped = true;
  await stop?.();
}

/** Reads again and again, as the users of a client do that does not reconnect itself. */
export function byHand(read) {
  return async (job, report, finished) => {
    const abort = new AbortController();
    let over = false;
    finished.then(() => (over = true));
    const stop = () => {
      over = true;
      abort.abort();
    };
    (async () => {
      let last = '';
      for (let requests = 0; !over && requests < 20; requests += 1) {
        try {
          await read({
            url: job.url,
            headers: { accept: 'text/event-stream', ...(last && { 'last-event-id': last }) },
            signal: abort.signal,
            open: () => report('open'),
            event: ({ id, ...event }) => {
              if (id !== undefined && id !== null) last = id;
              report('event', { ...event, lastEventId: last });
            },
          });
          if (!over) report('ended');
        } catch (error) {
          if (!over) report('error', { text: textOf(error) });
        }
        if (job.once) return report('closed');
        await sleep(100);
      }
    })();
    return stop;
  };
}

export const textOf = (error) => `${error?.name ?? ''}: ${error?.message ?? error}`.slice(0, 300);

/** Ends a browser with all of its processes; it is the first of their group. */
export function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // They have ended.
  }
}
