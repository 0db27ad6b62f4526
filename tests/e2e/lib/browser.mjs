// Pages in the system's Chromium. Each is a context of its own, as if in another browser; whatever
// a page complains about fails the test that opened it.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

export const baseUrl = new URL(process.env.TILTYARD_URL ?? 'http://127.0.0.1:7350/').href;
const output = process.env.TILTYARD_OUTPUT ?? join(import.meta.dirname, '../../output');
const DEADLINE_MS = 15_000;

// As root there is no sandbox, and nothing outside this machine can be reached.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Tabs in the background are players, too.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

let browser;

export async function launch() {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: FLAGS });
}

export async function quit() {
  await browser?.close();
}

// A page of the server's origin with nothing in it.
export async function bare() {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  await page.goto(`${baseUrl}tiltyard-transport.js`);
  return page;
}

// A page on `path`, logged in and showing something. `prepare(page)` comes before it is loaded; what matches
// `expected` is no complaint.
export async function open(t, { path = '', viewport = { width: 1280, height: 800 }, prepare, expected, ...options } = {}) {
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.complaints = [];
  page.on('pageerror', (error) => page.complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected?.test(message.text())) page.complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(baseUrl).host) page.complaints.push(`asked for ${request.url()}`);
  });
  t.after(async () => {
    await context.close();
    assert.deepEqual(page.complaints, [], 'the page has nothing to complain about');
  });
  await prepare?.(page);
  await page.goto(`${baseUrl}${path}`);
  await page.waitForFunction(() => window.tiltyard?.connection.state === 'online');
  return page;
}

// Whatever the server says of its transports, this page is told something else.
export const tell = (transports) => (page) => page.route('**/v2/tiltyard/transport', (route) => route.fulfill({ json: transports }));

export async function screenshot(page, name) {
  await mkdir(output, { recursive: true });
  await page.screenshot({ path: join(output, `${name}.png`), animations: 'disabled' });
}

// A match of its own, so that tests do not meet: opened in one page, joined by the other.
export async function seat(first, second, game) {
  await first.click(`[data-create="${game}"]`);
  await first.waitForFunction((view) => window.tiltyard.view === view, game);
  const hash = await first.evaluate(() => location.hash);
  await second.evaluate((to) => { location.hash = to; }, hash);
  await second.waitForFunction((view) => window.tiltyard.view === view, game);
}
