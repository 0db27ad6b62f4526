// The official client leaves its timers running when a call is answered or a socket closed: seven seconds, or
// thirty. Nobody waits for those, so they do not keep a test file alive that is over.

const LONG_MS = 5000;
const { setTimeout } = globalThis;

globalThis.setTimeout = (callback, ms, ...args) => {
  const timer = setTimeout(callback, ms, ...args);
  return ms >= LONG_MS ? timer.unref() : timer;
};
