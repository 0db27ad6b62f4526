// Storage: objects of a player, their versions and who may see them.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { callers, lowLevel, refused, unique } from '../lib/player.mjs';

const [NOBODY, OWNER, PUBLIC] = [0, 1, 2];
const CHECK_FAILED = 'Storage write rejected - version check failed.';
const NAMES_NEEDED = 'Invalid collection or key value supplied. They must be set.';

const at = (key, more = {}) => ({ collection: 'saves', key, ...more });
const object = (key, value = { gold: 1 }, more = {}) => at(key, { value, ...more });
const write = async (player, ...objects) => (await player.http.writeStorageObjects(objects)).acks ?? [];
const remove = (player, ...objects) => player.http.deleteStorageObjects({ object_ids: objects });

// What `reader` gets of these keys of `owner`: values by key.
async function read(reader, owner, ...keys) {
  const { objects } = await reader.http.readStorageObjects({ object_ids: keys.map((key) => at(key, { user_id: owner.userId })) });
  return Object.fromEntries(objects.map(({ key, value }) => [key, value]));
}

test('what is written is read again', async () => {
  const [ann] = await callers('ann');
  const [ack] = await write(ann, object('slot', { gold: 7, bag: ['lance'] }));
  assert.equal(ack.user_id, ann.userId);
  const { objects: [kept] } = await ann.http.readStorageObjects({ object_ids: [at('slot', { user_id: ann.userId })] });
  assert.deepEqual(kept.value, { gold: 7, bag: ['lance'] });
  assert.deepEqual([kept.version, kept.permission_read, kept.permission_write], [ack.version, OWNER, OWNER]);
  assert.deepEqual(await read(ann, ann, 'slot', 'other'), { slot: { gold: 7, bag: ['lance'] } });
});

test('an object that cannot be is refused', async () => {
  const [ann] = await callers('ann');
  await refused(write(ann, object('')), 400, 3, NAMES_NEEDED);
  await refused(write(ann, { ...object('slot'), collection: '' }), 400, 3, NAMES_NEEDED);
  await refused(write(ann, object('slot', ['no object'])), 400, 3, 'Value must be a JSON object.');
  await refused(write(ann, object('slot', {}, { permission_read: 3 })), 400, 3, 'Invalid Read permission supplied. It must be either 0, 1 or 2.');
  await refused(write(ann, object('slot', {}, { permission_write: 2 })), 400, 3, 'Invalid Write permission supplied. It must be either 0 or 1.');
  await refused(write(ann, object('k'.repeat(129))), 500, 13, 'Error writing storage objects.');
  await refused(ann.http.readStorageObjects({ object_ids: [at('')] }), 400, 3, NAMES_NEEDED);
  const stranger = ann.http.readStorageObjects({ object_ids: [at('slot', { user_id: 'zz' })] });
  await refused(stranger, 400, 3, 'Invalid user ID - make sure user ID is a valid UUID.');
});

test('a version is the sum of what was written, and guards it', async () => {
  const [ann] = await callers('ann');
  const [first] = await write(ann, object('slot', { gold: 1 }));
  assert.equal(first.version, createHash('md5').update('{"gold":1}').digest('hex'));
  const [second] = await write(ann, object('slot', { gold: 2 }, { version: first.version }));
  await refused(write(ann, object('slot', { gold: 3 }, { version: first.version })), 400, 3, CHECK_FAILED);
  await refused(write(ann, object('none', { gold: 3 }, { version: first.version })), 400, 3, CHECK_FAILED);
  assert.deepEqual(await read(ann, ann, 'slot', 'none'), { slot: { gold: 2 } });
  assert.notEqual(second.version, first.version);
});

test('a star writes only what is not there yet', async () => {
  const [ann] = await callers('ann');
  await write(ann, object('slot', { gold: 1 }, { version: '*' }));
  await refused(write(ann, object('slot', { gold: 2 }, { version: '*' })), 400, 3, CHECK_FAILED);
  assert.deepEqual(await read(ann, ann, 'slot'), { slot: { gold: 1 } });
});

test('several objects are written all or none', async () => {
  const [ann] = await callers('ann');
  await write(ann, object('a'));
  await refused(write(ann, object('b'), object('a', { gold: 2 }, { version: '*' }), object('c')), 400, 3, CHECK_FAILED);
  assert.deepEqual(await read(ann, ann, 'a', 'b', 'c'), { a: { gold: 1 } });
  const acks = await write(ann, object('c'), object('b'));
  assert.deepEqual(acks.map(({ key }) => key), ['c', 'b'], 'in the order of the request');
});

test('one of two who write the same version is too late', async () => {
  const [ann] = await callers('ann');
  const [{ version }] = await write(ann, object('slot'));
  const both = await Promise.allSettled([2, 3].map((gold) => write(ann, object('slot', { gold }, { version }))));
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const late = both.find(({ status }) => status === 'rejected');
  await refused(Promise.reject(late.reason), 400, 3, CHECK_FAILED);
});

test('others see what is public, and nobody sees what is for the server', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  for (const [key, permission] of Object.entries({ hidden: NOBODY, mine: OWNER, open: PUBLIC })) {
    await write(ann, object(key, { permission }, { permission_read: permission }));
  }
  const all = ['hidden', 'mine', 'open'];
  assert.deepEqual(Object.keys(await read(ann, ann, ...all)).sort(), ['mine', 'open']);
  assert.deepEqual(Object.keys(await read(bob, ann, ...all)), ['open']);
});

test('what is for the server to write stays as it is', async () => {
  const [ann] = await callers('ann');
  await write(ann, object('slot', { gold: 1 }, { permission_write: NOBODY }));
  await refused(write(ann, object('slot', { gold: 2 })), 400, 3, 'Storage write rejected - permission denied.');
  const denied = 'Storage delete rejected - not found, version check failed, or permission denied.';
  await refused(remove(ann, at('slot')), 400, 3, denied);
  assert.deepEqual(await read(ann, ann, 'slot'), { slot: { gold: 1 } });
});

test('objects are deleted all or none, by their owner', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const denied = 'Storage delete rejected - not found, version check failed, or permission denied.';
  const [{ version }] = await write(ann, object('a'), object('b'));
  await refused(remove(ann, at('a'), at('none')), 400, 3, denied);
  await refused(remove(ann, at('a', { version: 'old' })), 400, 3, denied);
  await refused(remove(bob, at('a')), 400, 3, denied);
  await refused(remove(ann, at('')), 400, 3, NAMES_NEEDED);
  assert.deepEqual(Object.keys(await read(ann, ann, 'a', 'b')).sort(), ['a', 'b']);
  await remove(ann, at('a', { version }), at('b'));
  assert.deepEqual(await read(ann, ann, 'a', 'b'), {});
});

test('a collection is listed a page at a time', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const collection = unique('saves');
  const keys = ['a', 'b', 'c'];
  for (const key of keys) await write(ann, { ...object(key), collection, permission_read: key === 'b' ? PUBLIC : OWNER });
  const api = lowLevel();
  const lists = [
    (player, ...args) => player.http.listStorageObjects(collection, ann.userId, ...args),
    (player, ...args) => api.listStorageObjects2(player.session.token, collection, ann.userId, ...args),
  ];
  for (const list of lists) {
    const keysOf = ({ objects = [] }) => objects.map(({ key }) => key);
    const first = await list(ann, 2);
    assert.deepEqual(keysOf(first), ['a', 'c'], "by who may read, then by key");
    const second = await list(ann, 2, first.cursor);
    assert.deepEqual([keysOf(second), second.cursor], [['b'], undefined]);
    assert.deepEqual(keysOf(await list(bob, 100)), ['b']);
    await refused(list(ann, 101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
    await refused(list(ann, 1, 'nonsense'), 400, 3, 'Malformed cursor was used.');
  }
  const { objects } = await bob.http.listStorageObjects(collection, undefined, 100);
  assert.deepEqual(objects.map(({ key, user_id: owner }) => [key, owner]), [['b', ann.userId]]);
  await refused(ann.http.listStorageObjects(collection, 'zz', 1), 400, 3, 'Invalid user ID - make sure user ID is a valid UUID.');
});
