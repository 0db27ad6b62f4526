// The pages over WebTransport: datagrams where they belong, and the stream for all else.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { baseUrl, launch, open, quit, screenshot, seat, tell } from '../lib/browser.mjs';
import { lossyPath } from '../lib/lossy.mjs';
import { Random } from '../lib/random.mjs';

before(launch);
after(quit);

const FALLBACK_MS = 3000;
const REFUSED = /Failed to establish a connection to https:/;

const transportOf = (page) => page.evaluate(() => window.tiltyard.transport);
const statsOf = (page) => page.evaluate(() => window.tiltyard.stats());
const shipOf = (page, isOwn) => page.evaluate((own) => {
  const { arena } = window.tiltyard;
  return arena.ships().find(({ slot }) => (slot === arena.slot) === own);
}, isOwn);

async function bothFly(...pages) {
  for (const page of pages) {
    await page.waitForFunction(() => {
      const ships = window.tiltyard.arena.ships();
      return ships.length === 2 && ships.every(({ alive }) => alive);
    });
  }
}

// Whether both pages see the ship of `mover` move.
async function seeMove(mover, watcher) {
  const [own, seen] = [await shipOf(mover, true), await shipOf(watcher, false)];
  const keys = [own.x < 20 ? 'KeyD' : 'KeyA', own.y < 12 ? 'KeyS' : 'KeyW'];
  for (const key of keys) await mover.keyboard.down(key);
  for (const [page, isOwn, from] of [[mover, true, own], [watcher, false, seen]]) {
    await page.waitForFunction(({ isOwn, from }) => {
      const { arena } = window.tiltyard;
      const ship = arena.ships().find(({ slot }) => (slot === arena.slot) === isOwn);
      return ship && Math.hypot(ship.x - from.x, ship.y - from.y) > 2;
    }, { isOwn, from });
  }
  for (const key of keys) await mover.keyboard.up(key);
}

// Until so many more datagrams have come and gone.
async function datagramsFlow(page, count = 60) {
  const { datagramsReceived, datagramsSent } = await statsOf(page);
  await page.waitForFunction(({ received, sent }) => {
    const stats = window.tiltyard.stats();
    return stats.datagramsReceived >= received && stats.datagramsSent >= sent;
  }, { received: datagramsReceived + count, sent: datagramsSent + count });
}

const readsNet = (page, text) => page.waitForFunction((wanted) => document.getElementById('net').innerText.includes(wanted), text);

test('two pages fly over datagrams, and say so', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'arena');
  await bothFly(ann, bob);
  for (const page of [ann, bob]) assert.equal(await transportOf(page), 'webtransport');
  await seeMove(ann, bob);
  await seeMove(bob, ann);
  await datagramsFlow(ann);
  await datagramsFlow(bob);
  const stats = await statsOf(ann);
  const arrived = stats.datagramsReceived - stats.duplicates;
  assert.ok(stats.lost < arrived / 10, `${stats.lost} of ${arrived} lost on this machine`);
  assert.equal(stats.datagramsIgnored, 0);
  await readsNet(ann, 'WebTransport');
  await readsNet(ann, ' ms');
  await readsNet(ann, ' %');
  await ann.waitForFunction(() => document.querySelectorAll('#scores .webtransport').length === 2);
  await screenshot(ann, 'arena-webtransport');
});

test('one over WebTransport and one over a WebSocket fly together, and each sees what the other has', async (t) => {
  const [ann, bob] = [await open(t), await open(t, { path: '?transport=websocket' })];
  await seat(ann, bob, 'arena');
  await bothFly(ann, bob);
  assert.equal(await transportOf(bob), 'websocket');
  await seeMove(ann, bob);
  await seeMove(bob, ann);
  await datagramsFlow(ann);
  assert.equal((await statsOf(bob)).datagramsReceived, 0);
  for (const page of [ann, bob]) {
    await page.waitForFunction(() => document.querySelectorAll('#scores .webtransport').length === 1 && document.querySelectorAll('#scores .websocket').length === 1);
  }
  await readsNet(bob, 'WebSocket');
  await screenshot(bob, 'arena-websocket');
});

test('a phone shows its connection without anything sticking out', async (t) => {
  const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
  const [ann, bob] = [await open(t, phone), await open(t)];
  await seat(ann, bob, 'arena');
  await bothFly(ann, bob);
  await datagramsFlow(ann);
  await readsNet(ann, ' %');
  const { right, bottom, top } = await ann.locator('#net').evaluate((net) => net.getBoundingClientRect().toJSON());
  assert.ok(right <= 390 && top > 0 && bottom < 844);
  await screenshot(ann, 'arena-webtransport-phone');
});

test('where one packet in six is lost they fly on, and see what is lost', async (t) => {
  const transports = await (await fetch(`${baseUrl}v2/tiltyard/transport`)).json();
  const path = await lossyPath(t, transports.webtransport.port, new Random('one in six'));
  const prepare = tell({ ...transports, webtransport: { ...transports.webtransport, port: path.port } });
  const [ann, bob] = [await open(t, { prepare }), await open(t, { prepare })];
  // A handshake would only take longer, and not be WebTransport if it takes too long.
  path.share = 1 / 6;
  await seat(ann, bob, 'arena');
  await bothFly(ann, bob);
  await seeMove(ann, bob);
  await seeMove(bob, ann);
  for (const page of [ann, bob]) {
    assert.equal(await transportOf(page), 'webtransport');
    await datagramsFlow(page, 200);
    // The server notices, and sends what counts twice; so less is missing than was lost.
    await page.waitForFunction(() => window.tiltyard.stats().duplicates > 20);
  }
  assert.ok(path.lost > 50);
  await ann.waitForFunction(() => /[1-9]/.test(document.getElementById('net-loss').textContent));
  await screenshot(ann, 'arena-lossy');
  const { lost, datagramsReceived, duplicates } = await statsOf(ann);
  t.diagnostic(`${path.lost} of ${path.lost + path.passed} packets lost; of ${datagramsReceived - duplicates + lost} states ${lost}, with ${duplicates} copies`);
});

test('a connection that is lost comes back over WebTransport, into the same match', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'arena');
  await bothFly(ann, bob);
  await ann.evaluate(() => window.tiltyard.connection.socket.adapter.close());
  await ann.waitForSelector('#veil:not([hidden])');
  await ann.waitForSelector('#veil[hidden]', { state: 'attached' });
  await bothFly(ann, bob);
  assert.equal(await transportOf(ann), 'webtransport');
  await datagramsFlow(ann);
  // The new ship answers to the stick at once, however long the old one was flown.
  await seeMove(ann, bob);
});

test('a game of turns and a chat run over the stream', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'xoxo');
  for (const [page, cell] of [[ann, 4], [bob, 0], [ann, 2]]) {
    await page.waitForFunction(() => window.tiltyard.xoxo.table?.phase === 'playing' && window.tiltyard.xoxo.table.turn === window.tiltyard.xoxo.mark);
    await page.click(`.cell:nth-child(${cell + 1})`);
    await page.waitForFunction((at) => window.tiltyard.xoxo.table.board[at] !== '.', cell);
  }
  for (const page of [ann, bob]) await page.click('#social-toggle');
  const text = `over the stream ${Date.now()}`;
  await ann.click('[data-room="match"]');
  await ann.fill('#chat-text', text);
  await ann.press('#chat-text', 'Enter');
  await bob.click('[data-room="match"]');
  await bob.waitForFunction((wanted) => document.getElementById('chat-lines').textContent.includes(wanted), text);
  for (const page of [ann, bob]) {
    assert.equal(await transportOf(page), 'webtransport');
    assert.equal((await statsOf(page)).datagramsSent, 0, 'nothing here may be lost');
  }
});

// How long after the page began to connect it was online; and that the fallback plays.
async function fellBack(t, page) {
  const ms = await page.evaluate(() => window.tiltyard.connectedMs);
  assert.ok(ms < FALLBACK_MS, `${Math.round(ms)} ms`);
  t.diagnostic(`over a WebSocket after ${Math.round(ms)} ms`);
  assert.equal(await transportOf(page), 'websocket');
  await page.click('[data-find="arena"]');
  await page.waitForFunction(() => window.tiltyard.arena.ships?.().some(({ slot, alive }) => slot === window.tiltyard.arena.slot && alive));
  // Coming back does not pay for it again.
  await page.evaluate(() => window.tiltyard.connection.socket.adapter.close());
  await page.waitForSelector('#veil:not([hidden])');
  await page.waitForSelector('#veil[hidden]', { state: 'attached' });
  const again = await page.evaluate(() => window.tiltyard.connectedMs);
  assert.ok(again < ms || again < FALLBACK_MS / 3, `${Math.round(again)} ms after ${Math.round(ms)} ms`);
}

const elsewhere = (port) => ({ version: 1, webtransport: { port, path: '/wt' }, certificate_hashes: [Buffer.alloc(32).toString('base64')] });

test('a UDP port that answers nothing, as behind many a firewall, is given up for a WebSocket', async (t) => {
  const silent = createSocket('udp4');
  silent.bind(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  let asked = 0;
  silent.on('message', () => { asked += 1; });
  const page = await open(t, { prepare: tell(elsewhere(silent.address().port)), expected: REFUSED });
  assert.ok(asked > 0, 'it was tried');
  await fellBack(t, page);
});

test('a UDP port where nobody listens is given up for a WebSocket', async (t) => {
  const gone = createSocket('udp4');
  gone.bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  await fellBack(t, await open(t, { prepare: tell(elsewhere(port)), expected: REFUSED }));
});

test('a certificate that is not the one named is given up for a WebSocket', async (t) => {
  const { webtransport: { port } } = await (await fetch(`${baseUrl}v2/tiltyard/transport`)).json();
  await fellBack(t, await open(t, { prepare: tell(elsewhere(port)), expected: REFUSED }));
});

test('a token that is refused is said with its code, and no WebSocket is tried', async (t) => {
  const page = await open(t);
  const said = await page.evaluate(async () => {
    const { TiltyardAdapter } = await import('/tiltyard-transport.js');
    const adapter = new TiltyardAdapter();
    const closed = new Promise((resolve) => {
      const { port, hostname } = location;
      adapter.connect('ws://', hostname, port, false, 'no token at all');
      adapter.onClose = ({ code, reason }) => resolve({ code, reason, transport: adapter.transport });
    });
    return closed;
  });
  assert.equal(said.code, 4401);
  assert.equal(said.transport, 'webtransport');
});
