// Noughts and crosses between two pages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, quit, screenshot, seat } from '../lib/browser.mjs';

before(launch);
after(quit);

const isTurn = (page) => page.waitForFunction(() => {
  const { table, mark } = window.tiltyard.xoxo;
  return table?.phase === 'playing' && table.turn === mark;
});

async function play(page, cell) {
  await isTurn(page);
  await page.click(`.cell:nth-child(${cell + 1})`);
  await page.waitForFunction((at) => window.tiltyard.xoxo.table.board[at] !== '.', cell);
}

const says = (page, text) => page.waitForFunction((wanted) => document.getElementById('xoxo-banner').textContent === wanted, text);

test('two pages play to a win and again', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'xoxo');
  await play(ann, 4);
  await play(bob, 0);
  await play(ann, 2);
  await screenshot(bob, 'xoxo-playing');
  await play(bob, 1);
  await play(ann, 6);
  await says(ann, 'You win');
  await says(bob, 'You lose');
  assert.equal(await ann.locator('.cell.won').count(), 3);
  await screenshot(ann, 'xoxo-won');

  await ann.click('#rematch');
  await bob.waitForFunction(() => document.getElementById('rematch').textContent.startsWith('They want'));
  await bob.click('#rematch');
  await isTurn(bob);
  await says(ann, 'Their move');
});

test('a move out of turn is answered on the page that made it', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'xoxo');
  await isTurn(ann);
  await bob.keyboard.press('5');
  await says(bob, 'It is not your turn.');
  await says(ann, 'Your move');
});

test('a page survives the other leaving', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'xoxo');
  await play(ann, 4);
  await bob.close();
  await says(ann, 'Your opponent left: you win');
});

test('a third page is told that the table is full', async (t) => {
  const [ann, bob, cyd] = [await open(t), await open(t), await open(t)];
  await seat(ann, bob, 'xoxo');
  const hash = await ann.evaluate(() => location.hash);
  await cyd.evaluate((to) => { location.hash = to; }, hash);
  await cyd.waitForFunction(() => /full/.test(document.getElementById('toast').textContent));
  await cyd.waitForSelector('#home:not([hidden])');
});

test('the table fits a phone', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
  const [ann, bob] = [await open(t, phone), await open(t)];
  await seat(ann, bob, 'xoxo');
  await isTurn(ann);
  await ann.tap('.cell:nth-child(5)');
  await isTurn(bob);
  await screenshot(ann, 'xoxo-phone');
});
