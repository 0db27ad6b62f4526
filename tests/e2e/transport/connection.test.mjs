// The connection of the page: a socket that is lost, and the match that is had back. A server of a few lines.

import '../lib/timers.mjs';
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const MATCH = { match_id: 'm.n', label: '{"game":"arena","name":"m"}', presences: [], self: {} };
const claims = Buffer.from(JSON.stringify({ uid: 'u', usn: 'ann', exp: 4_102_444_800 })).toString('base64url');
const TOKEN = `e30.${claims}.c2ln`;

// All sockets, oldest first; `answers` says whether the next joins are answered at once.
let sockets;
let answersJoins;
// What the client does when the call that it has just sent has no answer for too long.
let newestTimeout;

class ServerSocket {
  static OPEN = 1;
  readyState = 0;
  joins = [];
  data = [];

  constructor() {
    sockets.push(this);
    queueMicrotask(() => {
      this.readyState = 1;
      this.onopen({ type: 'open' });
    });
  }

  send(text) {
    const { cid, match_join: join, match_data_send: data } = JSON.parse(text);
    if (data) this.data.push(data);
    if (!join) return;
    this.joins.push(cid);
    this.giveUp = newestTimeout;
    if (answersJoins) this.answer();
  }

  answer() {
    const cid = this.joins.shift();
    queueMicrotask(() => this.onmessage({ data: JSON.stringify({ cid, match: MATCH }) }));
  }

  refuse() {
    const cid = this.joins.shift();
    this.onmessage({ data: JSON.stringify({ cid, error: { code: 4, message: 'no' } }) });
  }

  lose() {
    this.readyState = 3;
    this.onclose({ type: 'close', code: 1006 });
  }

  close() {
    this.readyState = 3;
  }
}

Object.assign(globalThis, {
  location: { protocol: 'http:', port: '7350', hostname: 'play.example', search: '?transport=websocket' },
  document: { hidden: true },
  sessionStorage: { getItem: () => 'a-device-of-a-test', setItem: () => {} },
  WebSocket: ServerSocket,
  fetch: async () => new Response(JSON.stringify({ token: TOKEN, refresh_token: TOKEN })),
  // Pings are none of this, and would keep the test alive.
  setInterval: () => 0,
});
// Waits between attempts are over at once.
const { setTimeout: later } = globalThis;
globalThis.setTimeout = (callback, ms, ...args) => {
  newestTimeout = callback;
  return later(callback, ms >= 300 && ms <= 5000 ? 0 : ms, ...args);
};

const { Connection } = await import('../../../assets/play/js/connection.js');

beforeEach(() => {
  sockets = [];
  answersJoins = true;
});

async function playing() {
  const connection = new Connection();
  await connection.start('ann');
  await connection.join(MATCH.match_id);
  connection.release();
  return connection;
}

// The next socket, as soon as it has asked to join.
async function joining(index) {
  while (!sockets[index]?.joins.length) await new Promise((resolve) => setImmediate(resolve));
  return sockets[index];
}

const heard = (connection, event) => new Promise((resolve) => connection.addEventListener(event, resolve, { once: true }));

test('what the old view still sends after a reconnect does not reach the match before the new view', async () => {
  const connection = await playing();
  connection.sendUnreliable(2, 'old');
  assert.equal(sockets[0].data.length, 1);
  answersJoins = false;
  sockets[0].lose();
  const socket = await joining(1);
  assert.equal(connection.state, 'online');
  connection.sendUnreliable(2, 'old');
  const rejoined = heard(connection, 'rejoined');
  socket.answer();
  await rejoined;
  connection.sendUnreliable(2, 'new');
  assert.deepEqual(socket.data.map(({ data }) => atob(data)), ['new']);
});

test('a connection that is lost while the match is joined again does not cost the match', async () => {
  const connection = await playing();
  const dropped = [];
  connection.addEventListener('dropped', (event) => dropped.push(event));
  answersJoins = false;
  sockets[0].lose();
  const second = await joining(1);
  second.lose();
  const third = await joining(2);
  const rejoined = heard(connection, 'rejoined');
  third.answer();
  await rejoined;
  // The join that got lost is given up at last.
  second.giveUp();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(dropped, []);
  assert.equal(connection.match.match_id, MATCH.match_id);
});

test('a match that does not let the player in again is gone', async () => {
  const connection = await playing();
  answersJoins = false;
  sockets[0].lose();
  const dropped = heard(connection, 'dropped');
  (await joining(1)).refuse();
  await dropped;
  assert.equal(connection.match, null);
});
