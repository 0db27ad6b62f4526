// One player's connection: who we are, the socket, the match we are in, and getting all of it back
// when the socket is lost.

import { TiltyardAdapter } from '../tiltyard-transport.js';
import { Client } from '../vendor/nakama-js.js';

const SERVER_KEY = 'defaultkey';
const PING_EVERY_MS = 1000;
const RETRY_MS = [300, 700, 1500, 3000, 5000];
const FIND_TRIES = 4;

// The handlers of the client that are passed on as events; it complains of messages without a handler.
const SOCIAL_EVENTS = {
  onchannelmessage: 'chat',
  onchannelpresence: null,
  onnotification: 'notification',
  onmatchmakermatched: 'matched',
  onparty: 'party',
  onpartypresence: 'partypresence',
  onpartyleader: 'partyleader',
  onpartyclose: 'partyclose',
  onpartydata: null,
  onpartymatchmakerticket: 'partymatchmakerticket',
};

export class Connection extends EventTarget {
  // Events: `state` (connecting, online, lost, failed), `ping` (milliseconds), `data` (match data),
  // `rejoined` (a match), `dropped` (the match is gone); and what the socket says of others: `chat`,
  // `notification`, `matched`, `party` and what begins with it.

  constructor() {
    super();
    const isSecure = location.protocol === 'https:';
    const port = location.port || (isSecure ? '443' : '80');
    this.isSecure = isSecure;
    this.client = new Client(SERVER_KEY, location.hostname, port, isSecure);
    this.session = null;
    this.socket = null;
    this.match = null;
    // The socket that is in the match. After a reconnect there is another one, and a join on its way.
    this.joinedOn = null;
    this.state = 'connecting';
    // How long it took to connect, and how long the last answer took; `null` while there is none.
    this.connectedMs = null;
    this.roundTripMs = null;
    // Data may overtake the answer to the join; it is kept until then.
    this.early = null;
    setInterval(() => this.#ping(), PING_EVERY_MS);
  }

  get username() {
    return this.session?.username ?? '';
  }

  // `webtransport` or `websocket`; `null` while there is no connection.
  get transport() {
    return this.socket?.adapter.transport ?? null;
  }

  // What has come and gone on this connection, see the adapter.
  stats() {
    return this.socket?.adapter.stats() ?? null;
  }

  // Logs in with this tab's device id, under `name` if the account is new, and connects.
  async start(name) {
    this.session = await this.#authenticate(name);
    await this.#connect();
  }

  // Takes another name. The name of a socket is fixed when it connects, so this one is replaced.
  async rename(name) {
    await this.client.updateAccount(this.session, { username: name });
    this.session = await this.#authenticate();
    this.#discardSocket();
    await this.#connect();
  }

  async listMatches() {
    const query = 'label.game:arena label.game:xoxo label.game:words';
    const { matches } = await this.client.listMatches(this.session, 50, true, undefined, undefined, undefined, query);
    return (matches ?? []).map((match) => ({ ...labelOf(match), id: match.match_id }));
  }

  async create(game, name) {
    const { match_id: id } = await this.#rpc(`${game}_create`, { name });
    return id;
  }

  // Joins an open match or a new one. Between finding and joining somebody else may take the seat.
  async quickMatch(game) {
    for (let tries = 1; ; tries++) {
      const { match_id: id } = await this.#rpc(`${game}_find`, {});
      try {
        return await this.join(id);
      } catch (error) {
        if (tries === FIND_TRIES) throw error;
      }
    }
  }

  async join(id) {
    const { socket } = this;
    this.early = [];
    try {
      const match = await socket.joinMatch(id);
      if (this.socket !== socket) throw new Error('The connection was lost.');
      this.match = { ...match, game: labelOf(match).game, name: labelOf(match).name };
      this.joinedOn = socket;
      return this.match;
    } catch (error) {
      // What is early by now belongs to a later connection's join.
      if (this.socket === socket) this.early = null;
      throw error;
    }
  }

  // Lets the data through that came before the view was ready for it.
  release() {
    const early = this.early ?? [];
    this.early = null;
    for (const data of early) this.#deliver(data);
  }

  async leave() {
    const { match } = this;
    this.match = null;
    this.early = null;
    if (match && this.state === 'online') await this.socket.leaveMatch(match.match_id).catch(() => {});
  }

  send(opCode, payload) {
    this.#send(opCode, payload, true);
  }

  // The same for what may be lost: it travels in a datagram where the connection has them.
  sendUnreliable(opCode, payload) {
    this.#send(opCode, payload, false);
  }

  #send(opCode, payload, isReliable) {
    if (!this.match || this.state !== 'online' || this.joinedOn !== this.socket) return;
    this.socket.sendMatchState(this.match.match_id, opCode, payload, [], isReliable)?.catch?.(() => {});
  }

  async #authenticate(name) {
    const device = deviceId();
    try {
      return await this.client.authenticateDevice(device, true, name);
    } catch (error) {
      // The name belongs to somebody else: the server finds us one, and the player may choose again.
      if (name && error?.status === 409) return this.client.authenticateDevice(device, true);
      throw error;
    }
  }

  async #connect() {
    const socket = this.client.createSocket(this.isSecure, false, new TiltyardAdapter({ transport: wantedTransport() }));
    socket.onmatchdata = (data) => {
      if (this.early) this.early.push(data);
      else this.#deliver(data);
    };
    socket.onmatchpresence = () => {};
    for (const [handler, event] of Object.entries(SOCIAL_EVENTS)) {
      socket[handler] = (detail) => {
        if (event && this.socket === socket) this.dispatchEvent(new CustomEvent(event, { detail }));
      };
    }
    socket.onerror = () => {};
    socket.ondisconnect = () => {
      if (this.socket === socket) this.#recover();
    };
    const began = performance.now();
    await socket.connect(this.session, false);
    this.connectedMs = performance.now() - began;
    this.socket = socket;
    this.#setState('online');
    this.#ping();
  }

  async #recover() {
    this.socket = null;
    this.roundTripMs = null;
    this.#setState('lost');
    for (let attempt = 0; ; attempt++) {
      await wait(RETRY_MS[Math.min(attempt, RETRY_MS.length - 1)]);
      try {
        this.session = await this.#authenticate();
        await this.#connect();
        break;
      } catch {
        // The server is still away; the next try comes later.
      }
    }
    if (!this.match) return;
    const { socket } = this;
    const { match_id: id, game } = this.match;
    try {
      await this.join(id);
      this.match.game ??= game;
      this.dispatchEvent(new CustomEvent('rejoined', { detail: this.match }));
    } catch (error) {
      // If it was lost again meanwhile, it is for the next connection to get the match back.
      if (this.socket !== socket) return;
      this.match = null;
      this.dispatchEvent(new CustomEvent('dropped', { detail: error }));
    }
  }

  #discardSocket() {
    const { socket } = this;
    this.socket = null;
    socket?.disconnect(false);
  }

  #deliver(data) {
    if (data.match_id !== this.match?.match_id) return;
    this.dispatchEvent(new CustomEvent('data', { detail: data }));
  }

  async #ping() {
    if (this.state !== 'online' || document.hidden) return;
    const began = performance.now();
    try {
      await this.socket.send({ ping: {} });
      this.roundTripMs = performance.now() - began;
      this.dispatchEvent(new CustomEvent('ping', { detail: this.roundTripMs }));
    } catch {
      // The client's own heartbeat decides whether the connection is lost.
    }
  }

  async #rpc(id, payload) {
    const answer = await this.socket.rpc(id, JSON.stringify(payload));
    return JSON.parse(answer.payload);
  }

  #setState(state) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}

// What went wrong, in words. The client rejects with responses, socket errors, or plain text.
export async function textOf(error) {
  if (typeof error === 'string') return error;
  if (typeof Response !== 'undefined' && error instanceof Response) {
    const body = await error.json().catch(() => null);
    return body?.message ?? `The server answered ${error.status}.`;
  }
  if (error instanceof TypeError) return 'The server cannot be reached.';
  return error?.message || error?.reason || 'Something went wrong.';
}

function labelOf(match) {
  try {
    return JSON.parse(match.label ?? '{}');
  } catch {
    return {};
  }
}

// `?transport=websocket` (or `webtransport`) in the address of the page leaves no choice.
function wantedTransport() {
  const wanted = new URLSearchParams(location.search).get('transport');
  return ['webtransport', 'websocket'].includes(wanted) ? wanted : 'auto';
}

// One per tab: session storage is not shared, so two tabs are two players.
function deviceId() {
  const key = 'tiltyard-device';
  let id = sessionStorage.getItem(key);
  if (!id) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    id = `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
    sessionStorage.setItem(key, id);
  }
  return id;
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
