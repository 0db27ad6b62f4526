// Ways to log in to one account: linked, used, unlinked.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { callers, newClient, refused, unique } from '../lib/player.mjs';

const LAST = 'Cannot unlink last account identifier. Check profile exists and is not last link.';
const NOT_FOUND = 'User account not found.';
const password = 'long enough';
const mail = () => `${unique('ann')}@example.com`;

const loginBy = {
  device: (id) => newClient().authenticateDevice(id, false),
  custom: (id) => newClient().authenticateCustom(id, false),
  email: (email) => newClient().authenticateEmail(email, password, false),
};

test('devices add up, and each logs in', async () => {
  const [ann] = await callers('ann');
  const second = randomUUID();
  await ann.http.linkDevice({ id: second });
  for (const device of [ann.device, second]) assert.equal((await loginBy.device(device)).user_id, ann.userId);
  assert.equal((await ann.http.getAccount()).devices.length, 2);
  await ann.http.unlinkDevice({ id: ann.device });
  await refused(loginBy.device(ann.device), 404, 5, NOT_FOUND);
  await refused(ann.http.unlinkDevice({ id: second }), 403, 7, LAST);
});

test('a device that cannot be linked is refused', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const link = (id) => ann.http.linkDevice({ id });
  await refused(link(''), 400, 3, 'Device ID is required.');
  await refused(link('with a space'), 400, 3, 'Device ID invalid, no spaces or control characters allowed.');
  await refused(link('short'), 400, 3, 'Device ID invalid, must be 10-128 bytes.');
  await refused(link(bob.device), 409, 6, 'Device ID already in use.');
  await link(ann.device);
  await refused(ann.http.unlinkDevice({ id: '' }), 400, 3, 'A device ID must be supplied.');
  await refused(ann.http.unlinkDevice({ id: bob.device }), 403, 7, LAST);
});

test('a custom id logs in until it is unlinked, and another replaces it', async () => {
  const [ann] = await callers('ann');
  const [first, second] = [randomUUID(), randomUUID()];
  await ann.http.linkCustom({ id: first });
  await ann.http.linkCustom({ id: second });
  await refused(loginBy.custom(first), 404, 5, NOT_FOUND);
  assert.equal((await loginBy.custom(second)).user_id, ann.userId);
  await refused(ann.http.unlinkCustom({ id: first }), 403, 7, LAST);
  await ann.http.unlinkCustom({ id: second });
  await refused(loginBy.custom(second), 404, 5, NOT_FOUND);
});

test('a custom id that cannot be linked is refused', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const taken = randomUUID();
  await bob.http.linkCustom({ id: taken });
  const link = (id) => ann.http.linkCustom({ id });
  await refused(link(''), 400, 3, 'Custom ID is required.');
  await refused(link('with a space'), 400, 3, 'Invalid custom ID, no spaces or control characters allowed.');
  await refused(link('short'), 400, 3, 'Invalid custom ID, must be 6-128 bytes.');
  await refused(link(taken), 409, 6, 'Custom ID is already in use.');
});

test('an email logs in until it is unlinked, in capitals too', async () => {
  const [ann] = await callers('ann');
  const email = mail();
  await ann.http.linkEmail({ email, password });
  assert.equal((await loginBy.email(email.toUpperCase())).user_id, ann.userId);
  assert.equal((await ann.http.getAccount()).email, email);
  await ann.http.unlinkEmail({ email: email.toUpperCase(), password });
  await refused(loginBy.email(email), 404, 5, NOT_FOUND);
});

test('an email that cannot be linked is refused', async () => {
  const [ann, bob] = await callers('ann', 'bob');
  const taken = mail();
  await bob.http.linkEmail({ email: taken, password });
  const link = (email, word = password) => ann.http.linkEmail({ email, password: word });
  await refused(link(''), 400, 3, 'Email address and password is required.');
  await refused(link('a b@example.com'), 400, 3, 'Invalid email address, no spaces or control characters allowed.');
  await refused(link(mail(), 'short'), 400, 3, 'Password must be at least 8 characters long.');
  await refused(link('no.address'), 400, 3, 'Invalid email address format.');
  await refused(link('a@b.c'), 400, 3, 'Invalid email address, must be 10-255 bytes.');
  await refused(link(taken), 409, 6, 'Email is already in use.');
  await refused(ann.http.unlinkEmail({ email: taken, password }), 403, 7, LAST);
});

test('the last way to log in stays', async () => {
  const client = newClient();
  const [custom, email] = [randomUUID(), mail()];
  const byCustom = await client.authenticateCustom(custom, true);
  await refused(client.unlinkCustom(byCustom, { id: custom }), 403, 7, LAST);
  const byMail = await client.authenticateEmail(email, password, true);
  await refused(client.unlinkEmail(byMail, { email, password }), 403, 7, LAST);
  await client.linkCustom(byMail, { id: randomUUID() });
  await client.unlinkEmail(byMail, { email, password });
});
