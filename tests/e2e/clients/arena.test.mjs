// The arena: inputs go in, the server says what becomes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INPUTS_MAX, arena, decodeState, encodeInput, encodeInputs } from '../../../assets/play/js/protocol.js';
import { FORMATS, players, unique } from '../lib/player.mjs';

const { OP_INPUT, OP_STATE, OP_ROSTER, OP_WELCOME } = arena;
const STILL = { thrust: { x: 0, y: 0 }, aim: { x: 0, y: 0 }, fire: false };

// A player in a match: what slot is theirs, and every later state.
async function fly(player, id) {
  await player.socket.joinMatch(id);
  const welcome = await player.json(OP_WELCOME);
  player.slot = welcome.slot;
  player.sequence = 0;
  player.inputs = [];
  // The new input and those before it, as the pages send them: it may be lost where there are datagrams.
  player.steer = (wish) => {
    player.sequence += 1;
    player.inputs = [...player.inputs, { sequence: player.sequence, ...STILL, ...wish }].slice(-INPUTS_MAX);
    return player.socket.sendMatchState(id, OP_INPUT, encodeInputs(player.inputs), [], false);
  };
  // The next state that satisfies `where`, given our ship and the state; `wish` is steered meanwhile.
  player.until = async (where, wish) => {
    for (;;) {
      if (wish) await player.steer(wish);
      const state = decodeState(await player.data(OP_STATE));
      if (where(state.ships.get(player.slot) ?? {}, state)) return state;
    }
  };
  return welcome;
}

async function newArena(t, format, ...names) {
  const all = await players(t, format, ...names);
  const { match_id: id } = await all[0].rpc('arena_create', { name: unique('arena') });
  for (const player of all) await fly(player, id);
  return { all, id };
}

for (const format of FORMATS) {
  test(`a newcomer gets the map, the roster and a ship (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    const { match_id: id } = await ann.rpc('arena_create', { name: unique('arena') });
    const welcome = await fly(ann, id);
    assert.equal(welcome.tick_rate, 30);
    assert.ok(welcome.walls.length > 0);
    const { players: roster } = await ann.json(OP_ROSTER);
    const transport = format === 'webtransport' ? format : 'websocket';
    assert.deepEqual(roster.map(({ slot, username, transport: over }) => [slot, username, over]), [[ann.slot, ann.username, transport]]);
    const state = await ann.until((ship) => ship.alive);
    assert.equal(state.ships.get(ann.slot).health, 100);
  });

  test(`inputs move the ship and are acknowledged (${format})`, async (t) => {
    const { all: [ann] } = await newArena(t, format, 'ann');
    const before = (await ann.until((ship) => ship.alive)).ships.get(ann.slot);
    const towards = before.x < 20 ? 1 : -1;
    const wish = { thrust: { x: towards, y: 0 } };
    const state = await ann.until((ship) => (ship.x - before.x) * towards > 1, wish);
    const after = state.ships.get(ann.slot);
    assert.ok(after.acknowledged > 0 && after.acknowledged <= ann.sequence);
  });

  test(`states come once a tick, in order (${format})`, async (t) => {
    const { all: [ann] } = await newArena(t, format, 'ann');
    const first = await ann.until(() => true);
    const ticks = [];
    while (ticks.length < 10) ticks.push((await ann.until(() => true)).tick);
    // What travels in a datagram may be lost, but neither comes twice nor late.
    if (format === 'webtransport') assert.ok(ticks.every((tick, index) => tick > (ticks[index - 1] ?? first.tick)));
    else assert.deepEqual(ticks, ticks.map((_, index) => first.tick + 1 + index));
  });

  test(`one input in a message is as good as four (${format})`, async (t) => {
    const { all: [ann], id } = await newArena(t, format, 'ann');
    for (const sequence of [1, 2, 3]) await ann.socket.sendMatchState(id, OP_INPUT, encodeInput({ sequence, ...STILL }));
    await ann.until((ship) => ship.acknowledged === 3);
  });

  test(`both see the bullet that one fires (${format})`, async (t) => {
    const { all: [ann, bob] } = await newArena(t, format, 'ann', 'bob');
    await ann.until((ship) => ship.alive);
    const isFired = (_, { bullets }) => [...bullets.values()].some(({ owner }) => owner === ann.slot);
    await ann.until(isFired, { aim: { x: 1, y: 0 }, fire: true });
    await bob.until(isFired);
  });

  test(`garbage and lies change nothing and cost nobody the connection (${format})`, async (t) => {
    const { all: [ann], id } = await newArena(t, format, 'ann');
    const before = (await ann.until((ship) => ship.alive)).ships.get(ann.slot);
    const notFinite = encodeInput({ sequence: 1, ...STILL, thrust: { x: Infinity, y: NaN } });
    for (const payload of [new Uint8Array(0), new Uint8Array(20), new Uint8Array(500), notFinite, 'hello']) {
      await ann.socket.sendMatchState(id, OP_INPUT, payload);
    }
    await ann.socket.sendMatchState(id, 4711, 'hello');
    const huge = { thrust: { x: 1e30, y: 0 } };
    const after = (await ann.until((ship) => ship.acknowledged >= 1, huge)).ships.get(ann.slot);
    const top = 9.01;
    assert.ok(Math.abs(after.vx) <= top && Math.abs(after.x - before.x) <= top);
  });

  test(`whoever leaves is gone from the field (${format})`, async (t) => {
    const { all: [ann, bob], id } = await newArena(t, format, 'ann', 'bob');
    await ann.until((_, { ships }) => ships.size === 2);
    await bob.socket.leaveMatch(id);
    await ann.until((_, { ships }) => ships.size === 1);
    const { players: roster } = await ann.json(OP_ROSTER, ({ players: all }) => all.length === 1);
    assert.equal(roster[0].username, ann.username);
  });
}

test('drones fly with a lone player and make room for others', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const { match_id: id } = await ann.rpc('arena_create', { name: unique('arena'), drones: 2 });
  await fly(ann, id);
  const { players: alone } = await ann.json(OP_ROSTER);
  assert.equal(alone.filter((entry) => entry.session_id === '').length, 2);
  await ann.until((_, { bullets }) => [...bullets.values()].some(({ owner }) => owner !== ann.slot));
  await fly(bob, id);
  const { players: together } = await ann.json(OP_ROSTER);
  assert.equal(together.filter((entry) => entry.session_id === '').length, 1);
});
