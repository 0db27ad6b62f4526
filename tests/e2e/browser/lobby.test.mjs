// The lobby: names, the list of matches, and the way into a game and back.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, quit, screenshot } from '../lib/browser.mjs';

before(launch);
after(quit);

test('a visitor has a name and sees the games', async (t) => {
  const page = await open(t);
  await page.waitForSelector('#home:not([hidden])');
  assert.match(await page.inputValue('#name'), /^\w{4,}$/);
  await page.waitForFunction(() => /\d ms/.test(document.getElementById('ping').textContent));
  await screenshot(page, 'lobby');
});

test('a name can be changed, and is kept when the page is loaded again', async (t) => {
  const page = await open(t);
  const name = `Ann${Date.now() % 1_000_000_000}`;
  await page.fill('#name', name);
  await page.click('#name-form button');
  await page.waitForFunction((wanted) => document.getElementById('who').textContent === wanted, name);
  await page.reload();
  await page.waitForFunction((wanted) => document.getElementById('who').textContent === wanted, name);
});

test('a name that makes no sense is refused with a hint', async (t) => {
  const page = await open(t);
  await page.fill('#name', 'two words');
  await page.click('#name-form button');
  await page.waitForSelector('#name-hint.wrong');
});

test('a match that one opens appears in the list of another, who joins it', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await ann.click('[data-create="xoxo"]');
  await ann.waitForFunction(() => window.tiltyard.view === 'xoxo');
  const id = await ann.evaluate(() => window.tiltyard.connection.match.match_id);
  await bob.click(`[data-join="${id}"]`);
  await ann.waitForFunction(() => window.tiltyard.xoxo.table?.phase === 'playing');
  await bob.click('#xoxo [data-leave]');
  await bob.waitForSelector('#home:not([hidden])');
  await ann.waitForFunction(() => window.tiltyard.xoxo.table?.outcome?.how === 'left');
});

test('a link to a match that is gone leads to the lobby with a word', async (t) => {
  const page = await open(t, { path: '#/xoxo/00000000-0000-4000-8000-000000000000.nowhere' });
  await page.waitForSelector('#toast:not([hidden])');
  await page.waitForSelector('#home:not([hidden])');
});

test('the lobby fits a phone', async (t) => {
  const page = await open(t, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await page.waitForSelector('#home:not([hidden])');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - screen.width);
  assert.ok(overflow <= 0, 'nothing sticks out to the side');
  await screenshot(page, 'lobby-phone');
});
