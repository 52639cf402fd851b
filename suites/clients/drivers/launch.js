import { setTimeout as sleep } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { executable, FLAGS } from '../../browser/chromium.js';
import { killGroup } from './driver.js';

/** Chromium or Firefox, with a new empty profile. Its processes end with `end`, or else by the id that is told first. */
export async function launch(name) {
  const browser = await start(name);
  const { pid } = browser.process();
  console.log(JSON.stringify({ browser: pid }));
  const end = async () => {
    await Promise.race([browser.close(), sleep(2_000)]).catch(() => {});
    killGroup(pid);
  };
  return { browser, end };
}

function start(name) {
  if (name === 'firefox') {
    return puppeteer.launch({
      browser: 'firefox',
      executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
      headless: true,
      // Names that are no servers of ours are looked up by nobody.
      extraPrefsFirefox: { 'network.proxy.type': 0, 'network.http.max-persistent-connections-per-server': 6 },
    });
  }
  // Pages that nobody sees have slow timers otherwise.
  const args = [...FLAGS, '--disable-quic', '--disable-background-timer-throttling', '--disable-renderer-backgrounding', ...(process.env.ANY_CERTIFICATE ? ['--ignore-certificate-errors'] : [])];
  return puppeteer.launch({ executablePath: executable(), args, headless: true });
}
