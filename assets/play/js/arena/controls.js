// Keyboard, mouse and touch, as one wish: where to fly, where to aim, whether to fire.

const KEYS = {
  KeyW: [0, -1], ArrowUp: [0, -1],
  KeyS: [0, 1], ArrowDown: [0, 1],
  KeyA: [-1, 0], ArrowLeft: [-1, 0],
  KeyD: [1, 0], ArrowRight: [1, 0],
};
const STICK_PX = 56;
const DEAD_ZONE = 0.25;

export class Controls {
  #canvas;
  #isActive = false;
  #keys = new Set();
  #mouse = null;
  #isMouseDown = false;
  // Touches by pointer id: the left half of the screen flies, the right half aims and fires.
  sticks = new Map();
  isTouch = matchMedia('(pointer: coarse)').matches;

  constructor(canvas) {
    this.#canvas = canvas;
    window.addEventListener('keydown', (event) => this.#onKey(event, true));
    window.addEventListener('keyup', (event) => this.#onKey(event, false));
    window.addEventListener('blur', () => this.#release());
    canvas.addEventListener('pointerdown', (event) => this.#onDown(event));
    canvas.addEventListener('pointermove', (event) => this.#onMove(event));
    for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, (event) => this.#onUp(event));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  set active(isActive) {
    this.#isActive = isActive;
    this.#release();
  }

  // `ownOnScreen` is where our ship is drawn, in CSS pixels.
  wish(ownOnScreen) {
    const { fly, aim } = this.#stickVectors();
    const thrust = fly ?? this.#keyVector();
    const fire = Boolean(aim) || this.#isMouseDown || this.#keys.has('Space');
    return { thrust, aim: aim ?? this.#mouseAim(ownOnScreen) ?? { x: 0, y: 0 }, fire };
  }

  #keyVector() {
    let x = 0;
    let y = 0;
    for (const [code, [dx, dy]] of Object.entries(KEYS)) {
      if (!this.#keys.has(code)) continue;
      x += dx;
      y += dy;
    }
    return shorten({ x: Math.sign(x), y: Math.sign(y) });
  }

  #mouseAim(own) {
    if (!this.#mouse || !own) return null;
    const aim = { x: this.#mouse.x - own.x, y: this.#mouse.y - own.y };
    const length = Math.hypot(aim.x, aim.y);
    return length < 1 ? null : { x: aim.x / length, y: aim.y / length };
  }

  #stickVectors() {
    const found = { fly: null, aim: null };
    for (const stick of this.sticks.values()) {
      const tilt = { x: (stick.x - stick.fromX) / STICK_PX, y: (stick.y - stick.fromY) / STICK_PX };
      if (Math.hypot(tilt.x, tilt.y) < DEAD_ZONE) continue;
      found[stick.role] = shorten(tilt);
    }
    return found;
  }

  #onKey(event, isDown) {
    if (!this.#isActive || event.ctrlKey || event.metaKey) return;
    if (!(event.code in KEYS) && event.code !== 'Space') return;
    // Whoever types does not fly, but a key that was held before may be let go.
    if (isDown && event.target.matches?.('input, select, textarea')) return;
    // A focused button is pressed by Space; everywhere else the page must not scroll.
    if (event.code === 'Space' && event.target instanceof HTMLButtonElement) return;
    if (!event.target.matches?.('input, select, textarea')) event.preventDefault();
    if (isDown) this.#keys.add(event.code);
    else this.#keys.delete(event.code);
  }

  #onDown(event) {
    this.#canvas.focus({ preventScroll: true });
    this.#canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === 'mouse') {
      this.#mouse = { x: event.offsetX, y: event.offsetY };
      if (event.button === 0) this.#isMouseDown = true;
      return;
    }
    this.isTouch = true;
    const role = event.offsetX < this.#canvas.clientWidth / 2 ? 'fly' : 'aim';
    const { offsetX: x, offsetY: y } = event;
    this.sticks.set(event.pointerId, { role, fromX: x, fromY: y, x, y });
  }

  #onMove(event) {
    if (event.pointerType === 'mouse') {
      this.#mouse = { x: event.offsetX, y: event.offsetY };
      return;
    }
    const stick = this.sticks.get(event.pointerId);
    if (stick) Object.assign(stick, { x: event.offsetX, y: event.offsetY });
  }

  #onUp(event) {
    if (event.pointerType === 'mouse') this.#isMouseDown = event.button === 0 ? false : this.#isMouseDown;
    else this.sticks.delete(event.pointerId);
  }

  #release() {
    this.#keys.clear();
    this.#isMouseDown = false;
    this.sticks.clear();
  }
}

export function drawSticks(context, sticks) {
  for (const stick of sticks.values()) {
    context.lineWidth = 2;
    context.strokeStyle = 'rgb(255 255 255 / 35%)';
    context.fillStyle = stick.role === 'aim' ? 'rgb(245 185 68 / 45%)' : 'rgb(79 209 197 / 45%)';
    context.beginPath();
    context.arc(stick.fromX, stick.fromY, STICK_PX, 0, Math.PI * 2);
    context.stroke();
    const tilt = shorten({ x: (stick.x - stick.fromX) / STICK_PX, y: (stick.y - stick.fromY) / STICK_PX });
    context.beginPath();
    context.arc(stick.fromX + tilt.x * STICK_PX, stick.fromY + tilt.y * STICK_PX, 22, 0, Math.PI * 2);
    context.fill();
  }
}

function shorten(vector) {
  const length = Math.hypot(vector.x, vector.y);
  return length > 1 ? { x: vector.x / length, y: vector.y / length } : vector;
}
