// Finding matches by their labels.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { xoxo } from '../../../assets/play/js/protocol.js';
import { players, unique } from '../lib/player.mjs';

// Listings may follow changes a little later, so that this asks until the answer is as expected.
async function listed(player, query, isExpected) {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const { matches = [] } = await player.client.listMatches(player.session, 100, true, undefined, undefined, undefined, query);
    const found = matches.map((match) => ({ ...match, label: JSON.parse(match.label) }));
    if (isExpected(found)) return found;
    if (Date.now() > deadline) assert.fail(`the listing stayed at ${JSON.stringify(found)}`);
  }
}

test('a match is found by the name in its label', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const name = unique('table');
  const { match_id: id } = await ann.rpc('xoxo_create', { name });
  const [match] = await listed(ann, `+label.name:${name}`, (found) => found.length === 1);
  assert.equal(match.match_id, id);
  assert.equal(match.authoritative, true);
  assert.deepEqual(match.label, { game: 'xoxo', name, open: true, players: 0, max: 2 });
});

test('the label follows who is there', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const name = unique('table');
  const { match_id: id } = await ann.rpc('xoxo_create', { name });
  await ann.socket.joinMatch(id);
  await ann.json(xoxo.OP_STATE);
  await listed(ann, `+label.name:${name} +label.open:T +label.players:>=1`, (found) => found.length === 1);
  await bob.socket.joinMatch(id);
  const [full] = await listed(ann, `+label.name:${name} +label.open:F`, (found) => found.length === 1);
  assert.equal(full.size, 2);
  await bob.socket.leaveMatch(id);
  await listed(ann, `+label.name:${name} +label.open:T`, (found) => found.length === 1);
});

test('matches of one game are told from those of another', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const name = unique('match');
  await ann.rpc('xoxo_create', { name });
  await ann.rpc('arena_create', { name });
  const [only] = await listed(ann, `+label.name:${name} -label.game:xoxo`, (found) => found.length === 1);
  assert.equal(only.label.game, 'arena');
});
