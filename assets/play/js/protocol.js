// The wire contract of the example games: op codes and payloads, as in `game-examples/*/src/wire.rs`.

export const xoxo = {
  OP_MOVE: 1, // to the server: {"cell": 0..8}
  OP_REMATCH: 2, // to the server: no payload
  OP_STATE: 10, // from the server: the whole table
  OP_REJECTED: 11, // from the server: {"reason", "text"}
};

export const arena = {
  OP_INPUT: 1, // to the server, once a tick, may be lost: encodeInputs
  OP_STATE: 10, // from the server, once a tick, may be lost: decodeState
  OP_ROSTER: 11, // from the server: {"players": [{"slot", "session_id", "user_id", "username", "transport"}]}
  OP_WELCOME: 12, // from the server: the map, and our slot
};

export const words = {
  OP_WORD: 1, // to the server: {"word"}
  OP_PASS: 2, // to the server: no payload
  OP_BEGIN: 3, // to the server: no payload
  OP_RESIGN: 4, // to the server: no payload
  OP_STATE: 10, // from the server: the whole table
  OP_REJECTED: 11, // from the server: {"reason", "text"}
  CODE_YOUR_TURN: 100, // of a notification: {"match_id", "name"}
};

export const NO_SLOT = 255;

// Inputs in one message: the new one, and those before it in case they were lost.
export const INPUTS_MAX = 4;

const INPUT_BYTES = 21;
const HEADER_BYTES = 12;
const SHIP_BYTES = 18;
const BULLET_BYTES = 7;
const KILL_BYTES = 2;

// One to `INPUTS_MAX` inputs, oldest first.
export function encodeInputs(inputs) {
  const view = new DataView(new ArrayBuffer(INPUT_BYTES * inputs.length));
  inputs.forEach(({ sequence, thrust, aim, fire }, index) => {
    const at = INPUT_BYTES * index;
    view.setUint32(at, sequence, true);
    view.setFloat32(at + 4, thrust.x, true);
    view.setFloat32(at + 8, thrust.y, true);
    view.setFloat32(at + 12, aim.x, true);
    view.setFloat32(at + 16, aim.y, true);
    view.setUint8(at + 20, fire ? 1 : 0);
  });
  return new Uint8Array(view.buffer);
}

export const encodeInput = (input) => encodeInputs([input]);

// Distances come out in metres, speeds in metres a second.
export function decodeState(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const counts = { ships: view.getUint8(8), bullets: view.getUint8(9), kills: view.getUint8(10) };
  const state = {
    tick: view.getUint32(0, true),
    isPause: view.getUint8(4) === 1,
    winner: view.getUint8(5),
    pauseTicksLeft: view.getUint16(6, true),
    ships: new Map(),
    bullets: new Map(),
    kills: [],
  };
  let at = HEADER_BYTES;
  for (let i = 0; i < counts.ships; i++, at += SHIP_BYTES) {
    const flags = view.getUint8(at + 1);
    state.ships.set(view.getUint8(at), {
      slot: view.getUint8(at),
      alive: (flags & 1) !== 0,
      shielded: (flags & 2) !== 0,
      x: view.getUint16(at + 2, true) / 1000,
      y: view.getUint16(at + 4, true) / 1000,
      vx: view.getInt16(at + 6, true) / 1000,
      vy: view.getInt16(at + 8, true) / 1000,
      aimX: view.getInt8(at + 10) / 127,
      aimY: view.getInt8(at + 11) / 127,
      health: view.getUint8(at + 12),
      respawnTicks: view.getUint8(at + 13),
      score: view.getUint16(at + 14, true),
      acknowledged: view.getUint16(at + 16, true),
    });
  }
  for (let i = 0; i < counts.bullets; i++, at += BULLET_BYTES) {
    state.bullets.set(view.getUint16(at, true), {
      owner: view.getUint8(at + 2),
      x: view.getUint16(at + 3, true) / 1000,
      y: view.getUint16(at + 5, true) / 1000,
    });
  }
  for (let i = 0; i < counts.kills; i++, at += KILL_BYTES) {
    state.kills.push({ by: view.getUint8(at), of: view.getUint8(at + 1) });
  }
  return state;
}

export const encodeJson = (value) => JSON.stringify(value);
export const decodeJson = (bytes) => JSON.parse(new TextDecoder().decode(bytes));
