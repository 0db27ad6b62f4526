// Status: who follows whom, and what they see.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, players } from '../lib/player.mjs';

const about = (player, side) => (event) => (event[side] ?? []).find(({ user_id: user }) => user === player.userId);

for (const format of FORMATS) {
  test(`a follower sees a status come, change and go (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { presences = [] } = await bob.socket.followUsers([ann.userId]);
    assert.deepEqual(presences, [], 'ann has no status yet');
    await ann.socket.updateStatus('in the lobby');
    const came = about(ann, 'joins')(await bob.next('statuspresence', about(ann, 'joins')));
    assert.equal(came.status, 'in the lobby');
    assert.equal(came.username, ann.username);

    await ann.socket.updateStatus('in a match');
    const changed = await bob.next('statuspresence', about(ann, 'joins'));
    assert.equal(about(ann, 'joins')(changed).status, 'in a match');

    ann.close();
    await bob.next('statuspresence', (event) => about(ann, 'leaves')(event) && !about(ann, 'joins')(event));
  });

  test(`whoever follows late is told at once (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    await ann.socket.updateStatus('here');
    const { presences } = await bob.socket.followUsers([ann.userId]);
    assert.deepEqual(presences.map(({ user_id: user, status }) => [user, status]), [[ann.userId, 'here']]);
  });

  test(`whoever follows no more hears no more (${format})`, async (t) => {
    const [ann, bob, cyd] = await players(t, format, 'ann', 'bob', 'cyd');
    await bob.socket.followUsers([ann.userId, cyd.userId]);
    await bob.socket.unfollowUsers([ann.userId]);
    await ann.socket.updateStatus('unseen');
    await cyd.socket.updateStatus('seen');
    const event = await bob.next('statuspresence');
    assert.ok(about(cyd, 'joins')(event), 'what ann did before is not heard of');
  });
}
