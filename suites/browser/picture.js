// Takes the README's picture of an example's page: `node picture.js FILE`.

import { launch, start } from './example.js';

const { server, url } = await start({ INTERVAL_MS: '1000' });
const browser = await launch();
try {
  const page = await browser.newPage({ viewport: { width: 800, height: 480 }, colorScheme: 'light' });
  await page.goto(url);
  await page.waitForSelector('[data-id="4"]');
  await page.getByRole('button', { name: 'Drop and resume' }).click();
  await page.waitForSelector('[data-resume=gapless]');
  await page.screenshot({ path: process.argv[2], animations: 'disabled' });
} finally {
  await browser.close();
  server.kill('SIGTERM');
}
