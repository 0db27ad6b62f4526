// Matches without rules: the server relays what players send.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, Player, players } from '../lib/player.mjs';

const text = (bytes) => new TextDecoder().decode(bytes);

async function matchOf(ann, bob) {
  const { match_id: id } = await ann.socket.createMatch();
  await bob.socket.joinMatch(id);
  await ann.next('presence', (event) => event.joins?.some((who) => who.user_id === bob.userId));
  return id;
}

for (const format of FORMATS) {
  test(`what one player sends, the other gets (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const id = await matchOf(ann, bob);
    await ann.socket.sendMatchState(id, 7, 'hello');
    const { op_code: opCode, data, presence } = await bob.next('data');
    assert.equal(opCode, 7);
    assert.equal(text(data), 'hello');
    assert.equal(presence.user_id, ann.userId);
  });

  test(`bytes survive the way (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const id = await matchOf(ann, bob);
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await ann.socket.sendMatchState(id, 1, all);
    assert.deepEqual([...(await bob.data(1))], [...all]);
  });

  test(`data that may be lost arrives with its sender, too (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const id = await matchOf(ann, bob);
    // One in five arrives, or the machine is in a bad way.
    for (let copy = 0; copy < 5; copy += 1) await ann.socket.sendMatchState(id, -3, 'here', [], false);
    const { op_code: opCode, data, presence, reliable } = await bob.next('data');
    assert.deepEqual([opCode, text(data), Boolean(reliable)], [-3, 'here', false]);
    assert.deepEqual([presence.user_id, presence.username], [ann.userId, ann.username]);
    if (format === 'webtransport') {
      assert.equal((await ann.socket.stats()).datagramsSent, 5);
      assert.ok((await bob.socket.stats()).datagramsReceived > 0);
    }
  });

  test(`whoever leaves is announced (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const id = await matchOf(ann, bob);
    await bob.socket.leaveMatch(id);
    const { leaves } = await ann.next('presence', (event) => event.leaves?.length);
    assert.equal(leaves[0].user_id, bob.userId);
  });
}

test('players of both formats share a match', async (t) => {
  const ann = await Player.online('ann', 'json');
  const bob = await Player.online('bob', 'protobuf');
  t.after(() => [ann, bob].forEach((player) => player.close()));
  const id = await matchOf(ann, bob);
  await ann.socket.sendMatchState(id, 1, 'from json');
  assert.equal(text(await bob.data(1)), 'from json');
  await bob.socket.sendMatchState(id, 2, 'from protobuf');
  assert.equal(text(await ann.data(2)), 'from protobuf');
});
