// The seam of the official client: `client.createSocket(useSSL, verbose, new TiltyardAdapter())`.
//
// Which transport it is shows before the first word is said: HELLO goes out only where WebTransport is
// chosen, and a WebSocket is opened only where it is not, so that a player never has two sessions.

import { WebSocketSession } from './websocket.js';
import { WebTransportSession, openWebTransport } from './webtransport.js';

// Of the protocol.
const VERSION = 1;
const OTHER_VERSION = 4426;

const TIMEOUT_MS = 2000;
// A network that lets no UDP through will not do so in a minute either.
const REMEMBERED_MS = 5 * 60_000;

// When each server last could not be reached over WebTransport.
const failures = new Map();

export class TiltyardAdapter {
  // As on the client's own adapters: set when the connection has been begun.
  onOpen = null;
  onMessage = null;
  onError = null;
  onClose = null;
  #options;
  #attempt = null;
  #session = null;

  // `transport`: `auto`, `webtransport` (or nothing), `websocket`. `timeoutMs`: how long to try WebTransport.
  constructor({ transport = 'auto', timeoutMs = TIMEOUT_MS } = {}) {
    if (!['auto', 'webtransport', 'websocket'].includes(transport)) throw new TypeError(`there is no transport ${transport}`);
    this.#options = { transport, timeoutMs };
  }

  // `webtransport` or `websocket`; `null` before it is decided.
  get transport() {
    return this.#session?.transport ?? null;
  }

  // What has come and gone since the connection began. `lost` is what the server sent in datagrams and has not
  // arrived; `late` came, but too late to be of use; `datagramsDropped` never left, because newer ones had to.
  stats() {
    const nothing = { datagramsSent: 0, datagramsDropped: 0, datagramsReceived: 0, datagramsIgnored: 0, lost: 0, late: 0, duplicates: 0, bytesIn: 0, bytesOut: 0 };
    return { transport: this.transport, ...nothing, ...this.#session?.counts, ...this.#session?.received?.() };
  }

  isOpen() {
    return this.#session?.isOpen ?? false;
  }

  connect(scheme, host, port, createStatus, token) {
    this.#attempt?.abort.abort(new Error('another connection was begun'));
    const attempt = { abort: new AbortController() };
    const before = this.#session;
    this.#attempt = attempt;
    this.#session = null;
    // The server would keep it, and the player would have two.
    before?.close();
    const isSecure = scheme.startsWith('wss');
    const target = { http: `http${isSecure ? 's' : ''}://${host}:${port}`, host, createStatus, token };
    target.socket = `${scheme}${host}:${port}/ws?lang=en&status=${encodeURIComponent(`${createStatus}`)}&token=${encodeURIComponent(token)}`;
    this.#choose(attempt, target).catch((error) => this.#fail(attempt, error));
  }

  send(message) {
    this.#session.send(message);
  }

  close() {
    if (this.#session) return this.#session.close();
    if (!this.#attempt) return;
    // Given up before it was decided.
    this.#attempt.abort.abort(new Error('the connection was closed'));
    this.#end(this.#attempt, this.#attempt.end ?? closeEvent({ code: 1006, reason: '', wasClean: false }));
  }

  async #choose(attempt, target) {
    if (this.#wantsWebTransport(target.http)) await this.#tryWebTransport(attempt, target);
    else this.#openWebSocket(attempt, target);
  }

  #wantsWebTransport(server) {
    const { transport } = this.#options;
    if (transport !== 'auto') return transport === 'webtransport';
    return typeof globalThis.WebTransport === 'function' && !(performance.now() < failures.get(server));
  }

  async #tryWebTransport(attempt, target) {
    const { transport, timeoutMs } = this.#options;
    const { abort } = attempt;
    const timer = setTimeout(() => abort.abort(new Error('WebTransport did not connect in time')), timeoutMs);
    let opened;
    let failure;
    try {
      opened = await this.#open(target, attempt);
    } catch (error) {
      failure = error;
    }
    clearTimeout(timer);
    if (this.#attempt !== attempt) return opened && opened.transport.close();
    if (opened) return this.#begin(attempt, opened, target);
    if (attempt.isReached) failures.set(target.http, performance.now() + REMEMBERED_MS);
    if (transport === 'auto') return this.#openWebSocket(attempt, target);
    this.#fail(attempt, failure);
  }

  // Asks where it is and goes there. Throws if there is nothing, or it cannot be reached.
  async #open({ http, host }, attempt) {
    if (typeof globalThis.WebTransport !== 'function') throw new Error('this browser has no WebTransport');
    const { signal } = attempt.abort;
    const answer = await fetch(`${http}/v2/tiltyard/transport`, { signal, cache: 'no-store', credentials: 'omit' });
    if (!answer.ok) throw new Error('this server has no WebTransport');
    const { version, webtransport, certificate_hashes: hashes = [] } = await answer.json();
    if (version !== VERSION || !webtransport) throw new Error('this server has no WebTransport');
    // From here on a failure costs the player time, and is remembered.
    attempt.isReached = true;
    const url = `https://${host}:${webtransport.port}${webtransport.path}`;
    return openWebTransport(globalThis.WebTransport, url, hashes.map(fromBase64), signal);
  }

  #begin(attempt, opened, target) {
    failures.delete(target.http);
    try {
      this.#session = this.#webTransportSession(attempt, opened, target);
    } catch (error) {
      // A browser whose datagrams are not what they should be; the next attempt uses a WebSocket.
      failures.set(target.http, performance.now() + REMEMBERED_MS);
      opened.transport.close();
      throw error;
    }
  }

  #webTransportSession(attempt, opened, { http, createStatus, token }) {
    let wasOpen = false;
    return new WebTransportSession(opened, {
      token,
      online: Boolean(createStatus),
      events: {
        open: () => {
          wasOpen = true;
          this.#tell(attempt, 'onOpen', new Event('open'));
        },
        message: (message) => this.#tell(attempt, 'onMessage', message),
        // Where a browser's socket does not get as far as open, it says error and then close.
        close: (how) => {
          const event = closeEvent(how);
          // A network may let the handshake through, and then no more; a server may have another version.
          if (!wasOpen && (!how.wasClean || how.code === OTHER_VERSION)) failures.set(http, performance.now() + REMEMBERED_MS);
          if (!wasOpen) this.#tell(attempt, 'onError', event);
          this.#end(attempt, event);
        },
      },
    });
  }

  #openWebSocket(attempt, { socket }) {
    this.#session = new WebSocketSession(globalThis.WebSocket, socket, {
      open: () => this.#tell(attempt, 'onOpen', new Event('open')),
      message: (message) => this.#tell(attempt, 'onMessage', message),
      error: (event) => this.#tell(attempt, 'onError', event),
      close: (event) => this.#end(attempt, event),
    });
  }

  #fail(attempt, error) {
    // The official client answers an error with `close`, which ends it with the same event.
    attempt.end = closeEvent({ code: 1006, reason: error?.message ?? '', wasClean: false });
    this.#tell(attempt, 'onError', attempt.end);
    this.#end(attempt, attempt.end);
  }

  #end(attempt, event) {
    if (this.#attempt !== attempt) return;
    this.#attempt = null;
    this.onClose?.(event);
  }

  // What belongs to an earlier connection goes unheard.
  #tell(attempt, handler, detail) {
    if (this.#attempt === attempt) this[handler]?.(detail);
  }
}

function closeEvent(how) {
  return typeof CloseEvent === 'function' ? new CloseEvent('close', how) : Object.assign(new Event('close'), how);
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
