// The arena on the screen: one frame after another, the camera, and what is written around it.

import { NO_SLOT, arena, decodeJson, decodeState, encodeInputs } from '../protocol.js';
import { Controls, drawSticks } from './controls.js';
import { Particles, colourOf, drawBullet, drawGround, drawShip, drawTag, drawWalls } from './draw.js';
import { Meter } from './meter.js';
import { Pilot } from './pilot.js';
import { World } from './world.js';

// Smaller than this and ships cannot be told apart: the camera follows ours instead.
const SCALE_MIN = 20;
const TAG_PX_MIN = 11;
const SHIP_PX = 30;
const HINT_MS = 9000;
const FEED_MAX = 4;
const FEED_MS = 4500;
const STEPS_MAX = 5;
// A match that says nothing for so long has ended.
const SILENCE_MS = 3000;
const NET_EVERY_MS = 250;

// What a connection is called where there is room, and where there is not.
const TRANSPORTS = {
  webtransport: { name: 'WebTransport', short: 'WT' },
  quic: { name: 'QUIC', short: 'QUIC' },
  websocket: { name: 'WebSocket', short: 'WS' },
};

const $ = (id) => document.getElementById(id);

export class ArenaView {
  #connection;
  #canvas = $('field');
  #context = this.#canvas.getContext('2d');
  #controls = new Controls(this.#canvas);
  #world = null;
  #pilot = null;
  #roster = new Map();
  #particles = new Particles();
  #frame = 0;
  #lastFrame = 0;
  #lag = 0;
  #camera = { scale: 20, left: 0, top: 0 };
  #own = null;
  #meter = new Meter();
  #shown = { scores: '', banner: '', netAt: 0 };
  #autopilot = null;
  #hintTimer = 0;
  #lastState = 0;

  constructor(connection) {
    this.#connection = connection;
    new ResizeObserver(() => this.#resize()).observe(this.#canvas);
  }

  open() {
    this.#world = null;
    this.#pilot = null;
    this.#roster = new Map();
    this.#own = null;
    this.#lag = 0;
    this.#controls.active = true;
    $('feed').replaceChildren();
    $('arena-hint').textContent = this.#controls.isTouch
      ? 'Left thumb flies, right thumb aims and fires'
      : 'WASD or arrows to fly, mouse to aim, hold its button or space to fire';
    $('arena-hint').classList.remove('read');
    clearTimeout(this.#hintTimer);
    this.#hintTimer = setTimeout(() => $('arena-hint').classList.add('read'), HINT_MS);
    this.#canvas.focus({ preventScroll: true });
    cancelAnimationFrame(this.#frame);
    this.#lastFrame = performance.now();
    this.#frame = requestAnimationFrame((now) => this.#draw(now));
  }

  close() {
    cancelAnimationFrame(this.#frame);
    this.#controls.active = false;
    this.#world = null;
    this.#autopilot = null;
  }

  // For tests: our slot, the newest state of every ship, and a hand on the stick.
  get slot() {
    return this.#world?.welcome.slot ?? NO_SLOT;
  }

  get tick() {
    return this.#world?.newest?.tick ?? -1;
  }

  ships() {
    const ships = [...(this.#world?.newest?.ships.values() ?? [])];
    return ships.map((ship) => ({ ...ship, username: this.#world.nameOf(ship.slot) }));
  }

  fly(wish) {
    this.#autopilot = wish;
  }

  receive({ op_code: opCode, data }) {
    if (opCode === arena.OP_WELCOME) {
      this.#world = new World(decodeJson(data));
      this.#world.roster = this.#roster;
      this.#pilot = new Pilot(this.#world);
      this.#lastState = performance.now();
    } else if (opCode === arena.OP_ROSTER) {
      this.#roster = new Map(decodeJson(data).players.map((player) => [player.slot, player]));
      if (this.#world) this.#world.roster = this.#roster;
    } else if (opCode === arena.OP_STATE && this.#world) {
      this.#take(decodeState(data));
    }
  }

  #take(state) {
    const { newest, welcome } = this.#world;
    this.#lastState = performance.now();
    // Kills come reliably, so that a newer state may have overtaken them. The rest of an old one is old.
    for (const kill of state.kills) this.#tell(kill);
    if (newest && state.tick <= newest.tick) return;
    if (newest) this.#showDeeds(newest, state);
    this.#world.add(state, performance.now());
    this.#pilot.correct(state.ships.get(welcome.slot));
    this.#showHud(state);
  }

  // Hits, bangs and walls struck, worked out from what changed between two snapshots.
  #showDeeds(before, after) {
    for (const [slot, ship] of after.ships) {
      const old = before.ships.get(slot);
      if (!old) continue;
      if (old.alive && !ship.alive) {
        this.#particles.burst(ship.x, ship.y, colourOf(slot), { count: 46, speed: 9, life: 0.9, size: 0.2 });
        this.#particles.burst(ship.x, ship.y, '#ffffff', { count: 14, speed: 5, life: 0.4, size: 0.14 });
      } else if (ship.health < old.health) {
        this.#particles.burst(ship.x, ship.y, '#ffffff', { count: 9, speed: 6, life: 0.3, size: 0.12 });
      }
    }
    for (const [id, bullet] of before.bullets) {
      if (after.bullets.has(id)) continue;
      this.#particles.burst(bullet.x, bullet.y, colourOf(bullet.owner), { count: 5, speed: 4, life: 0.25, size: 0.1 });
    }
  }

  #tell({ by, of }) {
    const line = document.createElement('p');
    line.append(this.#nameTag(by), ' shot down ', this.#nameTag(of));
    const feed = $('feed');
    feed.append(line);
    while (feed.children.length > FEED_MAX) feed.firstChild.remove();
    setTimeout(() => line.remove(), FEED_MS);
  }

  #nameTag(slot) {
    const tag = document.createElement('b');
    tag.textContent = slot === this.slot ? 'You' : this.#world.nameOf(slot);
    tag.style.color = colourOf(slot);
    return tag;
  }

  #showHud(state) {
    const own = state.ships.get(this.slot);
    const health = own?.health ?? 0;
    $('health').style.transform = `scaleX(${health / 100})`;
    $('health').parentElement.classList.toggle('low', health <= 40);
    $('health-text').textContent = health;
    this.#showScores(state);
    this.#showBanner(state, own);
  }

  #showScores(state) {
    const ships = [...state.ships.values()].sort((a, b) => b.score - a.score || a.slot - b.slot);
    const key = ships.map(({ slot, score }) => `${slot}:${score}:${this.#world.nameOf(slot)}:${this.#transportOf(slot)}`).join();
    if (key === this.#shown.scores) return;
    this.#shown.scores = key;
    $('scores').replaceChildren(...ships.slice(0, 8).map(({ slot, score }) => {
      const row = document.createElement('li');
      row.className = slot === this.slot ? 'me' : '';
      row.innerHTML = '<i></i><span></span><small></small><b></b>';
      row.querySelector('i').style.background = colourOf(slot);
      row.querySelector('span').textContent = this.#world.nameOf(slot);
      row.querySelector('b').textContent = score;
      const transport = this.#transportOf(slot);
      row.querySelector('small').textContent = TRANSPORTS[transport]?.short ?? '';
      row.querySelector('small').title = TRANSPORTS[transport]?.name ?? '';
      row.querySelector('small').className = transport;
      return row;
    }));
  }

  // Drones have none.
  #transportOf(slot) {
    return this.#roster.get(slot)?.transport ?? '';
  }

  // Our own connection: what it is, how long an answer takes, and what became of its datagrams.
  #showNet(now) {
    const stats = this.#connection.stats();
    if (!stats) return;
    this.#meter.note(now, stats);
    if (now - this.#shown.netAt < NET_EVERY_MS) return;
    this.#shown.netAt = now;
    const { roundTripMs } = this.#connection;
    const { loss } = this.#meter;
    const hasDatagrams = stats.transport === 'webtransport';
    $('net').className = `hud hud-net ${stats.transport}`;
    $('net-transport').textContent = TRANSPORTS[stats.transport]?.name ?? '';
    $('net-rtt').textContent = roundTripMs === null ? '–' : `${Math.max(1, Math.round(roundTripMs))} ms`;
    $('net-loss').textContent = loss === null ? '–' : `${(100 * loss).toFixed(1)} %`;
    $('net-loss').parentElement.hidden = !hasDatagrams;
    $('net-in').textContent = shortNumber(stats.datagramsReceived);
    $('net-out').textContent = shortNumber(stats.datagramsSent);
    $('net-datagrams').hidden = !hasDatagrams;
    $('net-none').hidden = hasDatagrams;
  }

  #showBanner(state, own) {
    const rate = this.#world.welcome.tick_rate;
    let title = '';
    let text = '';
    if (state.isPause) {
      title = state.winner === this.slot ? 'You win the round' : `${this.#world.nameOf(state.winner)} wins the round`;
      text = `Next round in ${Math.ceil(state.pauseTicksLeft / rate)}`;
    } else if (own && !own.alive && own.respawnTicks > 0) {
      title = 'Shot down';
      text = `Back in ${Math.ceil(own.respawnTicks / rate)}`;
    } else if (state.ships.size === 1) {
      text = 'Nobody else is here yet. Open this page in another tab, or send a friend the address.';
    }
    this.#setBanner(title, text);
  }

  #setBanner(title, text) {
    const key = `${title}|${text}`;
    if (key === this.#shown.banner) return;
    this.#shown.banner = key;
    const small = document.createElement('small');
    small.textContent = text;
    $('arena-banner').replaceChildren(title, small);
  }

  #draw(now) {
    this.#frame = requestAnimationFrame((next) => this.#draw(next));
    const seconds = Math.min(0.25, (now - this.#lastFrame) / 1000);
    this.#lastFrame = now;
    const context = this.#context;
    const ratio = this.#canvas.width / this.#canvas.clientWidth;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    if (!this.#world || !Number.isFinite(ratio)) return;
    if (performance.now() - this.#lastState > SILENCE_MS && this.#connection.state === 'online') {
      this.#setBanner('Silence', 'The match does not answer any more. Leave, and find another one.');
    }
    this.#steer(seconds);
    this.#showNet(performance.now());
    const { ships, bullets } = this.#seen(performance.now(), seconds);
    this.#aimCamera();
    const { scale, left, top } = this.#camera;
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * left, ratio * top);
    this.#drawField(context, ships, bullets, { seconds, now });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawSticks(context, this.#controls.sticks);
    this.#clearView();
  }

  #drawField(context, ships, bullets, { seconds, now }) {
    const { welcome } = this.#world;
    const { radius } = welcome;
    // Names stay readable when the field is small.
    const tag = Math.max(0.46, TAG_PX_MIN / this.#camera.scale);
    drawGround(context, welcome);
    for (const ship of ships) {
      if (ship.alive && Math.hypot(ship.vx, ship.vy) > 2 && Math.random() < seconds * 45) this.#particles.glow(ship, radius);
    }
    drawWalls(context, welcome.walls);
    for (const bullet of bullets) drawBullet(context, bullet);
    this.#particles.draw(context, seconds);
    for (const ship of ships) drawShip(context, ship, { radius, isOwn: ship.slot === this.slot, now });
    for (const ship of ships) drawTag(context, ship, { name: this.#world.nameOf(ship.slot), radius, size: tag });
  }

  // Inputs leave at the rate of the match, whatever the rate of the screen.
  #steer(seconds) {
    const step = 1 / this.#world.welcome.tick_rate;
    this.#lag = Math.min(this.#lag + seconds, step * STEPS_MAX);
    while (this.#lag >= step) {
      this.#lag -= step;
      const wish = this.#autopilot ?? this.#controls.wish(this.#ownOnScreen());
      this.#connection.sendUnreliable(arena.OP_INPUT, encodeInputs(this.#pilot.steer(wish)));
    }
  }

  #seen(now, seconds) {
    const seen = this.#world.at(now) ?? { ships: [], bullets: [] };
    const newest = this.#world.newest?.ships.get(this.slot);
    const place = this.#pilot.place(this.#lag * this.#world.welcome.tick_rate, seconds);
    this.#own = newest?.alive && place ? { ...newest, ...place } : null;
    const others = seen.ships.filter((ship) => ship.slot !== this.slot);
    if (!this.#own) return { ships: others, bullets: seen.bullets };
    const { aim } = this.#controls.wish(this.#ownOnScreen());
    if (aim.x || aim.y) Object.assign(this.#own, { aimX: aim.x, aimY: aim.y });
    return { ships: [...others, this.#own], bullets: seen.bullets };
  }

  #ownOnScreen() {
    if (!this.#own) return null;
    const { scale, left, top } = this.#camera;
    return { x: this.#own.x * scale + left, y: this.#own.y * scale + top };
  }

  // The scores fade while they would hide our ship.
  #clearView() {
    const scores = $('scores');
    const own = this.#ownOnScreen();
    const isOver = own && own.x > scores.offsetLeft - SHIP_PX && own.y < scores.offsetTop + scores.offsetHeight + SHIP_PX;
    scores.classList.toggle('over-ship', Boolean(isOver));
  }

  // The whole field if it fits at a readable size; else a part of it around our ship.
  #aimCamera() {
    const { width, height } = this.#world.welcome;
    const { clientWidth, clientHeight } = this.#canvas;
    const fitting = Math.min((clientWidth - 16) / width, (clientHeight - 16) / height);
    const scale = Math.max(fitting, SCALE_MIN);
    const along = (view, size, own) => {
      const slack = view - size * scale;
      if (slack >= 0) return slack / 2;
      return Math.min(24, Math.max(slack - 24, view / 2 - (own ?? size / 2) * scale));
    };
    this.#camera = { scale, left: along(clientWidth, width, this.#own?.x), top: along(clientHeight, height, this.#own?.y) };
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * ratio);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * ratio);
  }
}

// 9,999 and then 10.0k, so that it takes no more room with time.
const shortNumber = (number) => (number < 10_000 ? number.toLocaleString('en') : `${(number / 1000).toFixed(1)}k`);
