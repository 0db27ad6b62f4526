// What was said on channels, read over HTTP; and the chat of groups.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupBy } from '../lib/groups.mjs';
import { callers, players, refusal, refused, unique } from '../lib/player.mjs';

const [ROOM, DIRECT, GROUP] = [1, 2, 3];
const [SAID, JOINED, ADDED, LEFT, KICKED, PROMOTED, BANNED, DEMOTED] = [0, 3, 4, 5, 6, 7, 8, 9];
const NO_CURSOR = 'Cursor is invalid or expired.';

const numbers = ({ messages }) => messages.map(({ content }) => content.number);

// A room in which somebody counted from nought.
async function counted(player, count) {
  const { id } = await player.socket.joinChat(unique('room'), ROOM, true, false);
  for (let number = 0; number < count; number += 1) await player.socket.writeChatMessage(id, { number });
  return id;
}

test('pages lead on and back, in either direction', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const id = await counted(ann, 5);
  for (const [forward, all] of [[true, [0, 1, 2, 3, 4]], [false, [4, 3, 2, 1, 0]]]) {
    const page = (cursor) => ann.http.listChannelMessages(id, 2, forward, cursor);
    const first = await page();
    assert.deepEqual([numbers(first), first.prev_cursor], [all.slice(0, 2), undefined]);
    const second = await page(first.next_cursor);
    const third = await page(second.next_cursor);
    assert.deepEqual([numbers(second), numbers(third), third.next_cursor], [all.slice(2, 4), all.slice(4), undefined]);
    assert.deepEqual(numbers(await page(second.prev_cursor)), all.slice(0, 2));
  }
});

test('a cursor that is kept tells later what is new', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const id = await counted(ann, 2);
  const { cacheable_cursor: cursor } = await ann.http.listChannelMessages(id, 100, true);
  assert.deepEqual(numbers(await ann.http.listChannelMessages(id, 100, true, cursor)), []);
  await ann.socket.writeChatMessage(id, { number: 2 });
  assert.deepEqual(numbers(await ann.http.listChannelMessages(id, 100, true, cursor)), [2]);
});

test('a page that makes no sense is refused', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const [id, other] = [await counted(ann, 2), await counted(ann, 0)];
  const { next_cursor: cursor } = await ann.http.listChannelMessages(id, 1, true);
  await refused(ann.http.listChannelMessages('zz', 1), 400, 3, 'Invalid channel ID.');
  await refused(ann.http.listChannelMessages(id, 101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(ann.http.listChannelMessages(id, 1, false, cursor), 400, 3, NO_CURSOR);
  await refused(ann.http.listChannelMessages(other, 1, true, cursor), 400, 3, NO_CURSOR);
  await refused(ann.http.listChannelMessages(id, 1, true, 'nonsense'), 400, 3, NO_CURSOR);
});

test('what two have said in private is for the two', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const [eve] = await callers('eve');
  const { id } = await ann.socket.joinChat(bob.userId, DIRECT, true, false);
  await ann.socket.writeChatMessage(id, { number: 7 });
  assert.deepEqual(numbers(await bob.http.listChannelMessages(id, 10)), [7]);
  await refused(eve.http.listChannelMessages(id, 10), 400, 3, 'Channel not found.');
});

test('members of a group talk, and nobody else does or reads it', async (t) => {
  const [ann, bob, eve] = await players(t, 'json', 'ann', 'bob', 'eve');
  const { id: group } = await groupBy({ open: true }, ann, bob);
  const { id } = await ann.socket.joinChat(group, GROUP, true, false);
  await bob.socket.joinChat(group, GROUP, true, false);
  await bob.socket.writeChatMessage(id, { number: 7 });
  const heard = await ann.next('channelmessage');
  assert.deepEqual([heard.group_id, heard.username, heard.content], [group, bob.username, { number: 7 }]);
  assert.ok((await refusal(eve.socket.joinChat(group, GROUP, true, false))).code);
  await refused(eve.http.listChannelMessages(id, 10), 400, 3, 'Group not found.');
});

test('a group tells who comes, rises and goes, live and later', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const [bob, cyd] = await callers('bob', 'cyd');
  const { id: group } = await groupBy({ open: true }, ann);
  const { id } = await ann.socket.joinChat(group, GROUP, true, false);
  const steps = [
    [JOINED, bob, () => bob.http.joinGroup(group)],
    [PROMOTED, bob, () => ann.http.promoteGroupUsers(group, [bob.userId])],
    [DEMOTED, bob, () => ann.http.demoteGroupUsers(group, [bob.userId])],
    [LEFT, bob, () => bob.http.leaveGroup(group)],
    [ADDED, cyd, () => ann.http.addGroupUsers(group, [cyd.userId])],
    [KICKED, cyd, () => ann.http.kickGroupUsers(group, [cyd.userId])],
    [ADDED, cyd, () => ann.http.addGroupUsers(group, [cyd.userId])],
    [BANNED, cyd, () => ann.http.banGroupUsers(group, [cyd.userId])],
  ];
  for (const [code, player, step] of steps) {
    await step();
    const message = await ann.next('channelmessage');
    assert.deepEqual([message.code, message.sender_id, message.content], [code, player.userId, {}]);
  }
  const { messages } = await ann.http.listChannelMessages(id, 100);
  assert.deepEqual(messages.map(({ code }) => code).sort(), steps.map(([code]) => code).sort());
  assert.ok(!messages.some(({ code }) => code === SAID));
});

test('whoever is kicked hears no more', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const { id: group } = await groupBy({ open: true }, ann, bob);
  const { id } = await ann.socket.joinChat(group, GROUP, true, false);
  await bob.socket.joinChat(group, GROUP, true, false);
  await ann.http.kickGroupUsers(group, [bob.userId]);
  const isBob = ({ user_id: user }) => user === bob.userId;
  await ann.next('channelpresence', ({ leaves = [] }) => leaves.some(isBob));
  assert.ok((await refusal(bob.socket.writeChatMessage(id, { number: 1 }))).code);
});
