// Friends: asked, accepted, listed, blocked, removed, and those of friends.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { ask, callers, players, refused } from '../lib/player.mjs';

const [FRIEND, ASKED, ASKING, BLOCKED] = [0, 1, 2, 3];

// Who a player knows and how: `[[user id, state], ...]`.
async function known(player, ...filter) {
  const { friends } = await player.http.listFriends(...filter);
  return friends.map(({ user, state }) => [user.id, state]);
}

async function befriend(one, other) {
  await one.http.addFriends([other.userId]);
  await other.http.addFriends([one.userId]);
}

test('one asks, the other accepts, and they are friends', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  await ann.http.addFriends([bob.userId]);
  assert.deepEqual(await known(ann), [[bob.userId, ASKED]]);
  assert.deepEqual(await known(bob), [[ann.userId, ASKING]]);
  await bob.http.addFriends([], [ann.username]);
  assert.deepEqual(await known(ann), [[bob.userId, FRIEND]]);
  assert.deepEqual(await known(bob), [[ann.userId, FRIEND]]);
  assert.equal((await ann.http.getAccount()).user.edge_count, 1);
});

test('both hear of it, live', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  await ann.http.addFriends([bob.userId]);
  const asked = await bob.next('notification');
  assert.deepEqual([asked.code, asked.sender_id, asked.subject], [-2, ann.userId, `${ann.username} wants to add you as a friend`]);
  assert.deepEqual(asked.content, { username: ann.username });
  await bob.http.addFriends([ann.userId]);
  const accepted = await ann.next('notification');
  assert.deepEqual([accepted.code, accepted.subject], [-3, `${bob.username} accepted your friend request`]);
  await bob.http.deleteFriends([ann.userId]);
  const removed = await ann.next('notification');
  assert.deepEqual([removed.code, removed.subject], [-9, `${bob.username} removed you as a friend`]);
});

test('what cannot be asked for is refused', async () => {
  const [ann] = await callers('ann');
  const add = (...args) => ann.http.addFriends(...args);
  await refused(add([ann.userId]), 400, 3, 'Cannot add self as friend.');
  await refused(add([], [ann.username]), 400, 3, 'Cannot add self as friend.');
  await refused(add(['zz']), 400, 3, "Invalid user ID 'zz'.");
  await refused(add([], ['nobody-of-this-name']), 400, 3, 'No valid ID or username was provided.');
  await add([]);
  await add([randomUUID()]);
  assert.deepEqual(await known(ann), [], 'who is not there is skipped');
});

test('asking twice changes nothing', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  await ann.http.addFriends([bob.userId]);
  await ann.http.addFriends([bob.userId]);
  assert.deepEqual(await known(ann), [[bob.userId, ASKED]]);
  assert.equal((await bob.http.listNotifications(10)).notifications.length, 1);
});

test('metadata goes with the one who asked', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const add = (metadata) => ask(ann, 'POST', `/v2/friend?ids=${bob.userId}&metadata=${encodeURIComponent(metadata)}`);
  const metadataOf = async (player) => (await ask(player, 'GET', '/v2/friend')).friends.map(({ metadata }) => JSON.parse(metadata));
  await refused(add('no json'), 500, 13, 'Error while trying to add friends.');
  assert.deepEqual(await add('{"met":"at the lists"}'), {});
  assert.deepEqual(await metadataOf(ann), [{ met: 'at the lists' }]);
  assert.deepEqual(await metadataOf(bob), [{}]);
});

test('the list is cut by state and into pages', async () => {
  const [ann, bob, cyd, dan, eve] = await callers('ann', 'bob', 'cyd', 'dan', 'eve');
  await befriend(ann, bob);
  await befriend(ann, cyd);
  await ann.http.addFriends([dan.userId]);
  await ann.http.blockFriends([eve.userId]);
  const all = [[bob.userId, FRIEND], [cyd.userId, FRIEND], [dan.userId, ASKED], [eve.userId, BLOCKED]];
  assert.deepEqual(await known(ann), all);
  assert.deepEqual(await known(ann, FRIEND), all.slice(0, 2));
  assert.deepEqual(await known(ann, ASKING), []);

  const first = await ann.http.listFriends(undefined, 3);
  assert.equal(first.friends.length, 3);
  assert.deepEqual(await known(ann, undefined, 3, first.cursor), all.slice(3));
  const { cursor } = await ann.http.listFriends(FRIEND, 1);
  assert.deepEqual(await known(ann, FRIEND, 1, cursor), all.slice(1, 2));
  await refused(ann.http.listFriends(ASKED, 1, cursor), 400, 3, 'Cursor is invalid.');
  await refused(ann.http.listFriends(undefined, 1, 'nonsense'), 400, 3, 'Cursor is invalid.');
  await refused(ann.http.listFriends(4), 400, 3, 'Invalid state - state must be between 0 and 3.');
  await refused(ann.http.listFriends(undefined, 1001), 400, 3, 'Invalid limit - limit must be between 1 and 1000.');
});

test('a friend is removed on both sides, an invitation declined', async () => {
  const [ann, bob, cyd] = await callers('ann', 'bob', 'cyd');
  await befriend(ann, bob);
  await cyd.http.addFriends([ann.userId]);
  await ann.http.deleteFriends([bob.userId], [cyd.username]);
  for (const player of [ann, bob, cyd]) assert.deepEqual(await known(player), []);
  await refused(ann.http.deleteFriends([ann.userId]), 400, 3, 'Cannot delete self.');
  await refused(ann.http.deleteFriends(['zz']), 400, 3, "Invalid user ID 'zz'.");
  await ann.http.deleteFriends([], ['nobody-of-this-name']);
});

test('whoever is blocked asks in vain, until the block is lifted', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  await befriend(ann, bob);
  await ann.http.blockFriends([], [bob.username]);
  assert.deepEqual(await known(ann), [[bob.userId, BLOCKED]]);
  assert.deepEqual(await known(bob), []);
  await bob.http.addFriends([ann.userId]);
  assert.deepEqual(await known(bob), []);
  await ann.http.deleteFriends([bob.userId]);
  await bob.http.addFriends([ann.userId]);
  assert.deepEqual(await known(bob), [[ann.userId, ASKED]]);
  await refused(ann.http.blockFriends([ann.userId]), 400, 3, 'Cannot block self.');
  await refused(ann.http.blockFriends([], ['nobody-of-this-name']), 400, 3, 'No valid ID or username was provided.');
});

test('the friends of friends are those one does not know yet', async () => {
  const [ann, bob, cyd, dan, eve] = await callers('ann', 'bob', 'cyd', 'dan', 'eve');
  for (const friend of [bob, cyd]) await befriend(ann, friend);
  for (const friend of [cyd, dan, eve]) await befriend(bob, friend);
  const list = async (...args) => {
    const { friends_of_friends: found, cursor } = await ann.http.listFriendsOfFriends(...args);
    return { found: found.map(({ referrer, user }) => [referrer, user.id]), cursor };
  };
  const expected = [dan.userId, eve.userId].sort().map((id) => [bob.userId, id]);
  assert.deepEqual((await list()).found, expected);
  const first = await list(1);
  assert.deepEqual(first.found, expected.slice(0, 1));
  assert.deepEqual((await list(1, first.cursor)).found, expected.slice(1));
  await refused(list(101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(list(1, 'nonsense'), 400, 3, 'Cursor is invalid.');
});
