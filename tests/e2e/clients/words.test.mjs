// Words: a game in turns, through official clients.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { words } from '../../../assets/play/js/protocol.js';
import { FORMATS, players, refusal, unique } from '../lib/player.mjs';

const LIST = new URL('../../../game-examples/words/src/words.txt', import.meta.url);
const known = (await readFile(LIST, 'utf8')).trim().split('\n');

function playable({ letters, played }) {
  const count = (text, letter) => text.split(letter).length - 1;
  const fits = (word) => [...word].every((letter) => count(word, letter) <= count(letters, letter));
  return known.find((word) => fits(word) && !played.some((before) => before.word === word));
}

// A table of their own at which the game has begun; the first one has the turn.
async function tableOf(t, format, ...names) {
  const all = await players(t, format, ...names);
  const { match_id: id } = await all[0].rpc('words_create', { name: unique('table') });
  for (const player of all) {
    player.send = (opCode, payload = '') => player.socket.sendMatchState(id, opCode, payload);
    player.play = (word) => player.send(words.OP_WORD, JSON.stringify({ word }));
    await player.socket.joinMatch(id);
    await player.json(words.OP_STATE, ({ seats }) => seats.some(({ user_id: user }) => user === player.userId));
  }
  await all[0].send(words.OP_BEGIN);
  let state;
  for (const player of all) state = await player.json(words.OP_STATE, ({ phase }) => phase === 'playing');
  return { all, id, state };
}

for (const format of FORMATS) {
  test(`three play to the end, and all see the same (${format})`, async (t) => {
    const { all, state: first } = await tableOf(t, format, 'ann', 'bob', 'cyd');
    let state = first;
    for (let turn = 0; state.phase === 'playing'; turn += 1) {
      const mover = all[turn % 3];
      assert.equal(state.turn, mover.userId);
      await mover.play(playable(state));
      const isNext = ({ played }) => played.length === turn + 1;
      const [seen, ...others] = await Promise.all(all.map((player) => player.json(words.OP_STATE, isNext)));
      for (const other of others) assert.deepEqual(other, seen);
      state = seen;
    }
    assert.equal(state.outcome.how, 'rounds');
    const best = Math.max(...state.seats.map(({ score }) => score));
    const winners = state.seats.filter(({ score }) => score === best).map(({ user_id: user }) => user);
    assert.deepEqual(state.outcome.winners, winners);
  });

  test(`what cannot be played is rejected to its sender alone, with a reason (${format})`, async (t) => {
    const { all: [ann, bob], state } = await tableOf(t, format, 'ann', 'bob');
    const rejected = async (player) => (await player.json(words.OP_REJECTED)).reason;
    await bob.play(playable(state));
    assert.equal(await rejected(bob), 'not_your_turn');
    for (const [word, reason] of [['ab', 'too_short'], ['????', 'not_on_the_table'], [state.letters, 'unknown_word'], [4, 'garbage']]) {
      await ann.play(word);
      assert.equal(await rejected(ann), reason);
    }
    await ann.send(99);
    assert.equal(await rejected(ann), 'unknown_op_code');
    await ann.send(words.OP_BEGIN);
    assert.equal(await rejected(ann), 'cannot_begin');
    assert.deepEqual(bob.pending('data').filter(({ op_code: op }) => op === words.OP_REJECTED), []);
  });

  test(`a seat is kept for whoever leaves, and given up by whoever says so (${format})`, async (t) => {
    const { all: [ann, bob], id } = await tableOf(t, format, 'ann', 'bob');
    await bob.socket.leaveMatch(id);
    await ann.json(words.OP_STATE, ({ seats }) => !seats[1].here);
    const [eve] = await players(t, format, 'eve');
    assert.equal(Number((await refusal(eve.socket.joinMatch(id))).code), 5);
    await bob.socket.joinMatch(id);
    await ann.json(words.OP_STATE, ({ seats }) => seats[1].here);
    await bob.send(words.OP_RESIGN);
    const { outcome } = await ann.json(words.OP_STATE, ({ phase }) => phase === 'over');
    assert.deepEqual(outcome, { how: 'left', winners: [ann.userId] });
  });

  test(`the room of the match hears who has won (${format})`, async (t) => {
    const { all: [ann, bob], id } = await tableOf(t, format, 'ann', 'bob');
    await ann.socket.joinChat(id, 1, false, false);
    await bob.send(words.OP_RESIGN);
    const { content } = await ann.next('channelmessage');
    assert.deepEqual(content, { text: `${ann.username} wins.` });
  });
}
