// Match data in datagrams: nothing is repaired, and nothing waits.
//
//   flags      u8       bits 7-6: 01, the version; bit 1: NEWEST; bit 0: SENDER; the others 0
//   handle     varint   which match; u32
//   sequence   u16      big-endian; counts up by one from 0, per handle and direction, and wraps
//   op code    varint   zigzag, i64
//   sender              only with SENDER: user id (16 bytes), session id (16 bytes), name (varint
//                       length, UTF-8)
//   data                the rest

import { Reader, Writer } from './protobuf.js';

// Header included. What is longer goes on the control stream.
export const DATAGRAM_BYTES_MAX = 1100;

const VERSION = 0b0100_0000;
const NEWEST = 0b10;
const SENDER = 0b01;
const ID_BYTES = 16;

// A byte order mark is a character like any other; what is not UTF-8 is no name.
const names = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const text = new TextEncoder();

// --- one datagram -----------------------------------------------------------------------------------

// `sender` is for servers and tests; it has the ids and the name that presences have.
export function writeDatagram({ handle, sequence, newest = false, opCode, sender, data }) {
  const writer = new Writer();
  writer.byte(VERSION | (newest ? NEWEST : 0) | (sender ? SENDER : 0));
  writer.varint(handle);
  writer.byte(sequence >> 8);
  writer.byte(sequence & 0xff);
  const code = BigInt(opCode);
  writer.longVarint(BigInt.asUintN(64, (code << 1n) ^ (code >> 63n)));
  if (sender) {
    const name = text.encode(sender.username);
    writer.raw(idBytes(sender.user_id));
    writer.raw(idBytes(sender.session_id));
    writer.varint(name.length);
    writer.raw(name);
  }
  writer.raw(data);
  return writer.finish();
}

// The datagram in these bytes, with data of its own; `null` if there is none of this version.
export function readDatagram(bytes) {
  if (bytes.length > DATAGRAM_BYTES_MAX) return null;
  try {
    const reader = new Reader(bytes);
    const flags = reader.byte();
    if ((flags & ~(NEWEST | SENDER)) !== VERSION) return null;
    const handle = Number(leastVarint(reader, 32n));
    const sequence = (reader.byte() << 8) | reader.byte();
    const zigzag = leastVarint(reader, 64n);
    const opCode = Number((zigzag >> 1n) ^ -(zigzag & 1n));
    const sender = flags & SENDER ? readSender(reader) : undefined;
    return { handle, sequence, newest: (flags & NEWEST) !== 0, opCode, sender, data: new Uint8Array(bytes.subarray(reader.at)) };
  } catch {
    return null;
  }
}

// A number with no more bits than there may be, in no more bytes than it needs.
function leastVarint(reader, bits) {
  const from = reader.at;
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.byte();
    value |= BigInt(byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if ((byte === 0 && reader.at > from + 1) || value >> bits) break;
    return value;
  }
  throw new RangeError('a number is too long');
}

const readSender = (reader) => ({
  user_id: idText(reader.raw(ID_BYTES)),
  session_id: idText(reader.raw(ID_BYTES)),
  username: names.decode(reader.raw(Number(leastVarint(reader, 32n)))),
});

function idText(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function idBytes(id) {
  const hex = id.replaceAll('-', '');
  return Uint8Array.from({ length: ID_BYTES }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

// --- what a receiver drops --------------------------------------------------------------------------

const WINDOW = 64;
const OP_CODES_MAX = 32;
const LATE_IN_A_ROW_MAX = 64;

// Decides which datagrams of one match are passed on, and counts the others.
//
// Sequence numbers are compared as those of RFC 1982. After 64 that were too late in a row the next is
// taken for the newest: then more than half of the numbers were lost at once.
export class Receiver {
  // Everything that came; of that, what was dropped for being had before, for coming more than the window
  // behind, or for being older than the newest of its op code; and gaps that are not filled.
  counts = { received: 0, duplicates: 0, late: 0, outdated: 0, lost: 0 };
  // The position of the newest: its sequence number, not wrapping. What is before 0 has one, too.
  #newest = 0xffff;
  // Bit `n` says that the one `n + 1` before the newest was had. Before 0 there is nothing to wait for.
  #had = BigInt.asUintN(WINDOW, -1n);
  #isStarted = false;
  #lateInARow = 0;
  #newestOf = new Map();

  // Whether to pass it on.
  accept(sequence, opCode, newest) {
    this.counts.received += 1;
    const position = this.#place(sequence);
    if (position === null) return false;
    if (!newest || !this.#isOutdated(opCode, position)) return true;
    this.counts.outdated += 1;
    return false;
  }

  // Notes that it is had and gives its position, or `null` if it is to be dropped.
  #place(sequence) {
    const ahead = (sequence - this.#newest) & 0xffff;
    const behind = -ahead & 0xffff;
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#advance(sequence + 1);
    } else if (ahead >= 1 && ahead < 0x8000) {
      this.#advance(ahead);
    } else if (behind <= WINDOW) {
      return this.#fill(behind);
    } else if (this.#lateInARow < LATE_IN_A_ROW_MAX) {
      this.#lateInARow += 1;
      this.counts.late += 1;
      return null;
    } else {
      this.#newest += ahead;
      this.#had = BigInt.asUintN(WINDOW, -1n);
    }
    this.#lateInARow = 0;
    return this.#newest;
  }

  #advance(steps) {
    // Further than the window nothing is remembered.
    const shift = BigInt(Math.min(steps, WINDOW + 1));
    this.#had = BigInt.asUintN(WINDOW, ((this.#had << 1n) | 1n) << (shift - 1n));
    this.#newest += steps;
    this.counts.lost += steps - 1;
  }

  #fill(behind) {
    this.#lateInARow = 0;
    const bit = behind === 0 ? 0n : 1n << BigInt(behind - 1);
    if (behind === 0 || this.#had & bit) {
      this.counts.duplicates += 1;
      return null;
    }
    this.#had |= bit;
    this.counts.lost -= 1;
    return this.#newest - behind;
  }

  // Few op codes are in use at once; with more, the one that is longest ago is forgotten.
  #isOutdated(opCode, position) {
    const known = this.#newestOf.get(opCode);
    if (known !== undefined && position < known) return true;
    if (known === undefined && this.#newestOf.size >= OP_CODES_MAX) {
      const [oldest, at] = [...this.#newestOf].reduce((a, b) => (b[1] < a[1] ? b : a));
      if (at > position) return false;
      this.#newestOf.delete(oldest);
    }
    this.#newestOf.set(opCode, position);
    return false;
  }
}
