// Functions of the server, called over HTTP and over the socket.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMATS, players, refusal } from '../lib/player.mjs';

const MATCH_ID = /^[0-9a-f-]{36}\.\S+$/;

test('an rpc is called over http', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  const { payload } = await ann.client.rpc(ann.session, 'xoxo_create', { name: 'by http' });
  assert.match(payload.match_id, MATCH_ID);
});

test('an unknown rpc is not found over http', async (t) => {
  const [ann] = await players(t, 'json', 'ann');
  assert.equal((await refusal(ann.client.rpc(ann.session, 'no_such_function', {}))).status, 404);
});

for (const format of FORMATS) {
  test(`an rpc is called over the socket (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    assert.match((await ann.rpc('xoxo_create', { name: 'by socket' })).match_id, MATCH_ID);
  });

  test(`an unknown rpc is refused on the socket, which goes on (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    assert.equal(Number((await refusal(ann.rpc('no_such_function'))).code), 6);
    assert.match((await ann.rpc('xoxo_create', {})).match_id, MATCH_ID);
  });

  test(`a payload that makes no sense is refused (${format})`, async (t) => {
    const [ann] = await players(t, format, 'ann');
    const error = await refusal(ann.socket.rpc('xoxo_create', 'not json'));
    assert.equal(Number(error.code), 7);
  });
}
