// What the server told us, and what the field looked like a moment ago.
//
// Snapshots come thirty times a second but not evenly. Everything but our own ship is shown a
// little in the past, between two snapshots that have both arrived, so that it moves smoothly.

const BEHIND_MS = 100;
const KEPT = 24;

export class World {
  #snapshots = [];
  #offset = null;
  #tickMs;
  roster = new Map();
  welcome;

  constructor(welcome) {
    this.welcome = welcome;
    this.#tickMs = 1000 / welcome.tick_rate;
  }

  get newest() {
    return this.#snapshots.at(-1) ?? null;
  }

  add(state, now) {
    if (this.newest && state.tick <= this.newest.tick) return;
    this.#snapshots.push(state);
    if (this.#snapshots.length > KEPT) this.#snapshots.shift();
    // When tick 0 was, by our clock, had this message come without delay. The quickest messages
    // tell it best; creeping the other way follows a clock that runs slower than ours.
    const sample = now - state.tick * this.#tickMs;
    if (this.#offset === null || sample < this.#offset) this.#offset = sample;
    else this.#offset += (sample - this.#offset) * 0.01;
  }

  nameOf(slot) {
    return this.roster.get(slot)?.username ?? '';
  }

  // Ships and bullets as they were `BEHIND_MS` ago.
  at(now) {
    const snapshots = this.#snapshots;
    if (!snapshots.length) return null;
    const tick = (now - this.#offset - BEHIND_MS) / this.#tickMs;
    let index = snapshots.findLastIndex((snapshot) => snapshot.tick <= tick);
    if (index < 0) index = 0;
    const from = snapshots[index];
    const to = snapshots[index + 1] ?? from;
    const share = to === from ? 0 : Math.min(1, Math.max(0, (tick - from.tick) / (to.tick - from.tick)));
    return { ships: mixShips(from, to, share), bullets: mixBullets(from, to, share) };
  }
}

function mixShips(from, to, share) {
  const ships = [];
  for (const ship of from.ships.values()) {
    const next = to.ships.get(ship.slot);
    // A ship that appears or goes does not fly to its new place.
    if (!next || !ship.alive || !next.alive) ships.push(ship);
    else ships.push({ ...ship, ...mixPlace(ship, next, share), ...mixAim(ship, next, share) });
  }
  return ships;
}

function mixBullets(from, to, share) {
  const bullets = [];
  for (const [id, bullet] of from.bullets) {
    const next = to.bullets.get(id);
    if (next) {
      bullets.push({ id, owner: bullet.owner, ...mixPlace(bullet, next, share), dx: next.x - bullet.x, dy: next.y - bullet.y });
    } else if (to === from) {
      bullets.push({ id, ...bullet, dx: 0, dy: 0 });
    }
  }
  return bullets;
}

const mixPlace = (a, b, share) => ({ x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share });

function mixAim(a, b, share) {
  const aimX = a.aimX + (b.aimX - a.aimX) * share;
  const aimY = a.aimY + (b.aimY - a.aimY) * share;
  const length = Math.hypot(aimX, aimY) || 1;
  return { aimX: aimX / length, aimY: aimY / length };
}
