// Notifications that are kept: their pages, and what of them is deleted.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { callers, refused } from '../lib/player.mjs';

// Ann, whom each of the others has asked to be friends, in this order.
async function asked(...names) {
  const [ann, ...others] = await callers('ann', ...names);
  for (const player of others) await player.http.addFriends([ann.userId]);
  return { ann, others };
}

const senders = ({ notifications }) => notifications.map(({ sender_id: sender }) => sender);

test('the cursor of the last page tells later what is new', async () => {
  const { ann, others: [bob, cyd, dan] } = await asked('bob', 'cyd', 'dan');
  const first = await ann.http.listNotifications(2);
  assert.deepEqual(senders(first), [bob.userId, cyd.userId]);
  const second = await ann.http.listNotifications(2, first.cacheable_cursor);
  assert.deepEqual(senders(second), [dan.userId]);
  const third = await ann.http.listNotifications(2, second.cacheable_cursor);
  assert.deepEqual([senders(third), third.cacheable_cursor], [[], second.cacheable_cursor]);
  const [eve] = await callers('eve');
  await eve.http.addFriends([ann.userId]);
  assert.deepEqual(senders(await ann.http.listNotifications(2, third.cacheable_cursor)), [eve.userId]);
});

test('an empty list has a cursor, too', async () => {
  const { ann } = await asked();
  const empty = await ann.http.listNotifications(10);
  assert.deepEqual(empty.notifications, []);
  const [bob] = await callers('bob');
  await bob.http.addFriends([ann.userId]);
  assert.deepEqual(senders(await ann.http.listNotifications(10, empty.cacheable_cursor)), [bob.userId]);
});

test('a kept notification says what a live one says', async () => {
  const { ann, others: [bob] } = await asked('bob');
  const { notifications: [kept] } = await ann.http.listNotifications(1);
  const { id, create_time: time, ...rest } = kept;
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:]+Z$/);
  const subject = `${bob.username} wants to add you as a friend`;
  assert.deepEqual(rest, { code: -2, content: { username: bob.username }, persistent: true, sender_id: bob.userId, subject });
});

test('notifications are deleted by their ids; others stay', async () => {
  const { ann, others: [, cyd] } = await asked('bob', 'cyd', 'dan');
  const { notifications: [first, , third] } = await ann.http.listNotifications(10);
  await ann.http.deleteNotifications([first.id, third.id, randomUUID()]);
  await ann.http.deleteNotifications([]);
  assert.deepEqual(senders(await ann.http.listNotifications(10)), [cyd.userId]);
});

test('a page or an id that makes no sense is refused', async () => {
  const { ann } = await asked();
  await refused(ann.http.listNotifications(101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(ann.http.listNotifications(1, 'nonsense'), 500, 13, 'Error retrieving notifications.');
  await refused(ann.http.deleteNotifications(['zz']), 500, 13, 'Error while deleting notifications.');
});
