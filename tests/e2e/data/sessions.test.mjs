// Logins that are refused, and sessions: renewed and ended.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Session } from '@heroiclabs/nakama-js';
import { callers, newClient, refused, unique } from '../lib/player.mjs';

const INVALID = 'Auth token invalid';

test('a login that makes no sense is refused', async () => {
  const client = newClient();
  await refused(client.authenticateDevice('short'), 400, 3, 'Device ID invalid, must be 10-128 bytes.');
  await refused(client.authenticateDevice(randomUUID(), true, 'u'.repeat(129)), 400, 3, 'Username invalid, must be 1-128 bytes.');
  await refused(client.authenticateDevice(randomUUID(), false), 404, 5, 'User account not found.');
  await refused(client.authenticateCustom('short'), 400, 3, 'Custom ID invalid, must be 6-128 bytes.');
  await refused(client.authenticateCustom(randomUUID(), false), 404, 5, 'User account not found.');
  await refused(client.authenticateEmail('no.address', 'long enough'), 400, 3, 'Invalid email address format.');
  await refused(client.authenticateEmail('ann@example.com', 'short'), 400, 3, 'Password must be at least 8 characters long.');
});

test('a password is asked for, and a name does for the address', async () => {
  const client = newClient();
  const [email, name] = [`${unique('ann')}@example.com`, unique('ann')];
  const created = await client.authenticateEmail(email, 'long enough', true, name);
  const byName = await client.authenticateEmail('', 'long enough', false, name);
  assert.equal(byName.user_id, created.user_id);
  await refused(client.authenticateEmail(email, 'wrong enough', false), 401, 16, 'Invalid credentials.');
  await refused(client.authenticateEmail('', 'wrong enough', false, name), 401, 16, 'Invalid credentials.');
});

test('a session is renewed with its variables, or with others', async () => {
  const client = newClient();
  const session = await client.authenticateDevice(randomUUID(), true, undefined, { team: 'red' });
  await client.sessionRefresh(session);
  assert.deepEqual(session.vars, { team: 'red' });
  await client.sessionRefresh(session, { team: 'blue' });
  assert.deepEqual(session.vars, { team: 'blue' });
  assert.equal((await client.getAccount(session)).user.id, session.user_id);
});

test('a session is renewed by its own refresh token only', async () => {
  const [ann] = await callers('ann');
  const { token } = ann.session;
  await refused(ann.client.sessionRefresh(Session.restore(token, token)), 401, 16, 'Refresh token invalid or expired.');
  await refused(ann.client.sessionRefresh({ token, refresh_token: '' }), 400, 3, 'Refresh token is required.');
});

test('after a logout neither token works', async () => {
  const [ann] = await callers('ann');
  const { token, refresh_token: refresh } = ann.session;
  assert.equal(await ann.http.sessionLogout(token, refresh), true);
  await refused(ann.http.getAccount(), 401, 16, INVALID);
  await refused(ann.http.sessionRefresh(), 401, 16, 'Refresh token invalid or expired.');
});

test('a logout without tokens ends every session of the user', async () => {
  const [ann] = await callers('ann');
  const laptop = await newClient().authenticateDevice(ann.device, false);
  // What was issued in the second of the logout is still good; so this asks again until that second has passed.
  const isOver = () => ann.http.getAccount().then(() => false, () => true);
  do await ann.client.sessionLogout(ann.session).catch(() => {}); while (!(await isOver()));
  for (const session of [ann.session, laptop]) await refused(ann.client.getAccount(session), 401, 16, INVALID);
});

test('nobody ends the session of another', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  await refused(ann.http.sessionLogout(bob.session.token, undefined), 400, 3, 'Session token invalid.');
  await refused(ann.http.sessionLogout(undefined, bob.session.refresh_token), 400, 3, 'Refresh token invalid.');
  assert.equal((await bob.http.getAccount()).user.id, bob.userId);
});
