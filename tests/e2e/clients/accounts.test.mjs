// Accounts over HTTP, as the official client uses them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Session } from '@heroiclabs/nakama-js';
import { newClient, refusal, unique } from '../lib/player.mjs';

test('a device logs in to the same account again', async () => {
  const client = newClient();
  const device = randomUUID();
  const first = await client.authenticateDevice(device, true);
  const second = await client.authenticateDevice(device, false);
  assert.equal(first.created, true);
  assert.equal(second.created, false);
  assert.equal(second.user_id, first.user_id);
});

test('an unknown device is refused if it may not be created', async () => {
  const { status } = await refusal(newClient().authenticateDevice(randomUUID(), false));
  assert.equal(status, 404);
});

test('an email logs in with its password only', async () => {
  const client = newClient();
  const email = `${unique('ann')}@example.com`;
  const created = await client.authenticateEmail(email, 'long enough', true, unique('ann'));
  const again = await client.authenticateEmail(email, 'long enough', false);
  assert.equal(again.user_id, created.user_id);
  const { status } = await refusal(client.authenticateEmail(email, 'wrong enough', false));
  assert.equal(status, 401);
});

test('a custom id logs in to the same account again', async () => {
  const client = newClient();
  const id = randomUUID();
  const first = await client.authenticateCustom(id, true, unique('cyd'));
  assert.equal((await client.authenticateCustom(id)).user_id, first.user_id);
});

test('a username belongs to one account', async () => {
  const name = unique('ann');
  await newClient().authenticateDevice(randomUUID(), true, name);
  const { status } = await refusal(newClient().authenticateDevice(randomUUID(), true, name));
  assert.equal(status, 409);
});

test('variables given at the login are in the session', async () => {
  const session = await newClient().authenticateDevice(randomUUID(), true, undefined, { team: 'red' });
  assert.equal(session.vars.team, 'red');
});

test('a refreshed session works as the first one did', async () => {
  const client = newClient();
  const session = await client.authenticateDevice(randomUUID(), true, unique('ann'));
  const refreshed = await client.sessionRefresh(Session.restore(session.token, session.refresh_token));
  assert.equal(refreshed.user_id, session.user_id);
  assert.equal((await client.getAccount(refreshed)).user.id, session.user_id);
});

test('an account can be read and changed', async () => {
  const client = newClient();
  const session = await client.authenticateDevice(randomUUID(), true, unique('ann'));
  await client.updateAccount(session, { display_name: 'Ann of the Lists', lang_tag: 'de' });
  const { user, devices } = await client.getAccount(session);
  assert.equal(user.display_name, 'Ann of the Lists');
  assert.equal(user.lang_tag, 'de');
  assert.equal(user.username, session.username);
  assert.equal(devices.length, 1);
});

test('a token that nobody issued is refused', async () => {
  const client = newClient();
  const session = await client.authenticateDevice(randomUUID(), true);
  const [head, , signature] = session.token.split('.');
  const payload = Buffer.from(JSON.stringify({ uid: randomUUID(), usn: 'eve', exp: 4_000_000_000 })).toString('base64url');
  const forged = Session.restore(`${head}.${payload}.${signature}`, session.refresh_token);
  assert.equal((await refusal(client.getAccount(forged))).status, 401);
});
