// Remembers which functions of the official client the tests have really called, and how the calls ended.
// What `TILTYARD_CALLED` names is the file of that memory; each line is a function and an outcome:
// `ok`, `refused` by the server, or `heard` for a handler. `coverage/` reads it.

import { appendFileSync } from 'node:fs';

const FILE = process.env.TILTYARD_CALLED;
const written = new Set();

export function record(name, outcome) {
  const line = `${name} ${outcome}\n`;
  if (!FILE || written.has(line)) return;
  written.add(line);
  appendFileSync(FILE, line);
}

// A response, the socket's `{ code, message }`, or an upgrade refused. A mistake of the test is none of these, nor
// is a server that cannot be reached.
function isAnswer(error) {
  if (error instanceof Response) return true;
  if (error?.type === 'error') return /server response/.test(error.message);
  return error?.message !== undefined && !(error instanceof Error);
}

// The same object for the test. What it calls of itself is not recorded: nobody has asked for that.
export function recorded(target, prefix) {
  return new Proxy(target, {
    get(_, name) {
      const value = target[name];
      return typeof value === 'function' ? recordedFunction(target, value, `${prefix}.${String(name)}`) : value;
    },
    set(_, name, value) {
      target[name] = typeof value === 'function' && name.startsWith('on') ? heard(value, `${prefix}.${name}`) : value;
      return true;
    },
  });
}

const recordedFunction = (target, method, name) => (...args) => {
  const result = method.apply(target, args);
  if (typeof result?.then !== 'function') record(name, 'ok');
  else result.then(() => record(name, 'ok'), (error) => isAnswer(error) && record(name, 'refused'));
  return result;
};

const heard = (handler, name) => (...args) => {
  record(name, 'heard');
  return handler(...args);
};
