// A WebTransport without a network: what the page would see of one, and both hands on the other end.

import { FrameReader, GOODBYE, HELLO, WELCOME, frame } from '../../../assets/play/transport/frames.js';
import { decode, encode } from '../../../assets/play/transport/protobuf.js';

// A queue that is waited for: `await next()` gives what `push` was given, in order.
class Queue {
  #items = [];
  #waiting = [];

  push(item) {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(item);
    else this.#items.push(item);
  }

  next() {
    return this.#items.length ? Promise.resolve(this.#items.shift()) : new Promise((resolve) => this.#waiting.push(resolve));
  }
}

// All that were opened, oldest first; `await opened.next()` waits for one.
export const opened = new Queue();
export let openedCount = 0;

export class FakeWebTransport {
  // What happens to the next ones: `open`, `refuse`, `hang` (never answers), `throw`,
  // `locked` (opens, but datagrams cannot be written).
  static mood = 'open';

  frames = new Queue();
  datagramsOut = [];
  closedWith = null;
  isStreamFinished = false;
  #stream;
  #datagrams;
  #close;
  #reader = new FrameReader();
  #blocked = null;
  #unblock = null;
  #isStreamBlocked = false;

  constructor(url, options) {
    openedCount += 1;
    if (FakeWebTransport.mood === 'throw') throw new DOMException('no such option', 'NotSupportedError');
    this.url = url;
    this.options = options;
    this.mood = FakeWebTransport.mood;
    this.closed = new Promise((resolve, reject) => {
      this.#close = { resolve, reject };
    });
    this.ready = ['open', 'locked'].includes(this.mood) ? Promise.resolve() : new Promise((resolve, reject) => {
      if (this.mood === 'refuse') reject(new Error('Opening handshake failed.'));
      else this.closed.catch(reject);
    });
    this.datagrams = {
      readable: new ReadableStream({ start: (controller) => { this.#datagrams = controller; } }),
      writable: new WritableStream({
        write: async (bytes) => {
          await this.#blocked;
          this.datagramsOut.push(bytes);
        },
      }, new CountQueuingStrategy({ highWaterMark: 1 })),
      incomingHighWaterMark: 1,
      outgoingHighWaterMark: 1,
    };
    if (this.mood === 'locked') this.datagrams.writable.getWriter();
    opened.push(this);
  }

  async createBidirectionalStream() {
    return {
      readable: new ReadableStream({ start: (controller) => { this.#stream = controller; } }),
      writable: new WritableStream({
        write: (bytes) => {
          if (this.#isStreamBlocked) return new Promise(() => {});
          for (const { kind, body } of this.#reader.push(bytes)) this.frames.push({ kind, body: body.slice() });
        },
        close: () => {
          this.isStreamFinished = true;
        },
      }),
    };
  }

  close(how = {}) {
    if (this.closedWith) return;
    this.closedWith = how;
    if (this.mood === 'hang') this.#close.reject(new Error('closed before it was open'));
    else this.#close.resolve(how);
  }

  // --- the other end ----------------------------------------------------------------------------------

  // The next frame of the client, which must be of this kind, as an object.
  async expect(kind, type) {
    const { kind: got, body } = await this.frames.next();
    if (got !== kind) throw new Error(`expected a frame of kind ${kind}, got ${got}`);
    return decode(type, body);
  }

  async welcome() {
    const hello = await this.expect(HELLO, 'tiltyard.v1.Hello');
    this.say(WELCOME, 'tiltyard.v1.Welcome', { version: 1, session_id: 's' });
    return hello;
  }

  say(kind, type, object) {
    this.raw(frame(kind, encode(type, object)));
  }

  raw(bytes) {
    this.#stream.enqueue(bytes);
  }

  goodbye(code, reason) {
    this.say(GOODBYE, 'tiltyard.v1.Goodbye', { code, reason });
    this.#stream.close();
  }

  hangUp() {
    this.#stream.close();
  }

  datagram(bytes) {
    this.#datagrams.enqueue(bytes);
  }

  // The network is gone.
  vanish() {
    const error = new Error('Connection lost.');
    this.#stream.error(error);
    this.#datagrams.error(error);
    this.#close.reject(error);
  }

  // The server reads nothing more of the stream.
  blockStream() {
    this.#isStreamBlocked = true;
  }

  // Datagrams do not leave until `unblock`.
  block() {
    this.#blocked = new Promise((resolve) => {
      this.#unblock = resolve;
    });
  }

  unblock() {
    this.#blocked = null;
    this.#unblock();
  }
}
