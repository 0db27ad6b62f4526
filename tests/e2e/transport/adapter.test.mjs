// The adapter under the official client, against a WebTransport and a WebSocket without a network.

import '../lib/timers.mjs';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Client } from '@heroiclabs/nakama-js';
import { TiltyardAdapter } from '../../../assets/play/tiltyard-transport.js';
import { readDatagram, writeDatagram } from '../../../assets/play/transport/datagrams.js';
import { ENVELOPE, GOODBYE, HELLO, MATCH_HANDLE } from '../../../assets/play/transport/frames.js';
import { encode } from '../../../assets/play/transport/protobuf.js';
import { FakeWebTransport, opened } from '../lib/fake-webtransport.mjs';

const HASH = Uint8Array.from({ length: 32 }, (_, at) => at);
const ROUTE = {
  version: 1,
  quic: { port: 7350, alpn: 'tiltyard/1' },
  webtransport: { port: 7351, path: '/wt' },
  certificate_hashes: [Buffer.from(HASH).toString('base64')],
};
const MATCH = 'm.n';

// A WebSocket without a network; `all` has every one that was made.
class FakeWebSocket {
  static all = [];
  // Whether the next ones open; `throw` where the page may not even try, `hang` where nothing answers.
  static opens = true;
  static OPEN = 1;
  readyState = 0;
  sent = [];

  constructor(url) {
    this.url = url;
    FakeWebSocket.all.push(this);
    if (FakeWebSocket.opens === 'throw') throw new DOMException('not from this page', 'SecurityError');
    if (FakeWebSocket.opens === 'hang') return;
    queueMicrotask(() => (FakeWebSocket.opens ? this.#open() : this.#break()));
  }

  #open() {
    this.readyState = 1;
    this.onopen({ type: 'open' });
  }

  #break() {
    this.readyState = 3;
    this.onerror({ type: 'error' });
    this.onclose({ type: 'close', code: 1006 });
  }

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  close() {
    this.readyState = 3;
    queueMicrotask(() => this.onclose({ type: 'close', code: 1005 }));
  }
}

// Each test has a server of its own, since failures are remembered by address.
let port = 1000;
let answer;
let asked;

beforeEach(() => {
  port += 1;
  asked = [];
  answer = async () => new Response(JSON.stringify(ROUTE));
  FakeWebTransport.mood = 'open';
  FakeWebSocket.all = [];
  FakeWebSocket.opens = true;
  globalThis.WebTransport = FakeWebTransport;
  globalThis.WebSocket = FakeWebSocket;
  globalThis.fetch = (url, options) => {
    asked.push(`${url}`);
    return answer(options);
  };
});

// The official socket on an adapter, and what it says of its end.
function socketOn(options) {
  const adapter = new TiltyardAdapter(options);
  const socket = new Client('key', 'play.example', port, false).createSocket(false, false, adapter);
  // Nobody answers the heartbeat here.
  socket.setHeartbeatTimeoutMs(1e9);
  const closed = new Promise((resolve) => {
    socket.ondisconnect = resolve;
  });
  socket.onerror = () => {};
  const connected = socket.connect({ token: 'a token' }, true);
  connected.catch(() => {});
  return { adapter, socket, closed, connected };
}

// One that is connected over WebTransport, the server's end of it, and a match with a handle.
async function playing(options) {
  const one = socketOn(options);
  const server = await opened.next();
  const hello = await server.welcome();
  await one.connected;
  // The client's first ping.
  await server.expect(ENVELOPE, 'nakama.realtime.Envelope');
  server.say(MATCH_HANDLE, 'tiltyard.v1.MatchHandle', { handle: 5, match_id: MATCH });
  return { ...one, server, hello };
}

// Lets everything happen that waits for nothing from outside.
const settle = () => new Promise((resolve) => setImmediate(resolve));
const envelope = (server) => server.expect(ENVELOPE, 'nakama.realtime.Envelope');
const says = (server, message) => server.say(ENVELOPE, 'nakama.realtime.Envelope', message);

// --- beginning ----------------------------------------------------------------------------------------

test('a session begins: route, connection, hello, welcome', async () => {
  const { adapter, server, hello } = await playing();
  assert.deepEqual(asked, [`http://play.example:${port}/v2/tiltyard/transport`]);
  assert.equal(server.url, 'https://play.example:7351/wt');
  assert.deepEqual(server.options.serverCertificateHashes, [{ algorithm: 'sha-256', value: HASH }]);
  assert.ok(server.options.serverCertificateHashes[0].value instanceof Uint8Array);
  assert.deepEqual(hello, { version: 1, token: 'a token', online: true, lang: 'en' });
  assert.equal(adapter.transport, 'webtransport');
  assert.equal(adapter.isOpen(), true);
  assert.equal(FakeWebSocket.all.length, 0);
});

test('without hashes the certificate is checked the usual way', async () => {
  answer = async () => new Response(JSON.stringify({ ...ROUTE, certificate_hashes: undefined }));
  const { server } = await playing();
  assert.equal('serverCertificateHashes' in server.options, false);
});

test('room is made for datagrams that come while the page is busy', async () => {
  const { server } = await playing();
  assert.ok(server.datagrams.incomingHighWaterMark >= 64);
});

test('a token that is refused ends in a rejection and a close with the code, and in no WebSocket', async () => {
  const { connected, closed, adapter } = socketOn();
  const server = await opened.next();
  await server.expect(HELLO, 'tiltyard.v1.Hello');
  server.goodbye(4401, 'The token is invalid.');
  const error = await connected.catch((event) => event);
  assert.deepEqual([error.code, error.reason], [4401, 'The token is invalid.']);
  const { code, wasClean } = await closed;
  assert.deepEqual([code, wasClean], [4401, true]);
  assert.equal(adapter.isOpen(), false);
  assert.equal(FakeWebSocket.all.length, 0);
});

// --- falling back -------------------------------------------------------------------------------------

async function fellBack({ connected, adapter }) {
  await connected;
  assert.equal(adapter.transport, 'websocket');
  assert.equal(FakeWebSocket.all.length, 1);
  assert.equal(FakeWebSocket.all[0].url, `ws://play.example:${port}/ws?lang=en&status=true&token=a%20token`);
}

test('a browser without WebTransport falls back without asking', async () => {
  delete globalThis.WebTransport;
  await fellBack(socketOn());
  assert.deepEqual(asked, []);
});

for (const [what, given] of Object.entries({
  'a server without the route': async () => new Response('', { status: 404 }),
  'a server without UDP': async () => new Response('{"version":1}'),
  'a server whose answer makes no sense': async () => new Response('<html>'),
  'a server of another version': async () => new Response(JSON.stringify({ ...ROUTE, version: 2 })),
  'a server that does not answer': async () => { throw new TypeError('Failed to fetch'); },
})) {
  test(`${what} is reached by a WebSocket`, async () => {
    answer = given;
    await fellBack(socketOn());
  });
}

for (const mood of ['refuse', 'throw']) {
  test(`a connection that cannot be opened falls back (${mood}), and the next one does not try again`, async () => {
    FakeWebTransport.mood = mood;
    await fellBack(socketOn());
    if (mood === 'refuse') await opened.next();
    FakeWebSocket.all = [];
    await fellBack(socketOn());
    assert.equal(asked.length, 1, 'a failure is remembered');
  });
}

test('a connection that hangs falls back in time, says nothing, and is closed', async () => {
  FakeWebTransport.mood = 'hang';
  await fellBack(socketOn({ timeoutMs: 30 }));
  const server = await opened.next();
  assert.ok(server.closedWith, 'it is given up');
});

test('a route that hangs falls back in time, too', async () => {
  answer = ({ signal }) => new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
  await fellBack(socketOn({ timeoutMs: 30 }));
});

test('whoever wants a WebSocket gets one', async () => {
  await fellBack(socketOn({ transport: 'websocket' }));
  assert.deepEqual(asked, []);
});

test('whoever wants WebTransport or nothing gets an error', async () => {
  FakeWebTransport.mood = 'refuse';
  const { connected, closed } = socketOn({ transport: 'webtransport' });
  await assert.rejects(connected, (event) => event.type === 'close');
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [1006, 'Opening handshake failed.']);
  assert.equal(FakeWebSocket.all.length, 0);
  await opened.next();
});

test('a transport that does not exist is refused', () => {
  assert.throws(() => new TiltyardAdapter({ transport: 'pigeon' }), TypeError);
});

test('a network that breaks off before the welcome is remembered', async () => {
  const first = socketOn();
  const server = await opened.next();
  await server.expect(HELLO, 'tiltyard.v1.Hello');
  server.vanish();
  await assert.rejects(first.connected, (event) => event.type === 'close');
  await first.closed;
  await fellBack(socketOn());
});

test('a version that the server does not speak after all is remembered', async () => {
  const first = socketOn();
  const server = await opened.next();
  await server.expect(HELLO, 'tiltyard.v1.Hello');
  server.goodbye(4426, '2');
  assert.equal((await first.connected.catch((event) => event)).code, 4426);
  await first.closed;
  await fellBack(socketOn());
});

test('datagrams that this browser does not let out are an error, and a WebSocket the next time', async () => {
  FakeWebTransport.mood = 'locked';
  const { connected, closed } = socketOn();
  const server = await opened.next();
  assert.equal((await connected.catch((event) => event)).type, 'close');
  await closed;
  assert.ok(server.closedWith, 'nothing is left open');
  await fellBack(socketOn());
});

for (const transport of ['auto', 'websocket']) {
  test(`a WebSocket that the page may not open is an error (${transport})`, async () => {
    FakeWebSocket.opens = 'throw';
    answer = async () => new Response('', { status: 404 });
    const { connected, closed } = socketOn({ transport });
    assert.equal((await connected.catch((event) => event)).reason, 'not from this page');
    assert.equal((await closed).reason, 'not from this page');
  });
}

test('another connection ends the one that waits for its welcome', async () => {
  const { socket } = socketOn();
  const server = await opened.next();
  await server.expect(HELLO, 'tiltyard.v1.Hello');
  const again = socket.connect({ token: 'another' });
  assert.equal((await server.expect(GOODBYE, 'tiltyard.v1.Goodbye')).code, 1000);
  await (await opened.next()).welcome();
  await again;
});

test('another connection ends a WebSocket that is being opened', async () => {
  FakeWebSocket.opens = 'hang';
  const { socket } = socketOn({ transport: 'websocket' });
  await settle();
  FakeWebSocket.opens = true;
  await socket.connect({ token: 'another' });
  const [first, second] = FakeWebSocket.all;
  assert.deepEqual([first.readyState, second.readyState], [3, 1]);
});

// --- messages -----------------------------------------------------------------------------------------

test('a call is answered', async () => {
  const { socket, server } = await playing();
  const called = socket.rpc('f', '{"a":1}');
  const { cid, rpc } = await envelope(server);
  assert.deepEqual(rpc, { id: 'f', payload: '{"a":1}' });
  says(server, { cid, rpc: { id: 'f', payload: 'done' } });
  assert.deepEqual(await called, { id: 'f', payload: 'done' });
});

test('a call that fails is refused with code and text', async () => {
  const { socket, server } = await playing();
  const joined = socket.joinMatch('x.n');
  const { cid } = await envelope(server);
  says(server, { cid, error: { code: 4, message: 'Match not found' } });
  assert.deepEqual(await joined.catch((error) => error), { code: 4, message: 'Match not found' });
});

test('chat, notifications and match data reach the handlers as they always did', async () => {
  const { socket, server } = await playing();
  const got = {};
  for (const kind of ['channelmessage', 'notification', 'matchdata', 'partydata']) socket[`on${kind}`] = (event) => { got[kind] = event; };
  says(server, { channel_message: { channel_id: 'c', code: 0, content: '{"text":"hi"}', create_time: '2023-11-14T22:13:20Z', persistent: true } });
  says(server, { notifications: { notifications: [{ id: 'n', subject: 's', content: '{"a":[1]}', code: 100 }] } });
  says(server, { match_data: { match_id: MATCH, op_code: 3, data: new Uint8Array([1]), reliable: true } });
  says(server, { party_data: { party_id: 'p', op_code: -2, data: new Uint8Array([2]), presence: { user_id: 'u' } } });
  await settle();
  assert.deepEqual(got.channelmessage, { channel_id: 'c', code: 0, content: { text: 'hi' }, create_time: '2023-11-14T22:13:20Z', persistent: true });
  assert.deepEqual(got.notification, { id: 'n', subject: 's', content: { a: [1] }, code: 100 });
  assert.deepEqual(got.matchdata, { match_id: MATCH, op_code: 3, data: new Uint8Array([1]), reliable: true });
  assert.deepEqual(got.partydata, { party_id: 'p', op_code: -2, data: new Uint8Array([2]), presence: { user_id: 'u' } });
});

test('over both transports a handler gets the same', async () => {
  const message = { match_data: { match_id: MATCH, presence: { user_id: 'u' }, data: new Uint8Array([1, 255]), op_code: 0 } };
  const overStream = await playing();
  const got = [];
  overStream.socket.onmatchdata = (data) => got.push(data);
  says(overStream.server, message);
  await settle();
  const overSocket = socketOn({ transport: 'websocket' });
  await overSocket.connected;
  overSocket.socket.onmatchdata = (data) => got.push(data);
  const json = { match_data: { match_id: MATCH, presence: { user_id: 'u' }, data: 'Af8=' } };
  FakeWebSocket.all[0].onmessage({ data: JSON.stringify(json) });
  assert.deepEqual(got, [message.match_data, message.match_data]);
});

test('over a WebSocket data goes as base64 and an op code as text, and the caller keeps what was theirs', async () => {
  const { socket, connected } = socketOn({ transport: 'websocket' });
  await connected;
  const data = new Uint8Array([9, 1, 255]).subarray(1);
  await socket.sendMatchState(MATCH, 3, data, [], false);
  await socket.sendPartyData('p', 4, 'é');
  const [, matchData, partyData] = FakeWebSocket.all[0].sent;
  assert.deepEqual(matchData.match_data_send, { match_id: MATCH, op_code: '3', data: 'Af8=', presences: [], reliable: false });
  assert.deepEqual(partyData.party_data_send, { party_id: 'p', op_code: '4', data: 'w6k=' });
  assert.deepEqual([...data], [1, 255]);
});

test('a handler that throws is reported, and does not end the connection', async () => {
  const { socket, server, adapter } = await playing();
  const thrown = new Promise((resolve) => { globalThis.reportError = resolve; });
  socket.onmatchdata = () => { throw new Error('of the game'); };
  says(server, { match_data: { match_id: MATCH } });
  assert.equal((await thrown).message, 'of the game');
  assert.equal(adapter.isOpen(), true);
  const called = socket.rpc('f', '');
  const { cid } = await envelope(server);
  says(server, { cid, rpc: { id: 'f' } });
  await called;
});

// --- datagrams ----------------------------------------------------------------------------------------

test('match data leaves as a datagram only if it says that it may be lost', async () => {
  const { socket, server } = await playing();
  await settle();
  await socket.sendMatchState(MATCH, 1, 'a', [], false);
  await socket.sendMatchState(MATCH, 1, 'b', undefined, false);
  for (const reliable of [undefined, true]) await socket.sendMatchState(MATCH, 1, 'c', [], reliable);
  await settle();
  const [a, b, ...more] = server.datagramsOut.map(readDatagram);
  const expected = { handle: 5, newest: false, opCode: 1, sender: undefined };
  assert.deepEqual(a, { ...expected, sequence: 0, data: new Uint8Array([97]) });
  assert.deepEqual(b, { ...expected, sequence: 1, data: new Uint8Array([98]) });
  assert.equal(more.length, 0);
  assert.equal((await envelope(server)).match_data_send.reliable, undefined);
  assert.equal((await envelope(server)).match_data_send.reliable, true);
});

test('what cannot go as a datagram goes on the stream', async () => {
  const { socket, server, adapter } = await playing();
  await settle();
  await socket.sendMatchState('other.n', 1, 'a', [], false);
  assert.equal((await envelope(server)).match_data_send.match_id, 'other.n', 'no handle');
  await socket.sendMatchState(MATCH, 1, new Uint8Array(1096), [], false);
  assert.equal((await envelope(server)).match_data_send.data.length, 1096, 'one byte too long');
  await socket.sendMatchState(MATCH, 1, 'a', [{ user_id: 'u', session_id: 's' }], false);
  assert.equal((await envelope(server)).match_data_send.presences.length, 1, 'a datagram names nobody');
  assert.equal(adapter.stats().datagramsSent, 0);
  await socket.sendMatchState(MATCH, 1, new Uint8Array(1095), [], false);
  await settle();
  assert.equal(server.datagramsOut[0].length, 1100, 'just fits');
});

test('datagrams are delivered as match data, once, and counted', async () => {
  const { socket, server, adapter } = await playing();
  const got = [];
  socket.onmatchdata = (data) => got.push(data);
  const sender = { user_id: '00112233-4455-6677-8899-aabbccddeeff', session_id: 'ffeeddcc-bbaa-9988-7766-554433221100', username: 'ann' };
  const one = (sequence, more) => server.datagram(writeDatagram({ handle: 5, sequence, opCode: 2, data: [sequence], ...more }));
  await settle();
  one(0);
  one(0);
  one(3, { newest: true });
  one(1, { newest: true });
  one(4, { sender });
  one(5, { handle: 6 });
  server.datagram(new Uint8Array([0]));
  await settle();
  const expected = (sequence) => ({ match_id: MATCH, op_code: 2, data: new Uint8Array([sequence]), reliable: false });
  assert.deepEqual(got, [expected(0), expected(3), { ...expected(4), presence: sender }]);
  const { datagramsReceived, datagramsIgnored, duplicates, late, lost } = adapter.stats();
  assert.deepEqual({ datagramsReceived, datagramsIgnored, duplicates, late, lost }, { datagramsReceived: 5, datagramsIgnored: 2, duplicates: 1, late: 1, lost: 1 });
});

test('datagrams that overtake the name of their match wait for it, the newest sixteen', async () => {
  const { socket, server, adapter } = await playing();
  const got = [];
  socket.onmatchdata = ({ match_id: id, data }) => got.push([id, data[0]]);
  await settle();
  for (let at = 0; at < 20; at += 1) server.datagram(writeDatagram({ handle: 6, sequence: at, opCode: 2, data: [at] }));
  await settle();
  server.say(MATCH_HANDLE, 'tiltyard.v1.MatchHandle', { handle: 7, match_id: 'other.n' });
  await settle();
  assert.deepEqual([got, adapter.stats().datagramsIgnored], [[], 20]);
  server.say(MATCH_HANDLE, 'tiltyard.v1.MatchHandle', { handle: 6, match_id: 'late.n' });
  await settle();
  assert.deepEqual(got, Array.from({ length: 16 }, (_, at) => ['late.n', at + 4]));
  const { datagramsReceived, datagramsIgnored } = adapter.stats();
  assert.deepEqual([datagramsReceived, datagramsIgnored], [16, 4]);
});

test('a stream that does not take what waits loses what may be lost, and in the end the connection', async () => {
  const { socket, server, adapter, closed } = await playing();
  await settle();
  server.blockStream();
  const send = (isReliable) => socket.sendMatchState('other.n', 1, new Uint8Array(32 * 1024), [], isReliable);
  for (let at = 0; at < 5; at += 1) await send(false);
  await settle();
  assert.equal(adapter.stats().datagramsDropped, 3, 'two fill it');
  assert.equal(adapter.isOpen(), true);
  for (let at = 0; at < 200 && adapter.isOpen(); at += 1) await send(true);
  const { code, reason } = await closed;
  assert.deepEqual([code, reason], [1006, 'Too much waits to be sent.']);
});

test('a match that is joined again keeps its numbers, and one that gets another name counts anew', async () => {
  const { socket, server } = await playing();
  const named = (handle) => server.say(MATCH_HANDLE, 'tiltyard.v1.MatchHandle', { handle, match_id: MATCH });
  const sent = async () => {
    await settle();
    await socket.sendMatchState(MATCH, 1, '', [], false);
    await settle();
    const { handle, sequence } = readDatagram(server.datagramsOut.at(-1));
    return [handle, sequence];
  };
  assert.deepEqual(await sent(), [5, 0]);
  named(5);
  assert.deepEqual(await sent(), [5, 1]);
  named(0);
  assert.deepEqual(await sent(), [0, 0], 'zero is a name like any other');
});

test('datagrams that cannot leave do not pile up: the oldest give way', async () => {
  const { socket, server, adapter } = await playing();
  await settle();
  server.block();
  for (let at = 0; at < 200; at += 1) await socket.sendMatchState(MATCH, 1, new Uint8Array([at]), [], false);
  await settle();
  const { datagramsDropped } = adapter.stats();
  assert.ok(datagramsDropped > 170, `${datagramsDropped} of 200 were dropped`);
  server.unblock();
  await settle();
  await settle();
  const left = server.datagramsOut.map((bytes) => readDatagram(bytes).data[0]);
  assert.equal(left.at(-1), 199, 'the newest left');
  assert.equal(left.length, 200 - datagramsDropped);
  assert.equal(adapter.stats().datagramsSent, left.length);
});

// --- the end ------------------------------------------------------------------------------------------

test('a goodbye of the server is a close with its code and reason', async () => {
  const { server, closed, adapter } = await playing();
  server.goodbye(1001, 'The server stops.');
  const { type, code, reason, wasClean } = await closed;
  assert.deepEqual({ type, code, reason, wasClean }, { type: 'close', code: 1001, reason: 'The server stops.', wasClean: true });
  assert.equal(adapter.isOpen(), false);
  await settle();
  assert.ok(server.isStreamFinished, 'our side ends, too');
  assert.deepEqual(server.closedWith, { closeCode: 1001, reason: 'The server stops.' });
});

test('whoever disconnects says goodbye, and hears of the end', async () => {
  const { socket, server, closed, adapter } = await playing();
  let isHeard = false;
  socket.onmatchdata = () => { isHeard = true; };
  socket.disconnect(false);
  assert.equal(adapter.isOpen(), false);
  says(server, { match_data: { match_id: MATCH } });
  assert.deepEqual(await server.expect(GOODBYE, 'tiltyard.v1.Goodbye'), { code: 1000 });
  server.hangUp();
  const { code, wasClean } = await closed;
  assert.deepEqual([code, wasClean], [1000, true]);
  assert.deepEqual(server.closedWith, { closeCode: 1000, reason: '' });
  assert.equal(isHeard, false);
});

test('a server that does not take the goodbye is left all the same', async () => {
  const { socket, server, closed } = await playing();
  socket.disconnect(false);
  assert.equal((await closed).code, 1000);
  assert.ok(server.closedWith);
});

for (const how of ['vanish', 'hangUp']) {
  test(`a connection that is lost is a close (${how})`, async () => {
    const { server, closed, adapter } = await playing();
    server[how]();
    const { code, wasClean } = await closed;
    assert.deepEqual([code, wasClean], [1006, false]);
    assert.equal(adapter.isOpen(), false);
  });
}

for (const [what, bytes] of [['no frame', [0]], ['no envelope', [3, 0, 0x0a, 5]]]) {
  test(`a server that breaks the protocol is told so (${what})`, async () => {
    const { server, closed, adapter } = await playing();
    server.raw(new Uint8Array(bytes));
    assert.equal((await server.expect(GOODBYE, 'tiltyard.v1.Goodbye')).code, 1002);
    assert.equal(adapter.isOpen(), false);
    assert.equal((await closed).code, 1002);
  });
}

test('frames of a later version are skipped', async () => {
  const { socket, server } = await playing();
  const got = new Promise((resolve) => { socket.onmatchdata = resolve; });
  server.raw(new Uint8Array([3, 99, 1, 2]));
  says(server, { match_data: { match_id: MATCH, op_code: 8 } });
  assert.equal((await got).op_code, 8);
});

test('the same socket connects again, and hears nothing of the connection before', async () => {
  const { socket, server, closed, adapter } = await playing();
  server.vanish();
  await closed;
  const connected = socket.connect({ token: 'another' });
  const next = await opened.next();
  assert.equal((await next.welcome()).token, 'another');
  await connected;
  assert.equal(adapter.isOpen(), true);
  assert.equal(adapter.stats().datagramsReceived, 0, 'it counts anew');
});

test('a connection given up while it is begun is no connection', async () => {
  FakeWebTransport.mood = 'hang';
  const { adapter, connected } = socketOn();
  const closed = new Promise((resolve) => { adapter.onClose = resolve; });
  const server = await opened.next();
  adapter.close();
  assert.equal((await closed).code, 1006);
  await settle();
  assert.ok(server.closedWith);
  assert.equal(FakeWebSocket.all.length, 0);
  void connected;
});

test('a WebSocket that fails is an error and a close, and one that is closed a close', async () => {
  FakeWebSocket.opens = false;
  const failed = socketOn({ transport: 'websocket' });
  assert.equal((await failed.connected.catch((event) => event)).type, 'error');
  assert.equal((await failed.closed).code, 1006);
  FakeWebSocket.opens = true;
  const one = socketOn({ transport: 'websocket' });
  await one.connected;
  one.socket.disconnect(false);
  assert.equal((await one.closed).code, 1005);
});

test('an envelope is as long as it must be', () => {
  assert.deepEqual([...encode('nakama.realtime.Envelope', { cid: '1', ping: {} })], [0x0a, 1, 0x31, 0x82, 2, 0]);
});
