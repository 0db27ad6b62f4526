// Parties. The client's protobuf adapter is older than the message in which a party is told, so that
// whoever has to know the party's id or members speaks JSON.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { players, refusal } from '../lib/player.mjs';

const userIds = (presences = []) => presences.map(({ user_id: user }) => user);
const hasJoined = (player) => ({ joins }) => userIds(joins).includes(player.userId);
const hasLeft = (player) => ({ leaves }) => userIds(leaves).includes(player.userId);

// A party led by the first, which the others have joined in this order.
async function partyOf(t, ...names) {
  const all = await players(t, 'json', ...names);
  const [leader, ...others] = all;
  const { party_id: id } = await leader.socket.createParty(true, 4);
  for (const player of others) {
    await player.socket.joinParty(id);
    player.party = await player.next('party');
    await leader.next('partypresence', hasJoined(player));
  }
  return { all, id };
}

const presenceOf = (player, party) => party.presences.find(({ user_id: user }) => user === player.userId);

test('an open party is joined by its id, and everybody knows who is in it', async (t) => {
  const { all: [ann, bob, cyd], id } = await partyOf(t, 'ann', 'bob', 'cyd');
  assert.equal(cyd.party.party_id, id);
  assert.equal(cyd.party.leader.user_id, ann.userId);
  assert.deepEqual(userIds(cyd.party.presences).sort(), [ann, bob, cyd].map(({ userId }) => userId).sort());
  await bob.next('partypresence', hasJoined(cyd));
});

test('a closed party is joined when its leader accepts', async (t) => {
  const [ann, bob, cyd] = await players(t, 'json', 'ann', 'bob', 'cyd');
  const { party_id: id } = await ann.socket.createParty(false, 4);
  await bob.socket.joinParty(id);
  const { presences: [wish] } = await ann.next('partyjoinrequest');
  assert.equal(wish.user_id, bob.userId);
  await cyd.socket.joinParty(id);
  await ann.next('partyjoinrequest');
  const { presences: wishes } = await ann.socket.listPartyJoinRequests(id);
  assert.deepEqual(userIds(wishes), [bob.userId, cyd.userId]);
  await ann.socket.acceptPartyMember(id, wish);
  assert.equal((await bob.next('party')).party_id, id);
  await ann.socket.removePartyMember(id, wishes[1]);
  const { presences: left = [] } = await ann.socket.listPartyJoinRequests(id);
  assert.deepEqual(left, [], 'one was accepted, one refused');
});

test('a full party takes nobody', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const { party_id: id } = await ann.socket.createParty(true, 1);
  assert.match((await refusal(bob.socket.joinParty(id))).message, /full/);
});

test('data reaches all the others, in order', async (t) => {
  const { all: [ann, bob, cyd], id } = await partyOf(t, 'ann', 'bob', 'cyd');
  for (const text of ['one', 'two', 'three']) await ann.socket.sendPartyData(id, 7, text);
  for (const player of [bob, cyd]) {
    for (const text of ['one', 'two', 'three']) {
      const { op_code: opCode, data, presence } = await player.next('partydata');
      assert.deepEqual([Number(opCode), new TextDecoder().decode(data), presence.user_id], [7, text, ann.userId]);
    }
  }
});

test('the leader names another, who then leads', async (t) => {
  const { all: [ann, bob], id } = await partyOf(t, 'ann', 'bob');
  const bobs = presenceOf(bob, bob.party);
  assert.match((await refusal(bob.socket.promotePartyMember(id, bobs))).message, /leader only/);
  await ann.socket.promotePartyMember(id, bobs);
  for (const player of [ann, bob]) {
    assert.equal((await player.next('partyleader')).presence.user_id, bob.userId);
  }
  assert.match((await refusal(ann.socket.closeParty(id))).message, /leader only/);
  await bob.socket.closeParty(id);
});

test('when the leader goes, the one who was there longest leads', async (t) => {
  const { all: [ann, bob, cyd] } = await partyOf(t, 'ann', 'bob', 'cyd');
  ann.close();
  for (const player of [bob, cyd]) {
    assert.equal((await player.next('partyleader')).presence.user_id, bob.userId);
    await player.next('partypresence', hasLeft(ann));
  }
});

test('a member who is removed is told so, and the others are told who left', async (t) => {
  const { all: [ann, bob, cyd], id } = await partyOf(t, 'ann', 'bob', 'cyd');
  await ann.socket.removePartyMember(id, presenceOf(bob, bob.party));
  assert.equal((await bob.next('partyclose')).party_id, id);
  await cyd.next('partypresence', hasLeft(bob));
  assert.match((await refusal(bob.socket.closeParty(id))).message, /leader only/);
});

test('a member who leaves is missed, and may leave again', async (t) => {
  const { all: [ann, bob], id } = await partyOf(t, 'ann', 'bob');
  await bob.socket.leaveParty(id);
  await ann.next('partypresence', hasLeft(bob));
  await bob.socket.leaveParty(id);
});

test('the leader takes a ticket of the party back', async (t) => {
  const { all: [ann, bob], id } = await partyOf(t, 'ann', 'bob');
  const { ticket } = await ann.socket.addMatchmakerParty(id, '+properties.pool:nobody', 3, 3);
  assert.equal((await bob.next('partymatchmakerticket')).ticket, ticket);
  await ann.socket.removeMatchmakerParty(id, ticket);
  assert.match((await refusal(ann.socket.removeMatchmakerParty(id, ticket))).message, /matchmaker ticket not found/);
});

test('a closed party is closed for everybody', async (t) => {
  const { all, id } = await partyOf(t, 'ann', 'bob');
  await all[0].socket.closeParty(id);
  for (const player of all) assert.equal((await player.next('partyclose')).party_id, id);
  assert.match((await refusal(all[1].socket.joinParty(id))).message, /not found/);
});

test('the room in which a party chats is for its members', async (t) => {
  const { all: [, bob], id } = await partyOf(t, 'ann', 'bob');
  const [eve] = await players(t, 'json', 'eve');
  const room = `party-${id}`;
  const { message } = await refusal(eve.socket.joinChat(room, 1, false, true));
  assert.equal(message, 'Only members of the party chat here.');
  const channel = await bob.socket.joinChat(room, 1, false, false);
  assert.equal(channel.room_name, room);
});
