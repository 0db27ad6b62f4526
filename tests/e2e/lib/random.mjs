// Chance that comes out the same for the same seed.

export class Random {
  #state = 0x811c9dc5;

  // The seed is any text, so that a failing case can be named.
  constructor(seed) {
    for (const character of `${seed}`) this.#state = Math.imul(this.#state ^ character.codePointAt(0), 0x01000193);
  }

  // From 0 to 1, without 1. Mulberry32, by Tommy Ettinger.
  next() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let value = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  }

  below(limit) {
    return Math.floor(this.next() * limit);
  }

  of(choices) {
    return choices[this.below(choices.length)];
  }

  bytes(length) {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  text(lengthMax) {
    const letters = [...'abcdefghij0123456789-_."{}é€😀'];
    return Array.from({ length: this.below(lengthMax + 1) }, () => this.of(letters)).join('');
  }

  shuffle(list) {
    const shuffled = [...list];
    for (let at = shuffled.length - 1; at > 0; at -= 1) {
      const other = this.below(at + 1);
      [shuffled[at], shuffled[other]] = [shuffled[other], shuffled[at]];
    }
    return shuffled;
  }
}
