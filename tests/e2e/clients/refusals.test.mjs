// What the socket refuses: the error's code and text, and that the socket goes on.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Session, WebSocketAdapterText } from '@heroiclabs/nakama-js';
import { FORMATS, callers, newSocket, players, refusal, unique } from '../lib/player.mjs';

const BAD_INPUT = 3;
const NO_CHANNEL = 'Invalid channel identifier';
const NO_PARTY_ID = 'Invalid party ID';
const nobody = { user_id: randomUUID(), session_id: randomUUID(), username: 'nobody' };

// `calls` is `[[promise, text], ...]`.
async function assertRefused(calls) {
  const errors = await Promise.all(calls.map(([call]) => refusal(call)));
  const expected = calls.map(([, text]) => [BAD_INPUT, text]);
  assert.deepEqual(errors.map(({ code, message }) => [Number(code), message]), expected);
}

for (const format of FORMATS) {
  test(`channels (${format})`, async (t) => {
    const [{ socket }] = await players(t, format, 'ann');
    const { id } = await socket.joinChat(unique('room'), 1, true, false);
    await assertRefused([
      [socket.joinChat('', 1, true, false), 'Invalid channel target'],
      [socket.joinChat('room', 9, true, false), 'Invalid channel type'],
      [socket.leaveChat('zz'), NO_CHANNEL],
      [socket.writeChatMessage('zz', {}), NO_CHANNEL],
      [socket.writeChatMessage(id, 'no object'), 'Message content must be a valid JSON object'],
      [socket.updateChatMessage(id, 'zz', {}), 'Invalid message identifier'],
      [socket.removeChatMessage(id, 'zz'), 'Invalid message identifier'],
      [socket.removeChatMessage(id, randomUUID()), 'Could not find message to remove in channel history'],
    ]);
    await socket.leaveChat(id);
    await assertRefused([
      [socket.writeChatMessage(id, {}), 'Must join channel before sending messages'],
      [socket.removeChatMessage(id, randomUUID()), 'Must join channel before removing messages'],
    ]);
  });

  test(`matches (${format})`, async (t) => {
    const [{ socket }] = await players(t, format, 'ann');
    await assertRefused([
      [socket.leaveMatch('zz'), 'Invalid match ID'],
      [socket.joinMatch('zz'), 'Invalid match ID'],
      [socket.joinMatch(undefined, 'zz'), 'Invalid match token'],
    ]);
    const { code, message } = await refusal(socket.joinMatch(`${randomUUID()}.`));
    assert.deepEqual([Number(code), message], [4, 'Match not found']);
  });

  test(`the matchmaker (${format})`, async (t) => {
    const [{ socket }] = await players(t, format, 'ann');
    const { party_id: party } = await socket.createParty(true, 2);
    await assertRefused([
      [socket.addMatchmaker('*', 1, 2), 'Invalid minimum count, must be >= 2'],
      [socket.addMatchmaker('*', 3, 2), 'Invalid maximum count, must be >= minimum count'],
      [socket.removeMatchmaker(''), 'Invalid matchmaker ticket'],
      [socket.removeMatchmaker(randomUUID()), 'Matchmaker ticket not found'],
      [socket.addMatchmakerParty(party ?? '', '*', 1, 2), 'Invalid minimum count, must be >= 2'],
      [socket.removeMatchmakerParty(party ?? '', ''), 'Invalid matchmaker ticket'],
    ]);
    const { message } = await refusal(socket.addMatchmaker('+"unclosed', 2, 2));
    assert.equal(message, 'Error adding to matchmaker');
  });

  test(`parties (${format})`, async (t) => {
    const [{ socket }] = await players(t, format, 'ann');
    await assertRefused([
      [socket.createParty(true, 257), 'Invalid party max size, must be 1-256'],
      [socket.joinParty('zz'), NO_PARTY_ID],
      [socket.leaveParty('zz'), NO_PARTY_ID],
      [socket.closeParty('zz'), NO_PARTY_ID],
      [socket.listPartyJoinRequests('zz'), NO_PARTY_ID],
      [socket.promotePartyMember('zz', nobody), NO_PARTY_ID],
      [socket.acceptPartyMember('zz', { ...nobody, username: '' }), 'Invalid presence'],
      [socket.removePartyMember('zz', { ...nobody, session_id: '' }), 'Invalid presence'],
    ]);
  });

  test(`status (${format})`, async (t) => {
    const [{ socket }] = await players(t, format, 'ann');
    await assertRefused([
      [socket.followUsers(['zz']), 'Invalid user identifier'],
      [socket.unfollowUsers(['zz']), 'Invalid user identifier'],
      [socket.updateStatus('s'.repeat(2049)), 'Status must be 2048 characters or less'],
    ]);
    await socket.updateStatus('s'.repeat(2048));
  });
}

// The client's protobuf adapter is older than the message in which a party is told.
test('those who are not in a party, and members who do not lead it', async (t) => {
  const [ann, bob] = await players(t, 'json', 'ann', 'bob');
  const { party_id: id } = await ann.socket.createParty(true, 2);
  await bob.socket.joinParty(id);
  await bob.next('party');
  const [accepting, removing] = ['Error accepting party join request', 'Error removing party member or join request'];
  await assertRefused([
    [ann.socket.acceptPartyMember(id, nobody), `${accepting}: party full`],
    [bob.socket.acceptPartyMember(id, nobody), `${accepting}: party leader only`],
    [bob.socket.removePartyMember(id, nobody), `${removing}: party leader only`],
    [ann.socket.removePartyMember(id, nobody), `${removing}: party member not found`],
    [ann.socket.promotePartyMember(id, nobody), 'Error promoting new party leader: party member not found'],
  ]);
});

test('a message of one\'s own making is answered as it deserves', async (t) => {
  const [{ socket }] = await players(t, 'json', 'ann');
  assert.ok((await socket.send({ ping: {} })).pong);
  const { code, message } = await refusal(socket.send({ status_follow: { user_ids: ['zz'] } }));
  assert.deepEqual([code, message], [BAD_INPUT, 'Invalid user identifier']);
});

test('every heartbeat is answered', async (t) => {
  const [{ client, session }] = await callers('ann');
  const adapter = new ListeningAdapter();
  const socket = newSocket(client, adapter);
  t.after(() => socket.disconnect(false));
  socket.setHeartbeatTimeoutMs(1000);
  assert.equal(socket.getHeartbeatTimeoutMs(), 1000);
  const beats = new Promise((resolve, reject) => {
    let count = 0;
    adapter.listen = ({ pong }) => pong && ++count === 2 && resolve();
    socket.onheartbeattimeout = () => reject(new Error('a heartbeat was not answered'));
  });
  await socket.connect(session, false);
  await beats;
});

class ListeningAdapter extends WebSocketAdapterText {
  set onMessage(handle) {
    super.onMessage = (message) => {
      this.listen(message);
      handle(message);
    };
  }
}

test('nobody connects without a session', async () => {
  const [{ client, session }] = await callers('eve');
  const wrong = Session.restore(session.refresh_token, session.refresh_token);
  assert.match((await refusal(newSocket(client).connect(wrong, false))).message, /401/);
});
