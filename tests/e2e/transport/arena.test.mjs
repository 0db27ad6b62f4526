// The netcode of the arena's page, against a server and a network made of a few lines.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Meter } from '../../../assets/play/js/arena/meter.js';
import { Pilot, fly } from '../../../assets/play/js/arena/pilot.js';
import { INPUTS_MAX, encodeInputs } from '../../../assets/play/js/protocol.js';
import { Random } from '../lib/random.mjs';

const WELCOME = { tick_rate: 30, width: 40, height: 24, radius: 0.6, walls: [[18, 10, 4, 4]] };
const START = { x: 8, y: 12, vx: 0, vy: 0 };
const STILL = { thrust: { x: 0, y: 0 }, aim: { x: 0, y: 0 }, fire: false };

test('a message has the newest inputs, oldest first', () => {
  const pilot = new Pilot({ welcome: WELCOME });
  const sequences = () => pilot.steer(STILL).map(({ sequence }) => sequence);
  assert.deepEqual([1, 2, 3, 4, 5].map(sequences), [[1], [1, 2], [1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5]]);
  pilot.correct({ ...START, alive: true, acknowledged: 5 });
  assert.deepEqual(sequences(), [6], 'what was used is not sent again');
  pilot.correct({ alive: false, acknowledged: 6 });
  assert.deepEqual(sequences(), [7], 'nor while the ship is down');
  assert.equal(encodeInputs(pilot.steer(STILL)).length, 2 * 21);
});

// The rules of `InputQueue` in the game: each number once and in order, one for each tick, the last one held.
class Server {
  ship = START;
  acknowledged = 0;
  #waiting = [];
  #newest = 0;
  #last = STILL;

  take(inputs) {
    for (const input of inputs) {
      if (input.sequence <= this.#newest) continue;
      this.#newest = input.sequence;
      this.#waiting.push(input);
    }
    this.#waiting = this.#waiting.slice(-INPUTS_MAX);
  }

  step() {
    const next = this.#waiting.shift();
    if (next) {
      this.#last = next;
      this.acknowledged = next.sequence & 0xffff;
    }
    this.ship = fly(this.ship, this.#last, WELCOME);
    return { ...this.ship, alive: true, acknowledged: this.acknowledged };
  }
}

// Loses, copies and delays; `arriving` gives what has come by now, in any order.
class Network {
  #underway = [];

  constructor(random, isBad) {
    this.random = random;
    this.isBad = isBad;
  }

  send(now, message) {
    const copies = this.isBad ? this.random.of([0, 1, 1, 1, 1, 2]) : 1;
    for (let copy = 0; copy < copies; copy += 1) this.#underway.push({ at: now + (this.isBad ? this.random.below(5) : 1), message });
  }

  arriving(now) {
    const come = this.#underway.filter(({ at }) => at <= now);
    this.#underway = this.#underway.filter(({ at }) => at > now);
    return this.random.shuffle(come).map(({ message }) => message);
  }
}

// Where the page shows the ship in the end, and where it is; and the largest correction on the way.
function play(seed, isBad) {
  const random = new Random(seed);
  const [up, down] = [new Network(random, isBad), new Network(random, isBad)];
  const server = new Server();
  const pilot = new Pilot({ welcome: WELCOME });
  pilot.correct({ ...START, alive: true, acknowledged: 0 });
  let heard = 0;
  let wish = STILL;
  let jump = 0;
  for (let tick = 1; tick <= 400; tick += 1) {
    if (tick === 300) {
      up.isBad = down.isBad = false;
      wish = STILL;
    } else if (tick < 300 && random.below(10) === 0) {
      const angle = random.next() * 2 * Math.PI;
      wish = { ...STILL, thrust: { x: Math.cos(angle), y: Math.sin(angle) } };
    }
    up.send(tick, pilot.steer(wish));
    for (const inputs of up.arriving(tick)) server.take(inputs);
    down.send(tick, { tick, ship: server.step() });
    for (const { tick: told, ship } of down.arriving(tick)) {
      if (told <= heard) continue;
      heard = told;
      const before = pilot.place(1, 1e9);
      pilot.correct(ship);
      const after = pilot.place(1, 1e9);
      jump = Math.max(jump, Math.hypot(after.x - before.x, after.y - before.y));
    }
  }
  const shown = pilot.place(1, 1e9);
  return { jump, apart: Math.hypot(shown.x - server.ship.x, shown.y - server.ship.y) };
}

test('where nothing is lost our own ship is never corrected', () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { jump, apart } = play(`fine ${seed}`, false);
    assert.ok(jump < 1e-9 && apart < 1e-9, `seed "fine ${seed}": ${jump} ${apart}`);
  }
});

test('after loss, copies and disorder it is where the server has it', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const { jump, apart } = play(`bad ${seed}`, true);
    assert.ok(apart < 1e-6, `seed "bad ${seed}": ${apart} m apart`);
    // A tick at full speed is 0.3 m; a few of them steered otherwise are no jump.
    assert.ok(jump < 3, `seed "bad ${seed}": corrected by ${jump} m`);
  }
});

test('loss is that of the last seconds', () => {
  const meter = new Meter();
  const stats = { transport: 'webtransport', datagramsReceived: 0, duplicates: 0, lost: 0 };
  assert.equal(meter.loss, null);
  meter.note(0, stats);
  assert.equal(meter.loss, null, 'nothing has come');
  meter.note(1000, { ...stats, datagramsReceived: 30, duplicates: 3, lost: 3 });
  assert.equal(meter.loss, 0.1, 'copies do not make it better');
  for (let second = 2; second <= 8; second += 1) meter.note(second * 1000, { ...stats, datagramsReceived: 30 * second, duplicates: 3, lost: 3 });
  assert.equal(meter.loss, 0, 'what is long ago is forgotten');
  meter.note(9000, { ...stats, datagramsReceived: 1 });
  assert.equal(meter.loss, null, 'another connection counts anew');
});
