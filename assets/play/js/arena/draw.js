// Drawing the field. Contexts are scaled so that one unit is a metre.

const COLOURS = [
  '#4fd1c5', '#f5b944', '#ff6b81', '#7aa8ff', '#b98cff', '#8fdc6a', '#ff9f5a', '#f48fd0',
  '#57c7ff', '#e6e36a', '#c9a37f', '#6be3a2', '#ff8a8a', '#9fb0ff', '#d3d9e6', '#d27bff',
];

export const colourOf = (slot) => COLOURS[slot % COLOURS.length];

export function drawGround(context, { width, height }) {
  context.fillStyle = '#0d121c';
  context.fillRect(0, 0, width, height);
  context.strokeStyle = 'rgb(255 255 255 / 3.5%)';
  context.lineWidth = 0.05;
  context.beginPath();
  for (let x = 2; x < width; x += 2) {
    context.moveTo(x, 0);
    context.lineTo(x, height);
  }
  for (let y = 2; y < height; y += 2) {
    context.moveTo(0, y);
    context.lineTo(width, y);
  }
  context.stroke();
  context.strokeStyle = 'rgb(79 209 197 / 10%)';
  context.lineWidth = 0.12;
  context.beginPath();
  context.arc(width / 2, height / 2, 4.5, 0, Math.PI * 2);
  context.stroke();
  context.strokeStyle = '#33405a';
  context.lineWidth = 0.2;
  context.strokeRect(0, 0, width, height);
}

export function drawWalls(context, walls) {
  for (const [x, y, width, height] of walls) {
    context.fillStyle = 'rgb(0 0 0 / 35%)';
    context.beginPath();
    context.roundRect(x + 0.16, y + 0.26, width, height, 0.28);
    context.fill();
    const face = context.createLinearGradient(0, y, 0, y + height);
    face.addColorStop(0, '#33405a');
    face.addColorStop(1, '#242e43');
    context.fillStyle = face;
    context.strokeStyle = '#4a5a7b';
    context.lineWidth = 0.08;
    context.beginPath();
    context.roundRect(x, y, width, height, 0.28);
    context.fill();
    context.stroke();
  }
}

export function drawShip(context, ship, { radius, isOwn = false, now = 0 }) {
  if (!ship.alive) return;
  const colour = colourOf(ship.slot);
  context.save();
  context.translate(ship.x, ship.y);
  if (ship.shielded) {
    context.strokeStyle = `rgb(255 255 255 / ${45 + 25 * Math.sin(now / 120)}%)`;
    context.lineWidth = 0.08;
    context.beginPath();
    context.arc(0, 0, radius * 1.55, 0, Math.PI * 2);
    context.stroke();
  }
  context.rotate(Math.atan2(ship.aimY, ship.aimX));
  context.scale(radius, radius);
  context.fillStyle = 'rgb(0 0 0 / 35%)';
  hull(context, 0.12, 0.2);
  context.fill();
  context.fillStyle = colour;
  context.strokeStyle = isOwn ? '#ffffff' : 'rgb(0 0 0 / 45%)';
  context.lineWidth = isOwn ? 0.16 : 0.1;
  context.lineJoin = 'round';
  hull(context, 0, 0);
  context.fill();
  context.stroke();
  context.fillStyle = 'rgb(11 14 20 / 75%)';
  context.beginPath();
  context.ellipse(0.08, 0, 0.36, 0.24, 0, 0, Math.PI * 2);
  context.fill();
  context.restore();
}

// A pointed hull with swept wings, its nose at (1.15, 0).
function hull(context, x, y) {
  context.beginPath();
  context.moveTo(x + 1.15, y);
  context.quadraticCurveTo(x + 0.35, y + 0.5, x - 0.85, y + 0.88);
  context.quadraticCurveTo(x - 0.5, y, x - 0.85, y - 0.88);
  context.quadraticCurveTo(x + 0.35, y - 0.5, x + 1.15, y);
  context.closePath();
}

export function drawTag(context, ship, { name, radius, size }) {
  if (!ship.alive) return;
  const y = ship.y - radius * 2.1;
  context.font = `600 ${size}px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  context.fillStyle = 'rgb(233 237 245 / 88%)';
  context.fillText(name, ship.x, y);
  const width = 1.6;
  context.fillStyle = 'rgb(0 0 0 / 55%)';
  context.fillRect(ship.x - width / 2, y + 0.18, width, 0.16);
  context.fillStyle = ship.health > 40 ? colourOf(ship.slot) : '#ff6b81';
  context.fillRect(ship.x - width / 2, y + 0.18, (width * ship.health) / 100, 0.16);
}

export function drawBullet(context, bullet) {
  const length = Math.hypot(bullet.dx, bullet.dy);
  const colour = colourOf(bullet.owner);
  if (length > 0) {
    const tailX = bullet.x - (bullet.dx / length) * 1.3;
    const tailY = bullet.y - (bullet.dy / length) * 1.3;
    const tail = context.createLinearGradient(bullet.x, bullet.y, tailX, tailY);
    tail.addColorStop(0, colour);
    tail.addColorStop(1, `${colour}00`);
    context.strokeStyle = tail;
    context.lineWidth = 0.2;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(bullet.x, bullet.y);
    context.lineTo(tailX, tailY);
    context.stroke();
  }
  context.fillStyle = '#ffffff';
  context.beginPath();
  context.arc(bullet.x, bullet.y, 0.13, 0, Math.PI * 2);
  context.fill();
}

// Short-lived specks: sparks of a hit, the bang of a ship, the glow of an engine.
export class Particles {
  #list = [];

  burst(x, y, colour, { count, speed, life, size }) {
    for (let i = 0; i < count; i++) {
      const angle = Math.random() * Math.PI * 2;
      const pace = speed * (0.3 + Math.random() * 0.7);
      this.#add({ x, y, vx: Math.cos(angle) * pace, vy: Math.sin(angle) * pace, colour, life, size });
    }
  }

  glow(ship, radius) {
    const spread = () => (Math.random() - 0.5) * 1.6;
    this.#add({
      x: ship.x - ship.aimX * radius, y: ship.y - ship.aimY * radius,
      vx: -ship.aimX * 3 + spread(), vy: -ship.aimY * 3 + spread(),
      colour: colourOf(ship.slot), life: 0.28, size: 0.16,
    });
  }

  #add(particle) {
    if (this.#list.length < 600) this.#list.push({ ...particle, age: 0 });
  }

  draw(context, seconds) {
    this.#list = this.#list.filter((particle) => particle.age < particle.life);
    for (const particle of this.#list) {
      particle.age += seconds;
      particle.x += particle.vx * seconds;
      particle.y += particle.vy * seconds;
      context.globalAlpha = Math.max(0, 1 - particle.age / particle.life) * 0.8;
      context.fillStyle = particle.colour;
      context.beginPath();
      context.arc(particle.x, particle.y, particle.size, 0, Math.PI * 2);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}
