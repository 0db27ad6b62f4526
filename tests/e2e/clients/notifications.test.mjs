// Notifications: heard when they come, kept, listed and deleted.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { words } from '../../../assets/play/js/protocol.js';
import { FORMATS, Player, players, unique } from '../lib/player.mjs';

const DIRECT = 2;

// Ann, who has had an invitation to chat from each of the others, in this order.
async function invited(t, ...names) {
  const [ann, ...others] = await players(t, 'json', 'ann', ...names);
  for (const player of others) {
    await player.socket.joinChat(ann.userId, DIRECT, true, false);
    await ann.next('notification');
  }
  return { ann, senders: others.map(({ userId }) => userId) };
}

const kept = async (player, limit = 100, cursor = undefined) => player.client.listNotifications(player.session, limit, cursor);
const senders = ({ notifications = [] }) => notifications.map(({ sender_id: sender }) => sender);

test('what is kept is listed in the order in which it came, a page at a time', async (t) => {
  const { ann, senders: expected } = await invited(t, 'bob', 'cyd', 'dan');
  assert.deepEqual(senders(await kept(ann)), expected);
  const first = await kept(ann, 2);
  assert.deepEqual(senders(first), expected.slice(0, 2));
  const { cacheable_cursor: cursor } = first;
  assert.deepEqual(senders(await kept(ann, 2, cursor)), expected.slice(2));
});

test('what was deleted is listed no more', async (t) => {
  const { ann, senders: [, second] } = await invited(t, 'bob', 'cyd');
  const { notifications: [first] } = await kept(ann);
  await ann.client.deleteNotifications(ann.session, [first.id]);
  assert.deepEqual(senders(await kept(ann)), [second]);
});

test('nobody deletes what belongs to another', async (t) => {
  const { ann } = await invited(t, 'bob');
  const [eve] = await players(t, 'json', 'eve');
  const { notifications: [first] } = await kept(ann);
  await eve.client.deleteNotifications(eve.session, [first.id]);
  assert.equal((await kept(ann)).notifications.length, 1);
});

for (const format of FORMATS) {
  test(`a game calls whoever looks away (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { match_id: id } = await ann.rpc('words_create', { name: unique('table') });
    await ann.socket.joinMatch(id);
    await bob.socket.joinMatch(id);
    await ann.json(words.OP_STATE, ({ seats }) => seats.length === 2);
    await ann.socket.sendMatchState(id, words.OP_BEGIN, '');
    await ann.json(words.OP_STATE, ({ turn }) => turn === ann.userId);
    await bob.socket.leaveMatch(id);
    await ann.socket.sendMatchState(id, words.OP_PASS, '');
    const { code, content } = await bob.next('notification');
    assert.equal(code, words.CODE_YOUR_TURN);
    assert.equal(content.match_id, id);
    assert.deepEqual((await kept(bob)).notifications ?? [], [], 'it is of no use later');
  });
}

test('every connection of a user is told', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const laptop = new Player();
  Object.assign(laptop, { client: ann.client, session: ann.session });
  await laptop.connect('json');
  t.after(() => laptop.close());
  await bob.socket.joinChat(ann.userId, DIRECT, true, false);
  const [first, second] = [await ann.next('notification'), await laptop.next('notification')];
  assert.equal(first.id, second.id);
});
