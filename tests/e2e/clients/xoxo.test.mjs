// Noughts and crosses between two real clients.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xoxo } from '../../../assets/play/js/protocol.js';
import { FORMATS, players, refusal, unique } from '../lib/player.mjs';

const { OP_MOVE, OP_REMATCH, OP_STATE, OP_REJECTED } = xoxo;

// Two players at a table of their own; the first one has X.
async function tableOf(t, format) {
  const [ann, bob] = await players(t, format, 'ann', 'bob');
  const { match_id: id } = await ann.rpc('xoxo_create', { name: unique('table') });
  await ann.socket.joinMatch(id);
  await ann.json(OP_STATE, (state) => state.seats.X);
  await bob.socket.joinMatch(id);
  for (const player of [ann, bob]) {
    await player.json(OP_STATE, (state) => state.phase === 'playing');
    player.play = (cell) => player.socket.sendMatchState(id, OP_MOVE, JSON.stringify({ cell }));
    player.send = (opCode, payload) => player.socket.sendMatchState(id, opCode, payload);
  }
  return { ann, bob, id };
}

// Plays cells in turn, X first; gives the last state as both see it.
async function playAll({ ann, bob }, cells, first = ann) {
  let mover = first;
  let seen;
  for (const cell of cells) {
    await mover.play(cell);
    const isPlayed = (state) => state.board[cell] !== '.';
    seen = await ann.json(OP_STATE, isPlayed);
    assert.deepEqual(await bob.json(OP_STATE, isPlayed), seen, 'both see the same');
    mover = mover === ann ? bob : ann;
  }
  return seen;
}

const TOP_ROW = [0, 3, 1, 4, 2];

for (const format of FORMATS) {
  test(`a round is played to a win (${format})`, async (t) => {
    const table = await tableOf(t, format);
    const state = await playAll(table, TOP_ROW);
    assert.equal(state.phase, 'over');
    assert.deepEqual(state.outcome, { how: 'line', winner: 'X', line: [0, 1, 2] });
    assert.equal(state.seats.X.username, table.ann.username);
    assert.equal(state.seats.X.wins, 1);
  });

  test(`a draw is a draw (${format})`, async (t) => {
    const state = await playAll(await tableOf(t, format), [0, 1, 2, 4, 3, 5, 7, 6, 8]);
    assert.deepEqual(state.outcome, { how: 'draw', winner: null, line: null });
  });

  test(`bad moves are rejected to their sender alone, with a reason (${format})`, async (t) => {
    const { ann, bob } = await tableOf(t, format);
    const rejected = async (player) => (await player.json(OP_REJECTED)).reason;
    await bob.play(0);
    assert.equal(await rejected(bob), 'not_your_turn');
    for (const [payload, reason] of [
      ['{"cell":9}', 'out_of_range'],
      ['{"cell":-1}', 'out_of_range'],
      ['{"cell":"4"}', 'garbage'],
      ['\u0000\u0001', 'garbage'],
    ]) {
      await ann.send(OP_MOVE, payload);
      assert.equal(await rejected(ann), reason);
    }
    await ann.send(99, '{}');
    assert.equal(await rejected(ann), 'unknown_op_code');
    await ann.send(OP_REMATCH, '');
    assert.equal(await rejected(ann), 'no_rematch_now');
    await playAll({ ann, bob }, [4]);
    await bob.play(4);
    assert.equal(await rejected(bob), 'cell_taken');
    const strays = ann.pending('data').filter((data) => data.op_code === OP_REJECTED);
    assert.deepEqual(strays, [], 'ann heard nothing of what bob did wrong');
  });

  test(`a third player is turned away with a reason (${format})`, async (t) => {
    const { id } = await tableOf(t, format);
    const [cyd] = await players(t, format, 'cyd');
    const { code, message } = await refusal(cyd.socket.joinMatch(id));
    assert.equal(Number(code), 5);
    assert.match(message, /full/);
  });

  test(`leaving forfeits (${format})`, async (t) => {
    const { ann, bob, id } = await tableOf(t, format);
    await ann.socket.leaveMatch(id);
    const state = await bob.json(OP_STATE, ({ phase }) => phase === 'over');
    assert.deepEqual(state.outcome, { how: 'left', winner: 'O', line: null });
    assert.equal(state.seats.X, null);
  });

  test(`a lost connection forfeits (${format})`, async (t) => {
    const { ann, bob } = await tableOf(t, format);
    bob.close();
    const state = await ann.json(OP_STATE, ({ phase }) => phase === 'over');
    assert.equal(state.outcome.how, 'left');
    assert.equal(state.outcome.winner, 'X');
  });

  test(`a rematch begins when both agree, with the marks swapped (${format})`, async (t) => {
    const table = await tableOf(t, format);
    const { ann, bob } = table;
    await playAll(table, TOP_ROW);
    await ann.send(OP_REMATCH, '');
    await bob.json(OP_STATE, (state) => state.seats.X.wants_rematch);
    await bob.send(OP_REMATCH, '');
    for (const player of [ann, bob]) {
      const state = await player.json(OP_STATE, ({ phase }) => phase === 'playing');
      assert.equal(state.seats.X.username, bob.username);
      assert.equal(state.seats.O.wins, 1, 'the tally goes on');
    }
    await playAll(table, [8], bob);
  });
}

test('a quick match seats two strangers at one table', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const first = await ann.rpc('xoxo_find');
  await ann.socket.joinMatch(first.match_id);
  const state = await ann.json(OP_STATE);
  if (state.phase !== 'waiting') return; // somebody was waiting already: that is a quick match, too
  const second = await bob.rpc('xoxo_find');
  assert.equal(second.match_id, first.match_id);
});
