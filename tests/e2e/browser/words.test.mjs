// Words between two pages.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { launch, open, quit, screenshot, seat } from '../lib/browser.mjs';

before(launch);
after(quit);

const LIST = new URL('../../../game-examples/words/src/words.txt', import.meta.url);
const known = (await readFile(LIST, 'utf8')).trim().split('\n');

const isTurn = (page) => page.waitForFunction(() => window.tiltyard.words.isOurTurn);
const tableOf = (page) => page.evaluate(() => window.tiltyard.words.table);

// The longest word that can be played.
function best({ letters, played }) {
  const count = (text, letter) => text.split(letter).length - 1;
  const fits = (word) => [...word].every((letter) => count(word, letter) <= count(letters, letter));
  const open = known.filter((word) => fits(word) && !played.some((before) => before.word === word));
  return open.sort((a, b) => b.length - a.length)[0];
}

async function play(page, turns) {
  await isTurn(page);
  await page.fill('#word', best(await tableOf(page)));
  await page.click('#word-play');
  await page.waitForFunction((count) => window.tiltyard.words.table.played.length === count, turns);
}

async function begun(t, options) {
  const [ann, bob] = [await open(t, options), await open(t)];
  await seat(ann, bob, 'words');
  await ann.waitForSelector('#words-begin:not([disabled])');
  await ann.click('#words-begin');
  await isTurn(ann);
  return { ann, bob };
}

test('two pages play to the end', async (t) => {
  const { ann, bob } = await begun(t);
  for (let turn = 0; turn < 10; turn += 1) {
    await play(turn % 2 ? bob : ann, turn + 1);
    if (turn === 5) await screenshot(ann, 'words');
  }
  for (const page of [ann, bob]) {
    await page.waitForFunction(() => /win|draw/i.test(document.getElementById('words-banner').textContent));
  }
  await screenshot(bob, 'words-over');
});

test('a word is laid by clicking tiles, and what is no word is told', async (t) => {
  const { ann, bob } = await begun(t);
  for (let tile = 0; tile < 12; tile += 1) await ann.locator('#letters .tile:not(.used)').first().click();
  assert.equal(await ann.inputValue('#word'), (await tableOf(ann)).letters);
  await ann.click('#word-play');
  await ann.waitForFunction(() => /no word/.test(document.getElementById('words-banner').textContent));
  await ann.click('#words-pass');
  await isTurn(bob);
});

test('whoever looks away is called back when it is their turn', async (t) => {
  const { ann, bob } = await begun(t);
  await bob.click('#words [data-leave]');
  await bob.waitForSelector('#home:not([hidden])');
  await ann.waitForSelector('#words-seats .away');
  await ann.click('#words-pass');
  await bob.waitForSelector('#toast.news a');
  await screenshot(bob, 'words-called');
  await bob.click('#toast.news a');
  await isTurn(bob);
});

test('the table fits a phone', async (t) => {
  const { ann } = await begun(t, { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
  const overflow = await ann.evaluate(() => Math.max(document.documentElement.scrollWidth, document.getElementById('words').scrollWidth) - screen.width);
  assert.ok(overflow <= 0, 'nothing sticks out to the side');
  await screenshot(ann, 'words-phone');
});
