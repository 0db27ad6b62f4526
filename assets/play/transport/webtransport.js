// A session over WebTransport: envelopes as frames on one stream, match data in datagrams.

import { DATAGRAM_BYTES_MAX, Receiver, readDatagram, writeDatagram } from './datagrams.js';
import { ENVELOPE, FrameReader, GOODBYE, HELLO, MATCH_HANDLE, WELCOME, frame } from './frames.js';
import { decode, encode, toBytes } from './protobuf.js';

const VERSION = 1;
const OVER = 1000;
const BROKEN_PROTOCOL = 1002;
// What browsers say of a connection that broke.
const ABNORMAL = 1006;

// The server answers HELLO within five seconds of the first packet, or says that it will not.
const WELCOME_MS = 7000;
// How long whoever ends the session waits for the other to take it.
const GOODBYE_MS = 1000;
// Datagrams that wait to leave, and datagrams that wait for the page. A page that was busy for a quarter of
// a second finds 15 of a game at 60 Hz, twice each on a lossy path, and there may be more op codes than one.
const OUTGOING_MAX = 16;
const INCOMING_MAX = 128;
// Datagrams may overtake the name of their match; these wait for it.
const EARLY_MAX = 16;
// Bytes that wait for the stream: with more, match data that may be lost is; with far more, the connection is.
const WAITING_LOSSY_BYTES_MAX = 64 * 1024;
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

// Opens the connection and its control stream. Nothing is said yet, so the server has no session of it.
//
// `close` of what it gives is safe at any time, and is called if `signal` aborts.
export function openWebTransport(WebTransport, url, hashes, signal) {
  const options = { requireUnreliable: true, congestionControl: 'low-latency' };
  if (hashes.length) options.serverCertificateHashes = hashes.map((value) => ({ algorithm: 'sha-256', value }));
  const transport = new WebTransport(url, options);
  // Whoever waits for one of these hears of it there.
  for (const promise of [transport.ready, transport.closed]) promise.catch(() => {});
  return new Promise((resolve, reject) => {
    const give = (error) => {
      quietly(() => transport.close());
      reject(error);
    };
    if (signal.aborted) return give(signal.reason);
    const onAbort = () => give(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    transport.ready
      .then(() => transport.createBidirectionalStream())
      .then((stream) => {
        signal.removeEventListener('abort', onAbort);
        if (!signal.aborted) resolve({ transport, stream });
      })
      .catch(give);
  });
}

export class WebTransportSession {
  transport = 'webtransport';
  isOpen = false;
  counts = { datagramsSent: 0, datagramsDropped: 0, datagramsReceived: 0, datagramsIgnored: 0, bytesIn: 0, bytesOut: 0 };
  #transport;
  #writer;
  #frames = new FrameReader();
  #outgoing;
  // By handle: the match, its receiver, and the number of the next datagram to it.
  #matches = new Map();
  // By match: its handle.
  #handles = new Map();
  // Datagrams of matches without a name, oldest first.
  #early = [];
  #waitingBytes = 0;
  #events;
  #goodbye = null;
  #isOver = false;
  #timer;

  // `events`: `open()`, `message(object)`, and once `close({ code, reason, wasClean })`.
  constructor({ transport, stream }, { token, online, events }) {
    this.#transport = transport;
    this.#events = events;
    this.#writer = stream.writable.getWriter();
    this.#writer.closed.catch(() => {});
    this.#outgoing = new Outgoing(transport.datagrams, this.counts);
    roomForArrivals(transport.datagrams);
    this.#write(HELLO, encode('tiltyard.v1.Hello', { version: VERSION, token, online, lang: 'en' }));
    this.#timer = setTimeout(() => this.#fail('The server did not answer.'), WELCOME_MS);
    this.#readFrames(stream.readable.getReader());
    this.#readDatagrams(transport.datagrams.readable.getReader());
    transport.closed.then(
      ({ closeCode, reason } = {}) => this.#end(closeCode || OVER, reason ?? '', true),
      () => this.#end(ABNORMAL, '', false),
    );
  }

  // What has become of all datagrams from the server.
  received() {
    const sum = { duplicates: 0, late: 0, lost: 0 };
    for (const { receiver: { counts } } of this.#matches.values()) {
      sum.duplicates += counts.duplicates;
      sum.late += counts.late + counts.outdated;
      sum.lost += counts.lost;
    }
    return sum;
  }

  send(message) {
    const data = message.match_data_send;
    if (data?.reliable === false) {
      if (this.#sendDatagram(data)) return;
      if (this.#waitingBytes > WAITING_LOSSY_BYTES_MAX) {
        this.counts.datagramsDropped += 1;
        return;
      }
    }
    this.#write(ENVELOPE, encode('nakama.realtime.Envelope', message));
  }

  // Says goodbye and hangs up.
  close() {
    this.#hangUp(OVER, '');
  }

  // --- out ------------------------------------------------------------------------------------------

  // Whether it could go that way.
  #sendDatagram({ match_id: matchId, op_code: opCode, data, presences }) {
    const handle = this.#handles.get(matchId);
    // A datagram cannot name recipients.
    if (handle === undefined || presences?.length) return false;
    const match = this.#matches.get(handle);
    const { sequence } = match;
    const bytes = writeDatagram({ handle, sequence, opCode, data: toBytes(data ?? '') });
    if (bytes.length > DATAGRAM_BYTES_MAX) return false;
    match.sequence = (sequence + 1) & 0xffff;
    this.#outgoing.push(bytes);
    return true;
  }

  // The stream keeps the order and waits for its reader, as a WebSocket does.
  #write(kind, body) {
    const bytes = frame(kind, body);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) return this.#fail('Too much waits to be sent.');
    this.counts.bytesOut += bytes.length;
    this.#waitingBytes += bytes.length;
    this.#writer.write(bytes).then(() => {
      this.#waitingBytes -= bytes.length;
    }, () => {});
  }

  // --- in -------------------------------------------------------------------------------------------

  async #readFrames(reader) {
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        this.counts.bytesIn += value.length;
        if (!this.#takeAll(value)) return;
      }
    } catch {
      // The stream broke; `closed` says why.
      return;
    }
    if (!this.#goodbye) return this.#fail('The server hung up.');
    // It has taken our goodbye.
    quietly(() => this.#transport.close({ closeCode: this.#goodbye.code, reason: this.#goodbye.reason }));
  }

  // Whether the server keeps to the protocol. If not, it is told so.
  #takeAll(bytes) {
    try {
      for (const { kind, body } of this.#frames.push(bytes)) this.#take(kind, body);
      return true;
    } catch (error) {
      this.#hangUp(BROKEN_PROTOCOL, error.message);
      return false;
    }
  }

  #take(kind, body) {
    // What the server still says after our goodbye goes unheard, as after the close of a WebSocket.
    if (this.#goodbye) return;
    if (kind === ENVELOPE) this.#tell('message', decode('nakama.realtime.Envelope', body));
    else if (kind === WELCOME) this.#welcome();
    else if (kind === MATCH_HANDLE) this.#name(decode('tiltyard.v1.MatchHandle', body));
    else if (kind === GOODBYE) this.#part(decode('tiltyard.v1.Goodbye', body));
  }

  #welcome() {
    if (this.isOpen) return;
    clearTimeout(this.#timer);
    this.isOpen = true;
    this.#tell('open');
  }

  // A name that is told again keeps its numbers. A match whose name was given up gets another one.
  #name({ handle = 0, match_id: matchId = '' }) {
    const known = this.#matches.get(handle);
    if (known) known.matchId = matchId;
    else this.#matches.set(handle, { matchId, receiver: new Receiver(), sequence: 0 });
    this.#handles.set(matchId, handle);
    const isOfIt = (datagram) => datagram.handle === handle;
    const early = this.#early.filter(isOfIt);
    this.#early = this.#early.filter((datagram) => !isOfIt(datagram));
    this.counts.datagramsIgnored -= early.length;
    for (const datagram of early) this.#deliver(datagram);
  }

  async #readDatagrams(reader) {
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done || this.#goodbye) return;
        this.#takeDatagram(value);
      }
    } catch {
      // The connection is gone; `closed` says why.
    }
  }

  #takeDatagram(bytes) {
    this.counts.bytesIn += bytes.length;
    const datagram = readDatagram(bytes);
    if (datagram && this.#matches.has(datagram.handle)) return this.#deliver(datagram);
    this.counts.datagramsIgnored += 1;
    if (!datagram) return;
    this.#early.push(datagram);
    if (this.#early.length > EARLY_MAX) this.#early.shift();
  }

  #deliver({ handle, sequence, opCode, newest, sender, data }) {
    const match = this.#matches.get(handle);
    this.counts.datagramsReceived += 1;
    if (!match.receiver.accept(sequence, opCode, newest)) return;
    const message = { match_id: match.matchId, op_code: opCode, data, reliable: false };
    if (sender) message.presence = sender;
    this.#tell('message', { match_data: message });
  }

  // --- the end --------------------------------------------------------------------------------------

  // The server has ended the session.
  #part({ code = OVER, reason = '' }) {
    this.#goodbye = { code, reason };
    this.#finish();
    this.#end(code, reason, true);
  }

  // We end it, and say so.
  #hangUp(code, reason) {
    if (this.#isOver || this.#goodbye) return;
    this.#write(GOODBYE, encode('tiltyard.v1.Goodbye', { code, reason }));
    this.#goodbye = { code, reason };
    this.isOpen = false;
    this.#finish();
  }

  // Ends our side of the stream. The connection ends with the server's side, or after a second.
  #finish() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const { code, reason } = this.#goodbye;
      quietly(() => this.#transport.close({ closeCode: code, reason }));
      this.#end(code, reason, true);
    }, GOODBYE_MS);
    this.#transport.closed.finally(() => clearTimeout(this.#timer)).catch(() => {});
    this.#writer.close().catch(() => {});
  }

  // The connection is of no use any more.
  #fail(reason) {
    if (this.#isOver) return;
    quietly(() => this.#transport.close({ closeCode: ABNORMAL, reason }));
    this.#end(ABNORMAL, reason, false);
  }

  #end(code, reason, wasClean) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.isOpen = false;
    if (!this.#goodbye) clearTimeout(this.#timer);
    this.#outgoing.stop();
    this.#tell('close', this.#goodbye ? { ...this.#goodbye, wasClean: true } : { code, reason, wasClean });
  }

  // What a handler throws is the page's affair, not the connection's.
  #tell(event, detail) {
    try {
      this.#events[event](detail);
    } catch (error) {
      reportError(error);
    }
  }
}

// Datagrams on their way out. What cannot leave waits here, and the oldest gives way to the newest.
class Outgoing {
  #writer;
  #waiting = [];
  #isPumping = false;
  #counts;

  constructor(datagrams, counts) {
    this.#counts = counts;
    quietly(() => {
      datagrams.outgoingHighWaterMark = OUTGOING_MAX;
    });
    this.#writer = (datagrams.createWritable?.() ?? datagrams.writable).getWriter();
    this.#writer.closed.catch(() => {});
  }

  push(bytes) {
    if (!this.#waiting) return;
    this.#waiting.push(bytes);
    if (this.#waiting.length > OUTGOING_MAX) {
      this.#waiting.shift();
      this.#counts.datagramsDropped += 1;
    }
    if (!this.#isPumping) this.#pump();
  }

  stop() {
    this.#waiting = null;
  }

  async #pump() {
    this.#isPumping = true;
    try {
      while (this.#waiting?.length) {
        if (this.#writer.desiredSize <= 0) {
          await this.#writer.ready;
          continue;
        }
        const bytes = this.#waiting.shift();
        this.#writer.write(bytes).catch(() => {});
        this.#counts.datagramsSent += 1;
        this.#counts.bytesOut += bytes.length;
      }
    } catch {
      // The connection is gone; `closed` says why.
      this.stop();
    }
    this.#isPumping = false;
  }
}

// Browsers keep one datagram for the page unless told otherwise, and drop the rest of a burst.
function roomForArrivals(datagrams) {
  quietly(() => {
    datagrams.incomingHighWaterMark = INCOMING_MAX;
  });
}

function quietly(attempt) {
  try {
    attempt();
  } catch {
    // It was so already, or cannot be.
  }
}
