// A socket of the official client over the adapter, in a page of a real browser: Node.js has no WebTransport.
// The test stays here; what it calls on the socket is called there, and what arrives there comes here.

import { after } from 'node:test';
import { bare, launch, quit } from './browser.mjs';

let page;
let count = 0;
const listeners = new Map();

// One page for all players of a test file; each has a connection of its own.
function pageOfAll() {
  page ??= (async () => {
    await launch();
    const opened = await bare();
    await opened.exposeFunction('arrived', (id, kind, event) => listeners.get(id)?.(kind, event));
    await opened.evaluate(() => {
      window.sockets = new Map();
      // Events and errors do not travel as they are.
      window.plain = (value) => {
        if (value instanceof Event) return { type: value.type, code: value.code, reason: value.reason, wasClean: value.wasClean };
        return value instanceof Error ? { message: value.message } : value;
      };
    });
    return opened;
  })();
  return page;
}

after(async () => {
  if (!page) return;
  await page;
  await quit();
});

// `on(kind, event)` hears of everything; kinds are the names of the client's handlers without `on`.
export async function pageSocket({ token, isOnline, kinds, on, transport = 'webtransport' }) {
  const id = ++count;
  listeners.set(id, on);
  const there = await pageOfAll();
  await call(there, async ({ id, token, isOnline, kinds, transport }) => {
    const [{ Client }, { TiltyardAdapter }] = await Promise.all([import('/vendor/nakama-js.js'), import('/tiltyard-transport.js')]);
    const { hostname, port, protocol } = location;
    const isSecure = protocol === 'https:';
    const adapter = new TiltyardAdapter({ transport });
    const socket = new Client('defaultkey', hostname, port, isSecure).createSocket(isSecure, false, adapter);
    for (const kind of kinds) socket[`on${kind}`] = (event) => window.arrived(id, kind, window.plain(event));
    window.sockets.set(id, socket);
    await socket.connect({ token }, isOnline);
  }, { id, token, isOnline, kinds, transport });

  const method = (name) => (...args) => call(there, ({ id, name, args }) => {
    const socket = window.sockets.get(id);
    return name === 'stats' ? socket.adapter.stats() : socket[name](...args);
  }, { id, name, args });
  // Whoever awaits the socket itself must not find a promise.
  return new Proxy({}, { get: (_, name) => (typeof name === 'symbol' || name === 'then' ? undefined : method(name)) });
}

// Runs a function there. What it rejects with is thrown here as it is, as the client does.
async function call(there, what, argument) {
  const source = `(${what})`;
  const { value, error } = await there.evaluate(async ({ source, argument }) => {
    try {
      return { value: await (0, eval)(source)(argument) };
    } catch (thrown) {
      return { error: window.plain(thrown) };
    }
  }, { source, argument });
  if (error !== undefined) throw error;
  return value;
}

