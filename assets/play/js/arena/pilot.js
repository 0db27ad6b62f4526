// Our own ship, shown without waiting for the server.
//
// Every input is applied here at once and remembered. When a snapshot tells where our ship was
// after input N, the inputs after N are applied to that again; the difference to what is on the
// screen fades away instead of jumping. The flight below is `Ship::fly` in `ship.rs`.

import { INPUTS_MAX } from '../protocol.js';

const THRUST_MPS = 2.25;
const SPEED_KEPT = 0.8;
const FADE_PER_S = 12;
const JUMP_M = 3;
// Four seconds: whoever gets no answer for longer has lost the connection.
const PENDING_MAX = 120;

export class Pilot {
  #world;
  #pending = [];
  #sequence = 0;
  #before = null;
  #after = null;
  #fault = { x: 0, y: 0 };

  constructor(world) {
    this.#world = world;
  }

  // One tick of steering. Gives the inputs to send: this one, and before it the last that the server is not
  // known to have used, as it may never have got them.
  steer(wish) {
    const input = { sequence: ++this.#sequence, ...wish };
    this.#pending.push(input);
    if (this.#pending.length > PENDING_MAX) this.#pending.shift();
    if (this.#after) {
      this.#before = this.#after;
      this.#after = fly(this.#after, input, this.#world.welcome);
    }
    return this.#pending.slice(-INPUTS_MAX);
  }

  // Takes the server's word for where we were. An older word than the last must not come here.
  correct(ship) {
    if (ship) {
      const isUsed = (input) => ((ship.acknowledged - input.sequence) & 0xffff) < 0x8000;
      this.#pending = this.#pending.filter((input) => !isUsed(input));
    }
    if (!ship?.alive) {
      this.#before = this.#after = null;
      this.#fault = { x: 0, y: 0 };
      return;
    }
    const shown = this.#after;
    let state = { x: ship.x, y: ship.y, vx: ship.vx, vy: ship.vy };
    let before = state;
    for (const input of this.#pending) {
      before = state;
      state = fly(state, input, this.#world.welcome);
    }
    this.#before = before;
    this.#after = state;
    if (!shown) return;
    this.#fault.x += shown.x - state.x;
    this.#fault.y += shown.y - state.y;
    if (Math.hypot(this.#fault.x, this.#fault.y) > JUMP_M) this.#fault = { x: 0, y: 0 };
  }

  // Where to draw our ship: `share` of the way through the current tick.
  place(share, seconds) {
    if (!this.#after) return null;
    const fade = Math.exp(-FADE_PER_S * seconds);
    this.#fault.x *= fade;
    this.#fault.y *= fade;
    return {
      x: this.#before.x + (this.#after.x - this.#before.x) * share + this.#fault.x,
      y: this.#before.y + (this.#after.y - this.#before.y) * share + this.#fault.y,
    };
  }
}

export function fly({ x, y, vx, vy }, { thrust }, { tick_rate: rate, width, height, radius, walls }) {
  const ship = { vx: (vx + thrust.x * THRUST_MPS) * SPEED_KEPT, vy: (vy + thrust.y * THRUST_MPS) * SPEED_KEPT };
  ship.x = x + ship.vx / rate;
  ship.y = y + ship.vy / rate;
  keepIn(ship, 'x', 'vx', width, radius);
  keepIn(ship, 'y', 'vy', height, radius);
  for (const wall of walls) pushOut(ship, wall, radius);
  return ship;
}

function keepIn(ship, axis, speed, size, radius) {
  const kept = clamp(ship[axis], radius, size - radius);
  if (kept === ship[axis]) return;
  ship[axis] = kept;
  ship[speed] = 0;
}

function pushOut(ship, [left, top, width, height], radius) {
  const awayX = ship.x - clamp(ship.x, left, left + width);
  const awayY = ship.y - clamp(ship.y, top, top + height);
  const distance = Math.hypot(awayX, awayY);
  if (distance >= radius || distance < 1e-6) return;
  const nx = awayX / distance;
  const ny = awayY / distance;
  ship.x += nx * (radius - distance);
  ship.y += ny * (radius - distance);
  const into = Math.min(0, ship.vx * nx + ship.vy * ny);
  ship.vx -= nx * into;
  ship.vy -= ny * into;
}

const clamp = (value, min, max) => Math.min(max, Math.max(min, value));
