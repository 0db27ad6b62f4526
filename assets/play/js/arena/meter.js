// How good the connection is: what share of the server's datagrams was lost in the last seconds.

const WINDOW_MS = 5000;
const EVERY_MS = 250;
// With fewer, one more or less says nothing.
const COUNT_MIN = 20;

export class Meter {
  #samples = [];

  // Takes note of the adapter's counts now.
  note(now, { transport, datagramsReceived, duplicates, lost }) {
    const last = this.#samples.at(-1);
    if (last && now - last.now < EVERY_MS) return;
    // Another connection counts anew.
    if (last && (last.transport !== transport || last.datagramsReceived > datagramsReceived)) this.#samples = [];
    this.#samples.push({ now, transport, datagramsReceived, duplicates, lost });
    while (this.#samples[0].now < now - WINDOW_MS) this.#samples.shift();
  }

  // From 0 to 1; `null` while there is too little to tell.
  get loss() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first) return null;
    const got = last.datagramsReceived - first.datagramsReceived - (last.duplicates - first.duplicates);
    // A gap from before may have been filled since.
    const lost = Math.max(0, last.lost - first.lost);
    return got + lost < COUNT_MIN ? null : lost / (got + lost);
  }
}
