// The page of the hub's example: two streams, one of the kitchen's events and one of the bar's, and those of all.

import { launch, start } from './example.js';

export const KITCHEN = 'section[data-topics="kitchen,"]';
export const BAR = 'section[data-topics="bar,"]';

/** Opens the page; its two streams are open, too. What goes wrong in it is added to `faults`. */
export async function open(browser, url, faults) {
  const page = await browser.newPage();
  page.setDefaultTimeout(10_000);
  page.on('pageerror', (error) => faults.push(error));
  await page.goto(url);
  await page.waitForFunction(() => document.querySelectorAll('[data-state=open]').length === 2);
  return page;
}

/** Starts the server with these settings, and opens the page so many times in a browser. */
export async function openTabs(settings, count, faults) {
  const { server, url } = await start(settings);
  let browser;
  try {
    browser = await launch();
    const tabs = await Promise.all(Array.from({ length: count }, () => open(browser, url, faults)));
    return { server, url, browser, tabs };
  } catch (error) {
    // The caller does not have them yet, and a server that runs on keeps the tests from ending.
    await close({ browser, server });
    throw error;
  }
}

/** Closes what was opened. */
export async function close({ browser, server }) {
  await browser?.close();
  server?.kill('SIGKILL');
}

/** The texts of a stream's events, oldest first. */
export const texts = (tab, stream) =>
  tab.$$eval(`${stream} li[data-id]`, (rows) => rows.map((row) => row.lastChild.textContent.trim()).reverse());

/** Waits until this is the newest text. */
export const settled = (tab, stream, text) =>
  tab.waitForFunction(
    ([stream, text]) => document.querySelector(`${stream} li[data-id]`)?.lastChild.textContent.trim() === text,
    [stream, text],
  );

export async function publish(tab, topic, text) {
  await tab.selectOption('#topic', topic);
  await tab.fill('#text', text);
  const answered = tab.waitForResponse((response) => response.url().includes('/publish'));
  await tab.click('#publish');
  await answered;
}

/** Opens the menu, and waits for its state. */
export async function openMenu(tab) {
  await tab.click('#menu summary');
  await tab.waitForSelector('#menu[data-state=open]');
}

/** The prices, by dish. */
export const menu = (tab) =>
  tab.$$eval('#prices [data-dish]', (rows) =>
    Object.fromEntries(rows.map((row) => [row.dataset.dish, row.lastChild.textContent])));
