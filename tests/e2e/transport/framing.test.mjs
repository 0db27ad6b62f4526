// Frames of the control stream, and datagrams, byte by byte.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DATAGRAM_BYTES_MAX, Receiver, readDatagram, writeDatagram } from '../../../assets/play/transport/datagrams.js';
import { ENVELOPE, FrameReader, GOODBYE, HELLO, MATCH_HANDLE, WELCOME, frame } from '../../../assets/play/transport/frames.js';
import { decode, encode } from '../../../assets/play/transport/protobuf.js';
import { golden } from '../lib/golden.mjs';
import { Random } from '../lib/random.mjs';

const hex = (bytes) => Buffer.from(bytes).toString('hex');

// --- golden bytes -------------------------------------------------------------------------------------

const FRAMES = {
  envelope: [ENVELOPE, 'nakama.realtime.Envelope', { cid: '7', ping: {} }],
  hello: [HELLO, 'tiltyard.v1.Hello', { version: 1, token: 'tok', online: true, lang: 'en' }],
  'hello that says nothing': [HELLO, 'tiltyard.v1.Hello', {}],
  welcome: [WELCOME, 'tiltyard.v1.Welcome', { version: 1, session_id: 's1' }],
  goodbye: [GOODBYE, 'tiltyard.v1.Goodbye', { code: 4401, reason: 'who' }],
  'goodbye with a length of two bytes': [GOODBYE, 'tiltyard.v1.Goodbye', { reason: 'a'.repeat(126) }],
  'match handle': [MATCH_HANDLE, 'tiltyard.v1.MatchHandle', { handle: 300, match_id: 'm1.' }],
};

const ALL_BITS = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const DATAGRAMS = {
  'as short as can be': { handle: 0, sequence: 0, newest: false, opCode: 0n, data: '' },
  newest: { handle: 300, sequence: 258, newest: true, opCode: -1n, data: '6162' },
  sender: {
    handle: 7, sequence: 255, newest: false, opCode: 64n, data: '61',
    sender: { user_id: '10111213-1415-1617-1819-1a1b1c1d1e1f', session_id: '20212223-2425-2627-2829-2a2b2c2d2e2f', username: 'zoë' },
  },
  'newest, sender, the largest numbers': {
    handle: 2 ** 32 - 1, sequence: 65535, newest: true, opCode: -(2n ** 63n), data: '',
    sender: { user_id: ALL_BITS, session_id: ALL_BITS, username: '' },
  },
  'the largest op code': { handle: 0, sequence: 0, newest: false, opCode: 2n ** 63n - 1n, data: '' },
  'a state of 32 bytes': { handle: 5, sequence: 1000, newest: true, opCode: 2n, data: hex(Array.from({ length: 32 }, (_, at) => at)) },
};

// A server refuses what is longer than its clients may send; a client has no such limit.
const FOR_SERVERS = ['longer than a hello'];

test('golden frames and datagrams are written and read, and those that are none are refused', async () => {
  const seen = new Set();
  for (const { name, bytes } of await golden('transport.txt')) {
    const [, kind, what] = /^(refused frame|frame|refused datagram|datagram): (.*)$/.exec(name);
    if (kind === 'frame') {
      const [number, type, object] = FRAMES[what];
      assert.equal(hex(frame(number, encode(type, object))), hex(bytes), name);
      const [{ kind: read, body }] = new FrameReader().push(bytes);
      assert.deepEqual([read, decode(type, body)], [number, object], name);
    } else if (kind === 'datagram') {
      const one = DATAGRAMS[what];
      assert.equal(hex(writeDatagram({ ...one, data: Buffer.from(one.data, 'hex') })), hex(bytes), name);
      const { data, opCode, ...rest } = readDatagram(bytes);
      const { data: _, opCode: code, ...expected } = { sender: undefined, ...one };
      assert.deepEqual(rest, expected, name);
      assert.deepEqual([hex(data), opCode], [one.data, Number(code)], name);
    } else if (kind === 'refused datagram') {
      assert.equal(readDatagram(bytes), null, name);
    } else if (!FOR_SERVERS.includes(what)) {
      assert.throws(() => new FrameReader().push(bytes), RangeError, name);
    }
    seen.add(name);
  }
  for (const name of [...Object.keys(FRAMES).map((what) => `frame: ${what}`), ...Object.keys(DATAGRAMS).map((what) => `datagram: ${what}`)]) {
    assert.ok(seen.has(name), `${name} is golden`);
  }
});

// --- frames -------------------------------------------------------------------------------------------

test('a frame is its length, its kind and its body', () => {
  assert.equal(hex(frame(0, Buffer.from('ping'))), '050070696e67');
  assert.equal(hex(frame(3, new Uint8Array(0))), '0103');
  assert.equal(hex(frame(0, new Uint8Array(127)).slice(0, 3)), '800100', 'a length of 128 has two bytes');
  assert.equal(hex(frame(0, new Uint8Array(0x1fffff)).slice(0, 5)), '8080800100');
});

test('frames are found wherever the stream is cut', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = new Random(`cut ${seed}`);
    const sent = Array.from({ length: 1 + random.below(12) }, () => ({
      kind: random.below(6),
      body: random.bytes(random.of([0, 1, 5, 126, 127, 128, 300, 5000, 20_000])),
    }));
    const stream = Buffer.concat(sent.map(({ kind, body }) => frame(kind, body)));
    const reader = new FrameReader();
    const got = [];
    for (let at = 0; at < stream.length;) {
      const length = random.of([1, 2, 3, 100, 5000, stream.length]);
      for (const { kind, body } of reader.push(stream.subarray(at, at + length))) got.push({ kind, body: body.slice() });
      at += length;
    }
    assert.deepEqual(got, sent, `seed "cut ${seed}"`);
  }
});

test('a stream without a frame is refused as soon as it shows', () => {
  for (const bytes of [[0], [0x80, 0], [0x81, 0x80, 0], [0xff, 0xff, 0xff, 0xff]]) {
    assert.throws(() => new FrameReader().push(Uint8Array.from(bytes)), RangeError);
  }
  const reader = new FrameReader();
  assert.deepEqual(reader.push(Uint8Array.from([0xff, 0xff, 0xff])), [], 'it may become one');
});

// --- datagrams ----------------------------------------------------------------------------------------

const SENDER = {
  user_id: '00112233-4455-6677-8899-aabbccddeeff',
  session_id: 'ffeeddcc-bbaa-9988-7766-554433221100',
  username: 'ann',
};

test('a datagram is written as documented, and read again', () => {
  const cases = [
    [{ handle: 3, sequence: 0, newest: true, opCode: 7, data: Buffer.from('here') }, '420300000e68657265'],
    [{ handle: 0, sequence: 0, newest: false, opCode: 0, data: [] }, '4000000000'],
    [{ handle: 300, sequence: 0x1234, newest: false, opCode: -1, data: [9] }, '40ac0212340109'],
    [{ handle: 1, sequence: 65535, newest: false, opCode: 64, sender: SENDER, data: [1, 2] },
      '4101ffff800100112233445566778899aabbccddeeffffeeddccbbaa9988776655443322110003616e6e0102'],
  ];
  for (const [datagram, bytes] of cases) {
    assert.equal(hex(writeDatagram(datagram)), bytes);
    const read = readDatagram(Buffer.from(bytes, 'hex'));
    assert.deepEqual(read, { sender: undefined, ...datagram, data: Uint8Array.from(datagram.data) });
  }
});

test('what is no datagram of this version is none', () => {
  const refused = [
    '', '42', '420300000', '8203000000', '0203000000', '4403000000', '6003000000', // cut short, or other flags
    '4080000000', '40808080808010000000', '40ffffffff1f0000', // a handle with too many bytes or bits
    '410300000000112233', // a sender cut short
    `4103000000${'00'.repeat(32)}02ff00`, // a name that is not UTF-8
    `4103000000${'00'.repeat(32)}05616e6e`, // a name cut short
    `4003000000${'00'.repeat(DATAGRAM_BYTES_MAX)}`, // too long
  ];
  for (const bytes of refused) assert.equal(readDatagram(Buffer.from(bytes, 'hex')), null, bytes.slice(0, 40));
  for (let seed = 1; seed <= 2000; seed += 1) {
    const random = new Random(`noise ${seed}`);
    const bytes = random.bytes(random.below(60));
    bytes[0] = random.of([0x40, 0x41, 0x42, 0x43]);
    const read = readDatagram(bytes);
    const isSafe = read && Number.isSafeInteger(read.opCode);
    if (isSafe) assert.equal(hex(writeDatagram(read)), hex(bytes), `seed "noise ${seed}": one row of bytes means each`);
  }
});

// --- what a receiver drops ----------------------------------------------------------------------------

const passed = (receiver, sequences, opCode = 1, newest = false) => sequences.filter((sequence) => receiver.accept(sequence & 0xffff, opCode, newest));

test('each datagram is passed on once, in the order in which they come', () => {
  const receiver = new Receiver();
  assert.deepEqual(passed(receiver, [0, 0, 2, 1, 2, 1, 3]), [0, 2, 1, 3]);
  assert.deepEqual(receiver.counts, { received: 7, duplicates: 3, late: 0, outdated: 0, lost: 0 });
});

test('a gap counts as lost until it is filled', () => {
  const receiver = new Receiver();
  passed(receiver, [2, 5]);
  assert.equal(receiver.counts.lost, 4);
  passed(receiver, [0, 3]);
  assert.equal(receiver.counts.lost, 2);
});

test('64 behind the newest is in time, 65 is not', () => {
  const receiver = new Receiver();
  assert.deepEqual(passed(receiver, [100, 36, 35]), [100, 36]);
  assert.equal(receiver.counts.late, 1);
});

test('of an op code where only the newest counts, older ones are dropped, and those of others are not', () => {
  const receiver = new Receiver();
  assert.deepEqual(passed(receiver, [5], 1, true), [5]);
  assert.deepEqual(passed(receiver, [3], 1, true), []);
  assert.deepEqual(passed(receiver, [4], 2, true), [4]);
  assert.deepEqual(passed(receiver, [2], 1, false), [2], 'not sent as newest only');
  assert.equal(receiver.counts.outdated, 1);
  assert.equal(receiver.counts.lost, 2, 'what was dropped has arrived all the same');
});

test('numbers wrap', () => {
  const receiver = new Receiver();
  const sequences = Array.from({ length: 200_000 }, (_, at) => at & 0xffff);
  assert.equal(passed(receiver, sequences, 1, true).length, sequences.length);
  assert.equal(receiver.counts.lost, 0);
});

test('after a long silence the connection counts anew instead of staying deaf', () => {
  const receiver = new Receiver();
  passed(receiver, [0, 1, 2]);
  const after = Array.from({ length: 80 }, (_, at) => 40_000 + at);
  assert.deepEqual(passed(receiver, after), after.slice(64));
  assert.equal(receiver.counts.late, 64);
});

test('more op codes than are remembered cost no memory', () => {
  const receiver = new Receiver();
  for (let at = 0; at < 1000; at += 1) assert.deepEqual(passed(receiver, [at], at, true), [at]);
  assert.deepEqual(passed(receiver, [998], 999, true), []);
});

// A straightforward model: everything is remembered.
function model(sequences) {
  const had = new Set();
  const newestOf = new Map();
  let newest = -1;
  return sequences.map(({ sequence, opCode, isNewest }) => {
    if (had.has(sequence) || sequence < newest - 64) return false;
    had.add(sequence);
    newest = Math.max(newest, sequence);
    if (!isNewest) return true;
    const isOutdated = sequence < (newestOf.get(opCode) ?? -1);
    if (!isOutdated) newestOf.set(opCode, sequence);
    return !isOutdated;
  });
}

test('under loss, copies and disorder it decides as one that remembers everything', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = new Random(`weather ${seed}`);
    const sent = Array.from({ length: 600 }, (_, at) => {
      const opCode = random.below(5);
      return { sequence: at, opCode, isNewest: opCode > 1, at: at + random.of([0, 0, 0, 1, 3, 20, 90]) * random.next() };
    });
    const copies = sent.filter(() => random.below(5) === 0).map((one) => ({ ...one, at: one.at + random.below(30) }));
    const arriving = [...sent.filter(() => random.below(6) > 0), ...copies].sort((a, b) => a.at - b.at);
    const receiver = new Receiver();
    const verdicts = arriving.map(({ sequence, opCode, isNewest }) => receiver.accept(sequence, opCode, isNewest));
    assert.deepEqual(verdicts, model(arriving), `seed "weather ${seed}"`);
    const { received, duplicates, late, lost } = receiver.counts;
    const newest = Math.max(...arriving.map(({ sequence }) => sequence));
    assert.equal(lost, newest + 1 - (received - duplicates - late), 'what was sent is had or lost');
  }
});
