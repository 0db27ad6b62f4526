// A player: an account, a socket of the official client, and everything that arrived on it.

import './timers.mjs';
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Client } from '@heroiclabs/nakama-js';
import { WebSocketAdapterPb } from '@heroiclabs/nakama-js-protobuf';
import { WebSocket } from 'ws';
import { pageSocket } from './page-socket.mjs';
import { record, recorded } from './recorder.mjs';

// The client opens `new WebSocket(url)`, which not every Node.js has.
globalThis.WebSocket = WebSocket;

// What the sockets speak: `json` and `protobuf` over a WebSocket, `webtransport` over the adapter in a browser.
export const FORMATS = process.env.TILTYARD_FORMATS?.split(',') ?? ['json', 'protobuf'];
const SERVER_KEY = 'defaultkey';
// `tests/run` starts the server with it.
export const HTTP_KEY = 'defaulthttpkey';
const DEADLINE_MS = 15_000;

// What arrives besides match data: the client's handler is named `on` and this.
const KINDS = [
  'notification', 'channelmessage', 'channelpresence', 'statuspresence', 'matchmakermatched',
  'party', 'partyclose', 'partydata', 'partyjoinrequest', 'partyleader', 'partymatchmakerticket', 'partypresence',
];

const url = new URL(process.env.TILTYARD_URL ?? 'http://127.0.0.1:7350/');

export function newClient() {
  const client = new Client(SERVER_KEY, url.hostname, url.port, url.protocol === 'https:');
  // A session lasts a minute. Five minutes ahead, as is usual, each call would refresh it, and complain.
  client.expiredTimespanMs = 10_000;
  return recorded(client, 'client');
}

export const newSocket = (client, adapter) =>
  recorded(client.createSocket(url.protocol === 'https:', false, adapter), 'socket');

// What the client keeps to itself: a function for each route.
export const lowLevel = () => recorded(newClient().apiClient, 'api');

// Asks for what the client has no function or parameter for. Throws a refusal as the client does.
export async function ask(player, method, path) {
  const [name] = path.split('?');
  const response = await fetch(new URL(path, url), { method, headers: { authorization: `Bearer ${player.session.token}` } });
  record(`${method} ${name}`, response.ok ? 'ok' : 'refused');
  if (!response.ok) throw response;
  return response.json();
}

// A name that no other test and no earlier run has used.
export const unique = (name) => `${name}-${randomUUID().slice(0, 8)}`;

export class Player {
  #arrived = [];
  #waiting = new Set();

  // Logs in a new account, without a socket.
  static async loggedIn(name) {
    const player = new Player();
    player.client = newClient();
    player.device = randomUUID();
    player.session = await player.client.authenticateDevice(player.device, true, unique(name));
    return player;
  }

  // Logs in a new account and connects it. Close it with `t.after(() => player.close())`, or by `players`.
  static async online(name, format = 'json') {
    const player = await Player.loggedIn(name);
    await player.connect(format);
    return player;
  }

  // Others who follow us see us only if `isOnline`.
  async connect(format, isOnline = false) {
    // Tests that have no need of several formats name the first of the usual ones.
    if (format === 'webtransport' || (format === 'json' && !FORMATS.includes('json'))) return this.#connectInPage(isOnline);
    const adapter = format === 'protobuf' ? new WebSocketAdapterPb() : undefined;
    this.socket = newSocket(this.client, adapter);
    this.socket.onmatchdata = (data) => this.#arrive('data', data);
    this.socket.onmatchpresence = (event) => this.#arrive('presence', event);
    this.socket.ondisconnect = (event) => this.#arrive('close', event);
    for (const kind of KINDS) this.socket[`on${kind}`] = (event) => this.#arrive(kind, event);
    this.socket.onerror = () => {};
    await this.socket.connect(this.session, isOnline);
  }

  async #connectInPage(isOnline) {
    const names = { matchdata: 'data', matchpresence: 'presence', disconnect: 'close' };
    this.socket = await pageSocket({
      token: this.session.token,
      isOnline,
      kinds: [...Object.keys(names), ...KINDS],
      on: (kind, event) => this.#arrive(names[kind] ?? kind, event),
    });
  }

  get userId() {
    return this.session.user_id;
  }

  get username() {
    return this.session.username;
  }

  // The client's functions for this session: `ann.http.listFriends()`.
  get http() {
    return new Proxy({}, { get: (_, name) => (...args) => this.client[name](this.session, ...args) });
  }

  // Calls a game's rpc over the socket, with JSON both ways.
  async rpc(id, payload = {}) {
    const answer = await this.socket.rpc(id, JSON.stringify(payload));
    return JSON.parse(answer.payload);
  }

  // The next thing of a kind that was not taken yet and that satisfies `where`.
  next(kind, where = () => true) {
    const take = () => {
      const at = this.#arrived.findIndex((one) => one.kind === kind && where(one.value));
      return at < 0 ? undefined : this.#arrived.splice(at, 1)[0];
    };
    const found = take();
    if (found) return Promise.resolve(found.value);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        const seen = this.#arrived.map((one) => one.kind).join(', ');
        reject(new Error(`${this.username} waited for ${kind} in vain; there were: ${seen || 'none'}`));
      }, DEADLINE_MS);
      const look = () => {
        const found = take();
        if (!found) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve(found.value);
      };
      this.#waiting.add(look);
    });
  }

  // The next match data with an op code, as bytes.
  async data(opCode, where = () => true) {
    const { data } = await this.next('data', (one) => one.op_code === opCode && where(one));
    return data;
  }

  // The next match data with an op code whose JSON satisfies `where`; earlier ones are dropped.
  async json(opCode, where = () => true) {
    for (;;) {
      const value = JSON.parse(new TextDecoder().decode(await this.data(opCode)));
      if (where(value)) return value;
    }
  }

  // What of a kind has arrived and was not taken.
  pending(kind) {
    return this.#arrived.filter((one) => one.kind === kind).map((one) => one.value);
  }

  close() {
    // In a page it takes a moment; that page may have gone by then.
    this.socket?.disconnect(false)?.catch(() => {});
  }

  #arrive(kind, value) {
    this.#arrived.push({ kind, value });
    for (const look of [...this.#waiting]) look();
  }
}

// Players for one test, closed when it ends.
export async function players(t, format, ...names) {
  const all = await Promise.all(names.map((name) => Player.online(name, format)));
  t.after(() => all.forEach((player) => player.close()));
  return all;
}

// Players who call over HTTP only.
export const callers = (...names) => Promise.all(names.map((name) => Player.loggedIn(name)));

// The error that a call ends with: its text and code, whatever the client wraps it in.
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Response) return { status: error.status, ...(await error.json()) };
    return error;
  }
  throw new Error('the call was expected to fail');
}

// Checks that the server refuses a call over HTTP with this status, code and text.
export async function refused(promise, status, code, message) {
  assert.deepEqual(await refusal(promise), { status, code, message });
}
