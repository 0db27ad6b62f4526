// Calls of functions over HTTP, in each of the client's ways; and what listings refuse.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HTTP_KEY, ask, callers, lowLevel, newClient, players, refusal, refused, unique } from '../lib/player.mjs';

const MATCH_ID = /^[0-9a-f-]{36}\.\S+$/;
const NO_LIMIT = 'Invalid limit - limit must be between 1 and 100.';
const rpcError = (status, code, message) => ({ status, code, error: message, message });

test('the server is well', async () => {
  assert.deepEqual(await lowLevel().healthcheck(''), {});
});

test('a function is called with a session, and with the key of servers', async () => {
  const [ann] = await callers('ann');
  const api = lowLevel();
  const input = JSON.stringify({ name: unique('table') });
  const matchOf = ({ payload }) => JSON.parse(payload).match_id;
  assert.match(matchOf(await api.rpcFunc(ann.session.token, 'xoxo_create', input)), MATCH_ID);
  assert.match(matchOf(await api.rpcFunc('', 'xoxo_create', input, HTTP_KEY)), MATCH_ID);
  assert.match(matchOf(await api.rpcFunc2(ann.session.token, 'xoxo_create')), MATCH_ID);
  assert.match((await newClient().rpcHttpKey(HTTP_KEY, 'xoxo_create', {})).payload.match_id, MATCH_ID);
});

test('a call without the right to it is refused', async () => {
  const [ann] = await callers('ann');
  const api = lowLevel();
  const invalid = rpcError(401, 16, 'HTTP key invalid');
  assert.deepEqual(await refusal(newClient().rpcHttpKey('wrong', 'xoxo_create')), invalid);
  assert.deepEqual(await refusal(api.rpcFunc(ann.session.token, 'xoxo_create', '{}', 'wrong')), invalid, 'the key counts');
  const required = rpcError(401, 16, 'Auth token or HTTP key required');
  assert.deepEqual(await refusal(api.rpcFunc2('', 'xoxo_create')), required);
  const token = rpcError(401, 16, 'Auth token invalid');
  assert.deepEqual(await refusal(api.rpcFunc('nonsense', 'xoxo_create', '{}')), token);
});

test('a function that is not there is not found', async () => {
  const [ann] = await callers('ann');
  const missing = rpcError(404, 5, 'RPC function not found');
  assert.deepEqual(await refusal(ann.http.rpc('no_such_function', {})), missing);
  assert.deepEqual(await refusal(newClient().rpcHttpKey(HTTP_KEY, 'no_such_function')), missing);
});

test('a listing of matches that makes no sense is refused', async () => {
  const [ann] = await callers('ann');
  const list = (limit, authoritative, label, min, max, query) => ann.http.listMatches(limit, authoritative, label, min, max, query);
  await refused(list(101), 400, 3, NO_LIMIT);
  await refused(list(1, false, 'label'), 400, 3, 'Label filtering is not supported for non-authoritative matches.');
  await refused(list(1, false, undefined, undefined, undefined, '*'), 400, 3, 'Query filtering is not supported for non-authoritative matches.');
  await refused(list(1, undefined, undefined, -1), 400, 3, 'Minimum size must be 0 or above.');
  await refused(list(1, undefined, undefined, 0, -1), 400, 3, 'Maximum size must be 0 or above.');
  await refused(list(1, undefined, undefined, 3, 2), 400, 3, 'Maximum size must be greater than or equal to minimum size when both are specified.');
});

test('a match without rules is listed by its id and size', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const { match_id: id } = await ann.socket.createMatch();
  const { matches = [] } = await ann.http.listMatches(100, false, undefined, 1, 1);
  const { size, authoritative, label } = matches.find((match) => match.match_id === id);
  assert.deepEqual([size, authoritative, label], [1, undefined, undefined]);
});

test('open parties are listed', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const { party_id: id } = await ann.socket.createParty(true, 3);
  const { open, max_size: size, label } = await listedParty(ann, id);
  assert.deepEqual([open, size, label], [true, 3, '{}']);
  await refused(ask(ann, 'GET', '/v2/party?limit=101'), 400, 3, NO_LIMIT);
  await refused(ask(ann, 'GET', '/v2/party?cursor=nonsense'), 500, 13, 'Error listing matches.');
});

// The list follows a little later, so that this asks, page after page, until the party is in it.
async function listedParty(player, id) {
  const deadline = Date.now() + 15_000;
  for (let cursor = ''; Date.now() < deadline;) {
    const page = await ask(player, 'GET', `/v2/party?limit=100&open=true&cursor=${encodeURIComponent(cursor)}`);
    const found = page.parties?.find(({ party_id: party }) => party === id);
    if (found) return found;
    cursor = page.cursor ?? '';
  }
  return assert.fail('the party was not listed');
}

test('the matchmaker tells how many wait', async () => {
  const [ann] = await callers('ann');
  const { ticket_count: count = 0 } = await ask(ann, 'GET', '/v2/matchmaker/stats');
  assert.ok(Number.isInteger(count));
  ann.session = { token: 'nonsense' };
  await refused(ask(ann, 'GET', '/v2/matchmaker/stats'), 401, 16, 'Auth token invalid');
});
