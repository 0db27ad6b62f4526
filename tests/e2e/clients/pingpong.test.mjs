// The smallest match: everything comes back to whoever sent it, and to nobody else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, players, refusal } from '../lib/player.mjs';

const PONG = 1;
const text = (bytes) => new TextDecoder().decode(bytes);

for (const format of FORMATS) {
  test(`a message comes back to its sender alone (${format})`, async (t) => {
    const [ann, bob] = await players(t, format, 'ann', 'bob');
    const { match_id: id } = await ann.rpc('pingpong_create');
    const match = await ann.socket.joinMatch(id);
    await bob.socket.joinMatch(id);
    assert.equal(match.authoritative, true);

    await ann.socket.sendMatchState(id, 5, 'ping from ann');
    assert.equal(text(await ann.data(PONG)), 'ping from ann');
    await bob.socket.sendMatchState(id, 5, 'ping from bob');
    assert.equal(text(await bob.data(PONG)), 'ping from bob', 'and not what ann sent before');
  });

  test(`messages keep their order (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    const { match_id: id } = await ann.rpc('pingpong_create');
    await ann.socket.joinMatch(id);
    const sent = Array.from({ length: 50 }, (_, index) => `${index}`);
    for (const one of sent) await ann.socket.sendMatchState(id, 1, one);
    const got = [];
    while (got.length < sent.length) got.push(text(await ann.data(PONG)));
    assert.deepEqual(got, sent);
  });

  test(`a match that does not exist cannot be joined (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    const { match_id: id } = await ann.rpc('pingpong_create');
    const other = `00000000-0000-4000-8000-000000000000.${id.split('.')[1]}`;
    assert.equal(Number((await refusal(ann.socket.joinMatch(other))).code), 4);
  });
}
