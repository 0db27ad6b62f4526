// A server without UDP: the pages play over a WebSocket, without a word.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { baseUrl, launch, open, quit, seat } from '../lib/browser.mjs';

before(launch);
after(quit);

test('a server without UDP says so', async () => {
  const answer = await fetch(`${baseUrl}v2/tiltyard/transport`);
  assert.deepEqual(await answer.json(), { version: 1 });
});

test('two pages fly over WebSockets', async (t) => {
  const [ann, bob] = [await open(t), await open(t)];
  await seat(ann, bob, 'arena');
  for (const page of [ann, bob]) {
    await page.waitForFunction(() => {
      const ships = window.tiltyard.arena.ships();
      return ships.length === 2 && ships.every(({ alive }) => alive);
    });
    const { transport, ms, stats } = await page.evaluate(() => ({
      transport: window.tiltyard.transport, ms: window.tiltyard.connectedMs, stats: window.tiltyard.stats(),
    }));
    assert.equal(transport, 'websocket');
    assert.ok(ms < 3000, `${Math.round(ms)} ms`);
    assert.equal(stats.datagramsSent + stats.datagramsReceived, 0);
    await page.waitForFunction(() => document.querySelectorAll('#scores .websocket').length === 2);
  }
});

test('whoever wants WebTransport or nothing is told that there is none', async (t) => {
  const page = await open(t);
  const { code, reason } = await page.evaluate(async () => {
    const { TiltyardAdapter } = await import('/tiltyard-transport.js');
    const adapter = new TiltyardAdapter({ transport: 'webtransport' });
    return new Promise((resolve) => {
      adapter.onClose = ({ code, reason }) => resolve({ code, reason });
      adapter.connect('ws://', location.hostname, location.port, false, 'token');
    });
  });
  assert.equal(code, 1006);
  assert.match(reason, /no WebTransport/);
});
