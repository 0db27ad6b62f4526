// The members of a group: how they come, rise, fall and go.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ADMIN, ASKING, BANNED, LEADER, MEMBER, groupBy, groupOf, groupsOf, membersOf } from '../lib/groups.mjs';
import { callers, players, refused } from '../lib/player.mjs';

const DENIED = 'Group not found or permission denied.';
const NOT_A_GROUP = 'Group ID must be a valid ID.';
const NOT_A_USER = 'User ID must be a valid ID.';

const countOf = async (player, name) => (await player.http.listGroups(name)).groups[0].edge_count;

test('an open group is joined at once, as long as there is room', async () => {
  const { all: [ann, bob], id, name } = await groupOf({ open: true, max_count: 2 }, 'ann', 'bob');
  assert.deepEqual(await membersOf(ann, id), [[ann.userId, LEADER], [bob.userId, MEMBER]]);
  assert.equal(await countOf(ann, name), 2);
  const [cyd] = await callers('cyd');
  await refused(cyd.http.joinGroup(id), 400, 3, 'Group is full.');
  await refused(cyd.http.joinGroup(randomUUID()), 404, 5, 'Group not found.');
  await refused(cyd.http.joinGroup('zz'), 400, 3, NOT_A_GROUP);
});

test('a closed group is asked, and its leader is told and lets in', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const [bob, cyd] = await callers('bob', 'cyd');
  const { id, name } = await groupBy({}, ann, bob, cyd);
  const { code, subject, content } = await ann.next('notification', ({ sender_id: sender }) => sender === bob.userId);
  assert.deepEqual([code, subject], [-5, `User ${bob.username} wants to join your group`]);
  assert.deepEqual(content, { group_id: id, username: bob.username });
  assert.deepEqual(await membersOf(ann, id, ASKING), [[bob.userId, ASKING], [cyd.userId, ASKING]]);
  assert.equal(await countOf(ann, name), 1);

  await ann.http.addGroupUsers(id, [bob.userId]);
  await ann.http.kickGroupUsers(id, [cyd.userId]);
  assert.deepEqual(await membersOf(ann, id), [[ann.userId, LEADER], [bob.userId, MEMBER]]);
  assert.equal(await countOf(ann, name), 2);
  const { notifications } = await bob.http.listNotifications(10);
  const told = notifications.map(({ code, subject, content }) => [code, subject, content]);
  assert.deepEqual(told, [[-4, `You've been added to group ${name}`, { group_id: id, name }]]);
});

test('only those who lead add, and only those who are there are added', async () => {
  const { all: [ann, bob], id } = await groupOf({ open: true, max_count: 3 }, 'ann', 'bob');
  const [cyd, dan] = await callers('cyd', 'dan');
  await refused(bob.http.addGroupUsers(id, [cyd.userId]), 404, 5, DENIED);
  await refused(ann.http.addGroupUsers(randomUUID(), [cyd.userId]), 404, 5, DENIED);
  await refused(ann.http.addGroupUsers(id, [randomUUID()]), 400, 3, 'One or more users not found.');
  await refused(ann.http.addGroupUsers(id, [cyd.userId, dan.userId]), 400, 3, 'Group is full.');
  await refused(ann.http.addGroupUsers(id, ['zz']), 400, 3, NOT_A_USER);
  await refused(ann.http.addGroupUsers('zz', [cyd.userId]), 400, 3, NOT_A_GROUP);
  assert.deepEqual(await membersOf(ann, id), [[ann.userId, LEADER], [bob.userId, MEMBER]], 'all or nobody');
  await ann.http.addGroupUsers(id, [cyd.userId]);
  await ann.http.addGroupUsers(id, []);
  assert.deepEqual(await groupsOf(cyd), [[id, MEMBER]]);
});

test('members rise and fall a step at a time', async () => {
  const { all: [ann, bob, cyd], id } = await groupOf({ open: true }, 'ann', 'bob', 'cyd');
  const states = async () => Object.fromEntries(await membersOf(ann, id));
  await refused(bob.http.promoteGroupUsers(id, [cyd.userId]), 404, 5, DENIED);
  await refused(bob.http.demoteGroupUsers(id, [ann.userId]), 404, 5, DENIED);
  await ann.http.promoteGroupUsers(id, [bob.userId, cyd.userId]);
  assert.deepEqual(await states(), { [ann.userId]: LEADER, [bob.userId]: ADMIN, [cyd.userId]: ADMIN });
  await bob.http.promoteGroupUsers(id, [cyd.userId]);
  assert.equal((await states())[cyd.userId], ADMIN, 'nobody makes another more than oneself');
  await ann.http.promoteGroupUsers(id, [bob.userId]);
  assert.equal((await states())[bob.userId], LEADER);
  await ann.http.demoteGroupUsers(id, [bob.userId, cyd.userId]);
  assert.deepEqual(await states(), { [ann.userId]: LEADER, [bob.userId]: ADMIN, [cyd.userId]: MEMBER });
  await refused(ann.http.promoteGroupUsers(id, ['zz']), 400, 3, NOT_A_USER);
  await refused(ann.http.demoteGroupUsers(id, ['zz']), 400, 3, NOT_A_USER);
  await refused(ann.http.demoteGroupUsers(id, []), 400, 3, 'User IDs must be set.');
});

test('whoever is kicked may come again, whoever is banned may not', async () => {
  const { all: [ann, bob, cyd], id, name } = await groupOf({ open: true }, 'ann', 'bob', 'cyd');
  await refused(bob.http.kickGroupUsers(id, [cyd.userId]), 404, 5, DENIED);
  await refused(bob.http.banGroupUsers(id, [cyd.userId]), 404, 5, DENIED);
  await refused(ann.http.kickGroupUsers(id, ['zz']), 400, 3, NOT_A_USER);
  await refused(ann.http.banGroupUsers('zz', [cyd.userId]), 400, 3, NOT_A_GROUP);

  await ann.http.kickGroupUsers(id, [bob.userId]);
  await bob.http.joinGroup(id);
  await ann.http.banGroupUsers(id, [bob.userId, cyd.userId]);
  for (const player of [bob, cyd]) {
    await player.http.joinGroup(id);
    assert.deepEqual(await groupsOf(player), [], 'a ban is not told');
  }
  assert.deepEqual(await membersOf(ann, id), [[ann.userId, LEADER]]);
  const banned = (await membersOf(ann, id, BANNED)).map(([user]) => user).sort();
  assert.deepEqual(banned, [bob.userId, cyd.userId].sort());
  assert.equal(await countOf(ann, name), 1);

  await ann.http.kickGroupUsers(id, [bob.userId]);
  await bob.http.joinGroup(id);
  assert.deepEqual(await groupsOf(bob), [[id, MEMBER]], 'the ban is lifted');
});

test('members leave; the last leader does not leave others alone', async () => {
  const { all: [ann, bob], id } = await groupOf({ open: true }, 'ann', 'bob');
  await refused(ann.http.leaveGroup(id), 400, 3, 'Cannot leave group when you are the last superadmin.');
  await refused(ann.http.leaveGroup('zz'), 400, 3, NOT_A_GROUP);
  await bob.http.leaveGroup(id);
  assert.deepEqual(await membersOf(ann, id), [[ann.userId, LEADER]]);
  await ann.http.leaveGroup(id);
  await refused(bob.http.joinGroup(id), 404, 5, 'Group not found.');
});

test('members are listed in pages, for anybody', async () => {
  const { all: [ann, bob, cyd], id } = await groupOf({ open: true }, 'ann', 'bob', 'cyd');
  const [eve] = await callers('eve');
  const first = await eve.http.listGroupUsers(id, undefined, 2);
  assert.deepEqual(first.group_users.map(({ user }) => user.id), [ann.userId, bob.userId]);
  assert.deepEqual(await membersOf(eve, id, undefined, 2, first.cursor), [[cyd.userId, MEMBER]]);
  assert.deepEqual(await membersOf(eve, randomUUID()), []);
  const list = (...args) => eve.http.listGroupUsers(...args);
  await refused(list(id, 5), 400, 3, 'Invalid state - state must be between 0 and 4.');
  await refused(list(id, undefined, 101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(list(id, undefined, 1, 'nonsense'), 400, 3, 'Cursor is invalid.');
  await refused(list('zz'), 400, 3, NOT_A_GROUP);
});
