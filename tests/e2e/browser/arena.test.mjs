// The arena between two pages.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, open, quit, screenshot, seat } from '../lib/browser.mjs';

before(launch);
after(quit);

// A ship as a page knows it from the server: our own, or the other one.
const shipOf = (page, isOwn) => page.evaluate((own) => {
  const { arena } = window.tiltyard;
  return arena.ships().find(({ slot }) => (slot === arena.slot) === own);
}, isOwn);

const bothFly = (page) => page.waitForFunction(() => {
  const ships = window.tiltyard.arena.ships();
  return ships.length === 2 && ships.every(({ alive }) => alive);
});

// Whether the ship that is (or is not) ours has come at least two metres from where it was.
const hasMoved = (page, isOwn, from) => page.waitForFunction(({ own, was }) => {
  const { arena } = window.tiltyard;
  const ship = arena.ships().find(({ slot }) => (slot === arena.slot) === own);
  return ship && Math.hypot(ship.x - was.x, ship.y - was.y) > 2;
}, { own: isOwn, was: from });

async function arenaOf(t, options) {
  const [ann, bob] = [await open(t, options), await open(t)];
  await seat(ann, bob, 'arena');
  await bothFly(ann);
  await bothFly(bob);
  return { ann, bob };
}

test('each page sees the other move, by the keyboard', async (t) => {
  const { ann, bob } = await arenaOf(t);
  for (const [mover, watcher] of [[ann, bob], [bob, ann]]) {
    const from = await shipOf(mover, true);
    const seen = await shipOf(watcher, false);
    assert.equal(seen.username, from.username, 'they speak of the same ship');
    const keys = [from.x < 20 ? 'KeyD' : 'KeyA', from.y < 12 ? 'KeyS' : 'KeyW'];
    for (const key of keys) await mover.keyboard.down(key);
    await hasMoved(mover, true, from);
    await hasMoved(watcher, false, seen);
    for (const key of keys) await mover.keyboard.up(key);
  }
  await screenshot(ann, 'arena');
});

test('the mouse aims and fires, and the other page sees the shield go', async (t) => {
  const { ann, bob } = await arenaOf(t);
  await ann.mouse.move(640, 420);
  await ann.mouse.down();
  await bob.waitForFunction(() => {
    const { arena } = window.tiltyard;
    const other = arena.ships().find(({ slot }) => slot !== arena.slot);
    return other && !other.shielded;
  });
  await screenshot(bob, 'arena-fire');
  await ann.mouse.up();
});

test('a page survives the other leaving', async (t) => {
  const { ann, bob } = await arenaOf(t);
  await bob.close();
  await ann.waitForFunction(() => window.tiltyard.arena.ships().length === 1);
  const tick = await ann.evaluate(() => window.tiltyard.arena.tick);
  await ann.waitForFunction((from) => window.tiltyard.arena.tick > from + 30, tick);
});

test('a lost connection is told and mended, in the same match', async (t) => {
  const { ann } = await arenaOf(t);
  await ann.evaluate(() => window.tiltyard.connection.socket.adapter.close());
  await ann.waitForSelector('#veil:not([hidden])');
  await screenshot(ann, 'connection-lost');
  await ann.waitForSelector('#veil[hidden]', { state: 'attached' });
  await bothFly(ann);
  assert.equal(await ann.evaluate(() => window.tiltyard.view), 'arena');
});

test('thumbs fly and fire on a phone', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
  const { ann, bob } = await arenaOf(t, phone);
  const from = await shipOf(ann, true);
  const touch = await ann.context().newCDPSession(ann);
  const towards = from.x < 20 ? 60 : -60;
  const points = [{ x: 110, y: 650, id: 1 }, { x: 290, y: 650, id: 2 }];
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: points });
  points[0].x += towards;
  points[1].y -= 60;
  await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: points });
  await hasMoved(bob, false, from);
  await screenshot(ann, 'arena-phone');
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
});

test('a quick match is no lonely place', async (t) => {
  const page = await open(t);
  await page.click('[data-find="arena"]');
  await page.waitForFunction(() => {
    const ships = window.tiltyard.arena.ships?.() ?? [];
    return ships.length > 1 && ships.every(({ alive }) => alive);
  });
  const tick = await page.evaluate(() => window.tiltyard.arena.tick);
  await page.waitForFunction((from) => window.tiltyard.arena.tick > from + 90, tick);
  await screenshot(page, 'arena-drones');
});
