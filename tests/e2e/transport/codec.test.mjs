// The protobuf codec, against the golden bytes of the protocol and against the official adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocketAdapterPb } from '@heroiclabs/nakama-js-protobuf';
import { decode, encode } from '../../../assets/play/transport/protobuf.js';
import { schema } from '../../../assets/play/transport/schema.js';
import { golden } from '../lib/golden.mjs';
import { Random } from '../lib/random.mjs';
import { committed, generated, parse } from './generate.mjs';

const ENVELOPE = 'nakama.realtime.Envelope';
const ROUNDS = 40;

const kinds = schema[ENVELOPE].filter(([, , , label]) => label === 'present');

test('the table of fields is what the .proto files say', async () => {
  assert.equal(await generated(), await committed(), 'run node tests/e2e/transport/generate.mjs');
});

test('the reader of .proto files refuses what it does not know', () => {
  assert.throws(() => parse('package p; enum Colour { RED = 0; }'));
  assert.throws(() => parse('package p; message M { string name = 1; '));
});

// --- golden bytes -------------------------------------------------------------------------------------

// What the client's text adapter makes of JSON, and the two things that are better here.
function asTheClientHasIt(json) {
  for (const kind of ['match_data', 'party_data', 'match_data_send', 'party_data_send']) {
    const body = json[kind];
    if (!body) continue;
    if (body.data !== undefined) body.data = Uint8Array.from(Buffer.from(body.data, 'base64'));
    if (body.op_code !== undefined) body.op_code = parseInt(body.op_code);
    if (!kind.endsWith('_send')) {
      body.op_code ??= 0;
      body.data ??= new Uint8Array(0);
    }
  }
  return json;
}

test('golden envelopes are read as the text adapter reads their JSON', async () => {
  const all = await golden('envelopes.txt');
  assert.ok(all.length >= kinds.length);
  for (const { name, json, bytes } of all) assert.deepEqual(decode(ENVELOPE, bytes), asTheClientHasIt(json), name);
});

test('golden envelopes are written byte for byte', async () => {
  for (const { name, json, bytes } of await golden('envelopes.txt')) {
    for (const kind of ['match_data', 'party_data', 'match_data_send', 'party_data_send']) {
      if (json[kind]?.data) json[kind].data = Buffer.from(json[kind].data, 'base64');
    }
    assert.deepEqual(Buffer.from(encode(ENVELOPE, json)), Buffer.from(bytes), name);
  }
});

// --- the official adapter as an oracle ------------------------------------------------------------------

// Its bytes of an object, and its object of bytes.
function official() {
  const sent = [];
  globalThis.WebSocket = class {
    send(bytes) {
      sent.push(bytes);
    }
  };
  const adapter = new WebSocketAdapterPb();
  adapter.connect('ws://', 'host', '1', false, 'token');
  let got;
  adapter.onMessage = (message) => {
    got = message;
  };
  return {
    encode(object) {
      adapter.send(object);
      return sent.pop();
    },
    decode(bytes) {
      adapter._socket.onmessage({ data: bytes.slice().buffer });
      return got;
    },
  };
}

// It was made of an older definition: parties have other numbers there, and these fields are newer.
const NOT_THERE = new Set(['party', 'party_update']);
const NEWER = {
  match_create: ['name'],
  matchmaker_add: ['count_multiple'],
  party_create: ['label', 'hidden'],
  party_matchmaker_add: ['count_multiple'],
};

function randomValue(random, type) {
  switch (type) {
    case 'string':
    case 'google.protobuf.StringValue':
      return random.text(12);
    case 'bytes':
      return random.bytes(random.below(40));
    case 'bool':
    case 'google.protobuf.BoolValue':
      return random.below(2) === 1;
    case 'int32':
    case 'google.protobuf.Int32Value':
      return random.of([0, 1, -1, 127, 128, 2 ** 31 - 1, -(2 ** 31), random.below(100_000)]);
    case 'int64':
      return random.of([0, 1, -1, 300, -5, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER + 1]);
    case 'uint32':
      return random.of([0, 1, 127, 128, 2 ** 32 - 1]);
    case 'double':
      return random.of([0, 1, -2.5, 1e300, Number.MIN_VALUE, 12345.678]);
    case 'google.protobuf.Timestamp':
      return new Date(1_600_000_000_000 + random.below(1e9) * 1000 + random.below(1000)).toISOString().replace('.000Z', 'Z');
    default:
      return randomObject(random, type);
  }
}

function randomObject(random, type) {
  const object = {};
  let oneof = false;
  for (const [, name, of, label, value] of schema[type]) {
    if (random.below(4) === 0) continue;
    if (label === 'repeated') object[name] = Array.from({ length: random.below(4) }, () => randomValue(random, of));
    else if (label === 'map') object[name] = Object.fromEntries(Array.from({ length: random.below(4) }, () => [random.text(6), randomValue(random, value)]));
    else if (label === 'present') {
      // One of several: a second would push the first out.
      if (!oneof) object[name] = randomValue(random, of);
      oneof = true;
    } else object[name] = randomValue(random, of);
  }
  return object;
}

// What two sides may hold differently: nothing, or the default in its place.
function bare(type, object) {
  const kept = {};
  for (const [, name, of, label] of schema[type]) {
    const value = object[name];
    if (value === undefined || value === null) continue;
    if (label === 'repeated' || label === 'map') {
      if (Object.keys(value).length === 0) continue;
      kept[name] = schema[of] && label === 'repeated' ? value.map((one) => bare(of, one)) : label === 'map' ? { ...value } : [...value];
    } else if (schema[of]) kept[name] = bare(of, value);
    else if (of === 'google.protobuf.Timestamp') kept[name] = new Date(value).getTime();
    else if (of.startsWith('google.') || label === 'present') kept[name] = value;
    else if (of === 'bytes') value.length && (kept[name] = Buffer.from(value).toString('hex'));
    else if (value) kept[name] = value;
  }
  return kept;
}

for (const [, kind, type] of kinds) {
  test(`${kind}: what we write, we read, and so does the official adapter, and the other way round`, (t) => {
    const oracle = official();
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const random = new Random(`${kind} ${seed}`);
      const object = { cid: random.of(['', '7', '1234']), [kind]: randomObject(random, type) };
      const about = `seed "${kind} ${seed}": ${JSON.stringify(object)}`;
      assert.deepEqual(bare(ENVELOPE, decode(ENVELOPE, encode(ENVELOPE, object))), bare(ENVELOPE, object), about);
      if (NOT_THERE.has(kind)) continue;
      for (const name of NEWER[kind] ?? []) delete object[kind][name];
      const bytes = encode(ENVELOPE, object);
      const expected = bare(ENVELOPE, object);
      const theirs = oracle.decode(bytes);
      // It makes up what these two have not.
      if (kind === 'channel_message') for (const name of ['code', 'persistent']) if (!(name in object[kind])) delete theirs[kind][name];
      assert.deepEqual(bare(ENVELOPE, theirs), expected, about);
      const dates = structuredClone(object);
      for (const value of [dates[kind], ...(dates[kind].notifications ?? [])]) {
        for (const name of ['create_time', 'update_time']) if (value[name]) value[name] = new Date(value[name]);
      }
      assert.deepEqual(bare(ENVELOPE, decode(ENVELOPE, oracle.encode(dates))), expected, about);
    }
    if (NOT_THERE.has(kind)) t.diagnostic('not compared: the official adapter is older than this message');
  });
}

// --- strangers' bytes and values ----------------------------------------------------------------------------

test('no bytes do worse than a RangeError', async () => {
  const cases = await golden('envelopes.txt');
  for (let seed = 1; seed <= 3000; seed += 1) {
    const random = new Random(`garbage ${seed}`);
    const bytes = random.of(cases).bytes.slice(0, random.below(100) + 1);
    for (let flips = random.below(4); flips > 0; flips -= 1) bytes[random.below(bytes.length)] = random.below(256);
    try {
      decode(ENVELOPE, bytes);
    } catch (error) {
      assert.ok(error instanceof RangeError, `seed "garbage ${seed}": ${error.stack}`);
    }
  }
});

test('fields of a later version are skipped', () => {
  const later = [0xfa, 0x7f, 2, 1, 2, 0xf8, 0x7f, 5, 0xf9, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8, 0xfd, 0x7f, 1, 2, 3, 4];
  assert.deepEqual(decode(ENVELOPE, Uint8Array.from([0x0a, 1, 0x37, ...later])), { cid: '7' });
});

test('data is a copy, as big as it is', () => {
  const bytes = encode(ENVELOPE, { match_data: { match_id: 'm', data: new Uint8Array([1, 2, 3]) } });
  const { data } = decode(ENVELOPE, bytes).match_data;
  bytes.fill(0);
  assert.deepEqual([...data], [1, 2, 3]);
  assert.equal(data.buffer.byteLength, 3);
});

test('what a client may hand over instead of bytes, and what not', () => {
  const sent = (data) => decode(ENVELOPE, encode(ENVELOPE, { match_data_send: { data } })).match_data_send.data;
  assert.deepEqual([...sent('é')], [0xc3, 0xa9]);
  assert.deepEqual([...sent(new Uint8Array([9, 1, 2, 9]).subarray(1, 3))], [1, 2], 'a part of a buffer is that part');
  assert.deepEqual([...sent(new Uint8Array([5]).buffer)], [5]);
  assert.deepEqual([...sent(new Uint16Array([0x0201]))], [1, 2]);
  assert.throws(() => sent({}), TypeError);
});

test('wrong values are refused rather than sent as something else', () => {
  const refused = (object) => assert.throws(() => encode(ENVELOPE, object), (error) => error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError);
  refused({ rpc: { id: 'f', payload: { a: 1 } } });
  refused({ match_data_send: { match_id: 'm', op_code: 1.5 } });
  refused({ match_data_send: { match_id: 'm', op_code: 'one' } });
  refused({ channel_join: { target: 'hall', type: 'room' } });
});

test('a name like __proto__ is only a name', () => {
  const properties = JSON.parse('{"__proto__":"x"}');
  const { matchmaker_add: add } = decode(ENVELOPE, encode(ENVELOPE, { matchmaker_add: { string_properties: properties } }));
  assert.equal(JSON.stringify(add.string_properties), '{"__proto__":"x"}');
  assert.equal({}.x, undefined);
});
