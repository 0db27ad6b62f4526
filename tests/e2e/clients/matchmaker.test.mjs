// The matchmaker, and where it leads: a match of a game, or a relayed one.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { words } from '../../../assets/play/js/protocol.js';
import { FORMATS, players, refusal } from '../lib/player.mjs';

// Tickets of different tests never meet.
const pool = () => `p${randomUUID().replaceAll('-', '')}`;
const queryOf = (properties) => Object.entries(properties).map(([name, value]) => `+properties.${name}:${value}`).join(' ');

const queue = (player, count, strings) => player.socket.addMatchmaker(queryOf(strings), count, count, strings, {});
const userIds = (users) => users.map(({ presence }) => presence.user_id).sort();
const idsOf = (all) => all.map(({ userId }) => userId).sort();

for (const format of FORMATS) {
  test(`two who want the same are put together, and meet by a token (${format})`, async (t) => {
    const all = await players(t, format, 'ann', 'bob');
    const strings = { pool: pool() };
    for (const player of all) player.ticket = (await queue(player, 2, strings)).ticket;
    const tokens = new Set();
    for (const player of all) {
      const matched = await player.next('matchmakermatched');
      assert.equal(matched.ticket, player.ticket);
      assert.equal(matched.self.presence.user_id, player.userId);
      assert.deepEqual(userIds(matched.users), idsOf(all));
      tokens.add(matched.token);
      player.met = await player.socket.joinMatch(undefined, matched.token);
    }
    assert.equal(tokens.size, 1);
    assert.equal(all[0].met.match_id, all[1].met.match_id);
  });

  test(`those who name a game are in a match of it (${format})`, async (t) => {
    const all = await players(t, format, 'ann', 'bob');
    const strings = { game: 'words', pool: pool() };
    for (const player of all) await queue(player, 2, strings);
    const ids = new Set();
    for (const player of all) {
      const { match_id: id } = await player.next('matchmakermatched');
      ids.add(id);
      await player.socket.joinMatch(id);
    }
    assert.equal(ids.size, 1);
    for (const player of all) {
      const { seats } = await player.json(words.OP_STATE, ({ phase }) => phase === 'playing');
      assert.deepEqual(seats.map(({ user_id: user }) => user).sort(), idsOf(all));
    }
    const [stranger] = await players(t, format, 'eve');
    assert.equal(Number((await refusal(stranger.socket.joinMatch([...ids][0]))).code), 5);
  });

  test(`a ticket that was taken back is not matched (${format})`, async (t) => {
    const [ann, bob, cyd] = await players(t, format, 'ann', 'bob', 'cyd');
    const strings = { pool: pool() };
    const { ticket } = await queue(ann, 2, strings);
    await ann.socket.removeMatchmaker(ticket);
    assert.ok((await refusal(ann.socket.removeMatchmaker(ticket))).code, 'it is there no more');
    for (const player of [bob, cyd]) await queue(player, 2, strings);
    const { users } = await bob.next('matchmakermatched');
    assert.deepEqual(userIds(users), idsOf([bob, cyd]));
    assert.deepEqual(ann.pending('matchmakermatched'), []);
  });
}

test('a party and a third player come together, and the party knows it is one', async (t) => {
  const all = await players(t, 'json', 'ann', 'bob', 'cyd');
  const [ann, bob, cyd] = all;
  const { party_id: party } = await ann.socket.createParty(true, 2);
  await bob.socket.joinParty(party);
  await bob.next('party');
  const strings = { game: 'arena', pool: pool() };
  const { ticket } = await ann.socket.addMatchmakerParty(party, queryOf(strings), 3, 3, strings, {});
  assert.equal((await bob.next('partymatchmakerticket')).ticket, ticket, 'the others in the party know');
  await queue(cyd, 3, strings);
  const ids = new Set();
  for (const player of all) {
    const matched = await player.next('matchmakermatched');
    assert.deepEqual(userIds(matched.users), idsOf(all));
    const together = matched.users.filter(({ party_id: id }) => id === party);
    assert.deepEqual(userIds(together), idsOf([ann, bob]));
    ids.add(matched.match_id);
  }
  assert.equal(ids.size, 1);
});
