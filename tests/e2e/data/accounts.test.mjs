// Accounts: read, changed, deleted, and as others see them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { groupOf, membersOf } from '../lib/groups.mjs';
import { callers, newClient, players, refused, unique } from '../lib/player.mjs';

test('a new account is as empty as can be', async () => {
  const [ann] = await callers('ann');
  const { user, wallet, devices } = await ann.http.getAccount();
  assert.deepEqual([user.id, user.username, user.lang_tag, user.metadata], [ann.userId, ann.username, 'en', '{}']);
  assert.deepEqual([wallet, devices], ['{}', [{ id: ann.device }]]);
});

test('what is changed is kept, and what is emptied is gone', async () => {
  const [ann] = await callers('ann');
  const change = { display_name: 'Ann', avatar_url: 'a.png', lang_tag: 'de', location: 'Ulm', timezone: 'CET', username: unique('anna') };
  await ann.http.updateAccount(change);
  const { user } = await ann.http.getAccount();
  assert.deepEqual(Object.fromEntries(Object.keys(change).map((name) => [name, user[name]])), change);
  await ann.http.updateAccount({ location: '', avatar_url: '' });
  const after = (await ann.http.getAccount()).user;
  assert.deepEqual([after.location, after.avatar_url, after.timezone], [undefined, undefined, 'CET']);
});

test('a change that cannot be is refused', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const change = (fields) => ann.http.updateAccount(fields);
  await refused(change({}), 400, 3, 'No fields to update.');
  await refused(change({ username: '' }), 400, 3, 'Username invalid, must be 1-128 bytes.');
  await refused(change({ username: 'a\tb' }), 400, 3, 'Username invalid, no spaces or control characters allowed.');
  await refused(change({ username: bob.username }), 400, 3, 'rpc error: code = AlreadyExists desc = Username is already in use.');
  await refused(change({ display_name: 'n'.repeat(256) }), 500, 13, 'Error while trying to update account.');
});

test('users are found by id and by name', async () => {
  const [ann, bob, cyd] = await callers('ann', 'bob', 'cyd');
  const found = async (...args) => (await ann.http.getUsers(...args)).users.map(({ id }) => id).sort();
  assert.deepEqual(await found([bob.userId, bob.userId], [cyd.username]), [bob.userId, cyd.userId].sort());
  assert.deepEqual(await found([randomUUID()], ['nobody-of-this-name']), []);
  assert.deepEqual(await found(), []);
  const [user] = (await ann.http.getUsers([bob.userId])).users;
  assert.deepEqual([user.username, user.metadata, user.online], [bob.username, {}, undefined]);
  await refused(ann.http.getUsers(['bad']), 400, 3, "ID 'bad' is not a valid system ID.");
});

test('a deleted account is gone, with what hangs on it', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const { all: [bob], id } = await groupOf({ open: true }, 'bob');
  await ann.http.joinGroup(id);
  await ann.http.addFriends([bob.userId]);
  await bob.http.addFriends([ann.userId]);
  assert.equal(await ann.http.deleteAccount(), true);
  await ann.next('close');
  await refused(ann.http.getAccount(), 401, 16, 'Auth token invalid');
  assert.deepEqual((await bob.http.getUsers([ann.userId])).users, []);
  assert.deepEqual((await bob.http.listFriends()).friends, []);
  assert.deepEqual((await membersOf(bob, id)).map(([user]) => user), [bob.userId]);
  await refused(newClient().authenticateDevice(ann.device, false), 404, 5, 'User account not found.');
});

test('an account is deleted by whoever is logged in to it', async () => {
  const [ann] = await callers('ann');
  const { token, refresh_token: refresh } = ann.session;
  await ann.http.sessionLogout(token, refresh);
  await refused(ann.http.deleteAccount(), 401, 16, 'Auth token invalid');
  await newClient().authenticateDevice(ann.device, false);
});
