// Groups: made, changed, found and deleted.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { groupBy, groupOf, groupsOf, userGroups } from '../lib/groups.mjs';
import { ask, callers, refused, unique } from '../lib/player.mjs';

const NOT_AN_ID = 'Group ID must be a valid ID.';

test('whoever makes a group leads it', async () => {
  const [ann] = await callers('ann');
  const name = unique('knights');
  const group = await ann.http.createGroup({ name, description: 'of the lists', open: true, max_count: 7, lang_tag: 'de' });
  assert.equal(group.name, name);
  assert.equal(group.creator_id, ann.userId);
  assert.deepEqual([group.description, group.open, group.max_count, group.edge_count, group.lang_tag], ['of the lists', true, 7, 1, 'de']);
  assert.deepEqual(await groupsOf(ann), [[group.id, 0]]);
});

test('a group is closed and for a hundred if nothing else is said', async () => {
  const [ann] = await callers('ann');
  const group = await ann.http.createGroup({ name: unique('knights') });
  assert.deepEqual([Boolean(group.open), group.max_count, group.lang_tag, group.metadata], [false, 100, 'en', {}]);
});

test('a group that cannot be is refused', async () => {
  const [ann] = await callers('ann');
  const name = unique('knights');
  await ann.http.createGroup({ name });
  await refused(ann.http.createGroup({}), 400, 3, 'Group name must be set.');
  await refused(ann.http.createGroup({ name: unique('knights'), max_count: -1 }), 400, 3, 'Group max count must be >= 1 when set.');
  await refused(ann.http.createGroup({ name }), 409, 6, 'Group name is in use.');
  await refused(ann.http.createGroup({ name: 'k'.repeat(256) }), 500, 13, 'Error while trying to create group.');
});

test('a group is changed by those who lead it', async () => {
  const { all: [ann, bob], id } = await groupOf({ open: true }, 'ann', 'bob');
  const name = unique('ladies');
  await ann.http.updateGroup(id, { name, description: 'new', open: false, avatar_url: 'a.png' });
  const [group] = (await ann.http.listGroups(name)).groups;
  assert.deepEqual([group.id, group.name, group.description, group.open, group.avatar_url], [id, name, 'new', false, 'a.png']);

  const update = (player, change, group = id) => player.http.updateGroup(group, change);
  const other = await ann.http.createGroup({ name: unique('taken') });
  await refused(update(ann, { name: '' }), 400, 3, 'Group name cannot be empty.');
  await refused(update(ann, { lang_tag: '' }), 400, 3, 'Group language cannot be empty.');
  await refused(update(ann, {}), 400, 3, 'Specify at least one field to update.');
  await refused(update(ann, { name: other.name }), 400, 3, 'Group name is in use.');
  const denied = "Group not found or you're not allowed to update.";
  await refused(update(bob, { description: 'mine' }), 404, 5, denied);
  await refused(update(ann, { description: 'mine' }, randomUUID()), 404, 5, denied);
  await refused(update(ann, { description: 'mine' }, 'zz'), 400, 3, NOT_AN_ID);
});

test('a group is deleted by whoever leads it', async () => {
  const { all: [ann, bob], id } = await groupOf({ open: true }, 'ann', 'bob');
  const denied = "Group not found or you're not allowed to delete.";
  await refused(bob.http.deleteGroup(id), 400, 3, denied);
  await refused(ann.http.deleteGroup('zz'), 400, 3, NOT_AN_ID);
  await ann.http.deleteGroup(id);
  assert.deepEqual(await groupsOf(bob), []);
  await refused(ann.http.deleteGroup(id), 400, 3, denied);
  await refused(bob.http.joinGroup(id), 404, 5, 'Group not found.');
});

test('groups are found by the start of their name, a page at a time', async () => {
  const [ann] = await callers('ann');
  const start = unique('order');
  const names = ['a', 'b', 'c'].map((end) => `${start}-${end}`);
  for (const name of names) await ann.http.createGroup({ name });
  const list = async (...args) => {
    const { groups, cursor } = await ann.http.listGroups(...args);
    return { found: groups.map(({ name }) => name), cursor };
  };
  assert.deepEqual((await list(`${start}%`, undefined, 100)).found, names);
  assert.deepEqual((await list(names[1].toUpperCase(), undefined, 100)).found, [names[1]]);
  assert.deepEqual((await list(start, undefined, 100)).found, [], 'the whole name counts');
  const first = await list(`${start}%`, undefined, 2);
  assert.deepEqual(first.found, names.slice(0, 2));
  assert.deepEqual((await list(`${start}%`, first.cursor, 2)).found, names.slice(2));
  await refused(list(start, undefined, 101), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(list(`${start}%`, 'nonsense', 1), 500, 13, 'Error while trying to list groups.');
});

test('groups are found by language, size and whether they are open', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const lang = randomUUID().slice(0, 18);
  const open = await groupBy({ lang_tag: lang, open: true }, ann, bob);
  const closed = await groupBy({ lang_tag: lang }, ann);
  const list = (query) => ask(ann, 'GET', `/v2/group?limit=100&${query}`);
  const found = async (query) => ((await list(`lang_tag=${lang}${query}`)).groups ?? []).map(({ id }) => id).sort();
  assert.deepEqual(await found(''), [open.id, closed.id].sort());
  assert.deepEqual(await found('&open=true'), [open.id]);
  assert.deepEqual(await found('&members=1'), [closed.id]);
  await refused(list('name=a&open=true'), 400, 3, 'name filter cannot be combined with any other filter');
});

test('the groups of a user are listed by state and in pages', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const led = await ann.http.createGroup({ name: unique('led') });
  const joined = await bob.http.createGroup({ name: unique('joined'), open: true });
  const asked = await bob.http.createGroup({ name: unique('asked') });
  for (const { id } of [joined, asked]) await ann.http.joinGroup(id);
  const all = [[led.id, 0], [joined.id, 2], [asked.id, 3]];
  assert.deepEqual(await groupsOf(ann), all);
  assert.deepEqual(await groupsOf(ann, { state: 2 }), all.slice(1, 2));
  const list = (filter) => userGroups(bob, ann.userId, filter);
  const first = await list({ limit: 2 });
  assert.equal(first.user_groups.length, 2);
  const second = await list({ limit: 2, cursor: first.cursor });
  assert.deepEqual(second.user_groups.map(({ group }) => group.id), [asked.id]);
  await refused(list({ state: 5 }), 400, 3, 'Invalid state - state must be between 0 and 4.');
  await refused(list({ limit: 101 }), 400, 3, 'Invalid limit - limit must be between 1 and 100.');
  await refused(list({ limit: 1, cursor: 'nonsense' }), 400, 3, 'Cursor is invalid.');
  await refused(userGroups(bob, 'zz'), 400, 3, NOT_AN_ID);
});
