// Playing together: a party, the matchmaker, and chat, between pages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, quit, screenshot } from '../lib/browser.mjs';

before(launch);
after(quit);

const nameOf = (page) => page.evaluate(() => window.tiltyard.connection.username);
const inMatch = (page, view) => page.waitForFunction((wanted) => window.tiltyard.view === wanted, view);
const hears = (page, text) => page.waitForFunction((wanted) => document.getElementById('chat-lines').textContent.includes(wanted), text);

async function say(page, room, text) {
  await page.click(`[data-room="${room}"]`);
  await page.fill('#chat-text', text);
  await page.press('#chat-text', 'Enter');
}

async function look(page, game, count) {
  await page.selectOption('#queue-game', game);
  await page.selectOption('#queue-count', String(count));
  await page.click('#queue-look');
}

// Two pages in one party, which the first one leads.
async function partyOf(t) {
  const ann = await open(t);
  await ann.click('#social-toggle');
  await ann.click('#party-create');
  await ann.waitForSelector('#party-some:not([hidden])');
  const code = await ann.textContent('#party-id');
  const bob = await open(t, { path: `#/party/${code}` });
  for (const page of [ann, bob]) await page.waitForFunction(() => document.querySelectorAll('#party-members li').length === 2);
  return { ann, bob };
}

test('a party of two is matched into one arena with a third, and chats', async (t) => {
  const { ann, bob } = await partyOf(t);
  await say(ann, 'party', 'arena?');
  await hears(bob, 'arena?');
  await say(bob, 'party', 'off we go');
  await hears(ann, 'off we go');
  await screenshot(ann, 'party');

  await look(ann, 'arena', 3);
  await bob.waitForSelector('#queue-waiting:not([hidden])');
  const cyd = await open(t);
  await cyd.click('#social-toggle');
  await look(cyd, 'arena', 3);
  const all = [ann, bob, cyd];
  for (const page of all) await inMatch(page, 'arena');
  const ids = await Promise.all(all.map((page) => page.evaluate(() => window.tiltyard.connection.match.match_id)));
  assert.equal(new Set(ids).size, 1, 'all are in the same arena');
  for (const page of all) await page.waitForFunction(() => window.tiltyard.arena.ships().length === 3);

  await say(bob, 'match', 'wasd and good luck');
  for (const page of [ann, cyd]) {
    await page.click('[data-room="match"]');
    await hears(page, 'wasd and good luck');
  }
  await screenshot(ann, 'together-arena');
});

test('a party can be left, and another leads then', async (t) => {
  const { ann, bob } = await partyOf(t);
  assert.equal(await bob.isDisabled('#queue-look'), true, 'only the leader looks for players');
  await ann.click('#party-leave');
  await ann.waitForSelector('#party-none:not([hidden])');
  const name = await nameOf(bob);
  await bob.waitForFunction((wanted) => document.querySelector('#party-members .leader b')?.textContent === wanted, name);
  await bob.waitForSelector('#queue-look:not([disabled])');
});

test('whoever looks for players may stop looking', async (t) => {
  const page = await open(t);
  await page.click('#social-toggle');
  await look(page, 'words', 4);
  await page.waitForSelector('#queue-waiting:not([hidden])');
  await page.click('#queue-cancel');
  await page.waitForSelector('#queue-form:not([hidden])');
});

test('the panel fits a phone', async (t) => {
  const page = await open(t, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  await page.click('#social-toggle');
  await page.click('#party-create');
  await page.waitForSelector('#party-some:not([hidden])');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - screen.width);
  assert.ok(overflow <= 0, 'nothing sticks out to the side');
  await screenshot(page, 'party-phone');
  await page.click('#social-close');
  await page.waitForSelector('#social', { state: 'hidden' });
});

test('the lobby hears what is said there, with name and time', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  for (const page of [ann, bob]) await page.click('#social-toggle');
  const text = `anybody here? ${Date.now()}`;
  await say(ann, 'lobby', text);
  await hears(bob, text);
  const line = await bob.locator('#chat-lines li', { hasText: text }).innerText();
  assert.ok(line.includes(await nameOf(ann)));
  assert.match(line, /\d{1,2}:\d\d/);
});
