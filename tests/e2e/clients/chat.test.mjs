// Chat: rooms and direct channels, and the history of both over HTTP.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, players, refusal, unique } from '../lib/player.mjs';

const ROOM = 1;
const DIRECT = 2;
const [SENT, UPDATED, REMOVED] = [0, 1, 2];

// Everybody in one new room, in this order.
async function roomOf(all, persistence = true) {
  const name = unique('room');
  let channel;
  for (const player of all) channel = await player.socket.joinChat(name, ROOM, persistence, false);
  return { id: channel.id, name, last: channel };
}

const history = async (player, id, ...rest) => player.client.listChannelMessages(player.session, id, 100, ...rest);

for (const format of FORMATS) {
  test(`those in a room see each other come, speak and go (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { id, name, last } = await roomOf([ann, bob]);
    assert.equal(last.room_name, name);
    assert.ok((last.presences ?? []).some(({ user_id: user }) => user === ann.userId), 'bob is told that ann is here');
    const hasCome = ({ joins = [] }) => joins.some(({ user_id: user }) => user === bob.userId);
    await ann.next('channelpresence', hasCome);

    const ack = await ann.socket.writeChatMessage(id, { text: 'hello' });
    for (const player of [ann, bob]) {
      const message = await player.next('channelmessage');
      assert.equal(message.message_id, ack.message_id);
      assert.equal(message.channel_id, id);
      assert.equal(message.username, ann.username);
      assert.deepEqual(message.content, { text: 'hello' });
      assert.equal(message.code ?? SENT, SENT);
    }

    await bob.socket.leaveChat(id);
    await ann.next('channelpresence', ({ leaves = [] }) => leaves.some(({ user_id: user }) => user === bob.userId));
  });

  test(`messages arrive in the order in which they were sent (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { id } = await roomOf([ann, bob]);
    const numbers = Array.from({ length: 20 }, (_, number) => number);
    await Promise.all(numbers.map((number) => ann.socket.writeChatMessage(id, { number })));
    for (const player of [ann, bob]) {
      const heard = [];
      for (const _ of numbers) heard.push((await player.next('channelmessage')).content.number);
      assert.deepEqual(heard, numbers);
    }
  });

  test(`a message is changed and taken back by whoever sent it, and by nobody else (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { id } = await roomOf([ann, bob]);
    const { message_id: message } = await ann.socket.writeChatMessage(id, { text: 'helo' });
    await bob.next('channelmessage');
    assert.ok((await refusal(bob.socket.updateChatMessage(id, message, { text: 'mine' }))).code);

    await ann.socket.updateChatMessage(id, message, { text: 'hello' });
    const updated = await bob.next('channelmessage');
    assert.deepEqual([updated.code, updated.message_id, updated.content], [UPDATED, message, { text: 'hello' }]);
    const { messages: [kept] } = await history(bob, id, true);
    assert.deepEqual(kept.content, { text: 'hello' });

    await ann.socket.removeChatMessage(id, message);
    const removed = await bob.next('channelmessage');
    assert.deepEqual([removed.code, removed.message_id], [REMOVED, message]);
    assert.deepEqual((await history(bob, id, true)).messages ?? [], []);
  });

  test(`whoever is not in a room cannot speak there (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { id } = await roomOf([ann]);
    assert.ok((await refusal(bob.socket.writeChatMessage(id, { text: 'hello?' }))).code);
    await ann.socket.writeChatMessage(id, { text: 'alone' });
    assert.deepEqual((await ann.next('channelmessage')).content, { text: 'alone' }, 'nothing came before');
  });

  test(`two talk in private, and the one who is not there is told (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { id } = await ann.socket.joinChat(bob.userId, DIRECT, true, false);
    const invitation = await bob.next('notification');
    assert.equal(invitation.code, -1);
    assert.equal(invitation.sender_id, ann.userId);
    const same = await bob.socket.joinChat(ann.userId, DIRECT, true, false);
    assert.equal(same.id, id, 'whoever joins first');
    await bob.socket.writeChatMessage(id, { text: 'psst' });
    assert.equal((await ann.next('channelmessage')).username, bob.username);
  });
}

test('what was said is listed a page at a time, in both directions', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const { id } = await roomOf([ann]);
  for (let number = 0; number < 5; number += 1) await ann.socket.writeChatMessage(id, { number });
  const numbers = ({ messages = [] }) => messages.map(({ content }) => content.number);
  const page = (forward, cursor) => ann.client.listChannelMessages(ann.session, id, 2, forward, cursor);
  const first = await page(true);
  assert.deepEqual(numbers(first), [0, 1]);
  const second = await page(true, first.next_cursor);
  assert.deepEqual(numbers(second), [2, 3]);
  assert.deepEqual(numbers(await page(true, second.next_cursor)), [4]);
  assert.deepEqual(numbers(await page(true, second.prev_cursor)), [0, 1]);
  assert.deepEqual(numbers(await page(false)), [4, 3]);
});

test('what is not to be kept is heard and not listed', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const { id } = await roomOf([ann, bob], false);
  await ann.socket.writeChatMessage(id, { text: 'gone with the wind' });
  await bob.next('channelmessage');
  assert.deepEqual((await history(ann, id, true)).messages ?? [], []);
});
