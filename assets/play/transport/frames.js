// Frames: how messages share the control stream.
//
//   length   varint, at most 4 bytes: bytes that follow, at least 1
//   kind     u8
//   body     length - 1 bytes

export const ENVELOPE = 0;
export const HELLO = 1;
export const WELCOME = 2;
export const GOODBYE = 3;
export const MATCH_HANDLE = 4;

const LENGTH_BYTES_MAX = 4;

// A frame as it travels.
export function frame(kind, body) {
  const head = [];
  let length = body.length + 1;
  if (length >= 2 ** (7 * LENGTH_BYTES_MAX)) throw new RangeError('the message is too long');
  for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
  head.push(length, kind);
  const bytes = new Uint8Array(head.length + body.length);
  bytes.set(head);
  bytes.set(body, head.length);
  return bytes;
}

// Cuts a stream of bytes into frames.
export class FrameReader {
  #buffer = new Uint8Array(1024);
  #from = 0;
  #to = 0;

  // Takes the next bytes of the stream and gives the frames that are now whole. Their bodies are views,
  // good until the next call. Throws a `RangeError` where the stream has no frame.
  push(bytes) {
    this.#append(bytes);
    const frames = [];
    for (;;) {
      const head = this.#head();
      if (!head || this.#to - head.at < head.length) return frames;
      const end = head.at + head.length;
      frames.push({ kind: this.#buffer[head.at], body: this.#buffer.subarray(head.at + 1, end) });
      this.#from = end;
    }
  }

  #append(bytes) {
    const waiting = this.#to - this.#from;
    const needed = waiting + bytes.length;
    if (this.#to + bytes.length > this.#buffer.length) {
      const buffer = needed > this.#buffer.length ? new Uint8Array(Math.max(needed, 2 * this.#buffer.length)) : this.#buffer;
      buffer.set(this.#buffer.subarray(this.#from, this.#to));
      this.#buffer = buffer;
      this.#from = 0;
      this.#to = waiting;
    }
    this.#buffer.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  // How long the next frame is and where its kind is, if its length has come.
  #head() {
    let length = 0;
    for (let count = 0; count < LENGTH_BYTES_MAX; count += 1) {
      const at = this.#from + count;
      if (at === this.#to) return null;
      const byte = this.#buffer[at];
      length |= (byte & 0x7f) << (7 * count);
      if (byte < 0x80) {
        if (byte === 0) throw new RangeError(count ? 'a length has more bytes than it needs' : 'a frame is empty');
        return { length, at: at + 1 };
      }
    }
    throw new RangeError('a length is too long');
  }
}
