// The clients of pages: node browser.js BROWSER CLIENT, with chromium or firefox.
import { inTurn, work } from './driver.js';
import { launch } from './launch.js';

const [name, client] = process.argv.slice(2);
let text = '';
for await (const chunk of process.stdin) text += chunk;
const { jobs, atOnce } = JSON.parse(text);

const { browser, end } = await launch(name);
try {
  // Pages that listen to the whole document have one job each.
  await inTurn(jobs, atOnce, async (job) => {
    const page = await browser.newPage();
    let report = () => {};
    await page.exposeFunction('report', (what, more) => report(what, more));
    await page.goto(`${new URL(job.url).origin}/files/pages/page.html`);
    await page.evaluate((client) => window.load(client), client);
    await work(job, async (job, told) => {
      report = told;
      // The browser's own clock: what it tells takes a while to come here.
      await page.evaluate(async (job) => {
        await window.listen(job, (what, more) => window.report(what, { ...more, time: Date.now() }));
      }, job);
    });
    await page.close();
  });
} finally {
  await end();
}
process.exit(0);
