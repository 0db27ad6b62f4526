// The pictures on the lobby's cards.

import { drawShip, drawWalls, colourOf } from './arena/draw.js';

export function drawCards() {
  for (const card of document.querySelectorAll('.card')) {
    const canvas = card.querySelector('canvas');
    const context = canvas.getContext('2d');
    if (card.dataset.game === 'arena') drawArena(context);
    else if (card.dataset.game === 'words') drawTiles(context);
    else drawBoard(context);
  }
}

function drawArena(context) {
  context.scale(22, 22);
  context.fillStyle = '#0d121c';
  context.fillRect(0, 0, 30, 14);
  context.strokeStyle = 'rgb(255 255 255 / 4%)';
  context.lineWidth = 0.05;
  context.beginPath();
  for (let at = 1.5; at < 30; at += 2) {
    context.moveTo(at, 0);
    context.lineTo(at, 14);
    context.moveTo(0, at - 0.5);
    context.lineTo(30, at - 0.5);
  }
  context.stroke();
  drawWalls(context, [[10, 2, 1.2, 7], [19.5, 5.5, 6, 1.2]]);
  const shots = [[8.2, 8.7, 1, -0.38, 0], [14.5, 6.2, 1, -0.38, 0], [17, 10.6, -0.6, -0.8, 1]];
  for (const [x, y, aimX, aimY, slot] of shots) {
    const tail = context.createLinearGradient(x, y, x - aimX * 2.2, y - aimY * 2.2);
    tail.addColorStop(0, colourOf(slot));
    tail.addColorStop(1, 'transparent');
    context.strokeStyle = tail;
    context.lineWidth = 0.22;
    context.lineCap = 'round';
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x - aimX * 2.2, y - aimY * 2.2);
    context.stroke();
  }
  const ship = { alive: true, health: 100 };
  drawShip(context, { ...ship, slot: 0, x: 5.5, y: 9.8, aimX: 0.93, aimY: -0.36 }, { radius: 0.95 });
  drawShip(context, { ...ship, slot: 1, x: 18.6, y: 12.2, aimX: -0.6, aimY: -0.8 }, { radius: 0.95 });
  drawShip(context, { ...ship, slot: 2, x: 22.5, y: 3.1, aimX: -0.95, aimY: 0.3, shielded: true }, { radius: 0.95 });
}

function drawTiles(context) {
  context.fillStyle = '#0d121c';
  context.fillRect(0, 0, 640, 300);
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const size = 74;
  const gap = 10;
  [...'WORDTILESPLY'].forEach((letter, index) => {
    const x = (640 - size * 6 - gap * 5) / 2 + (index % 6) * (size + gap);
    const y = (300 - size * 2 - gap) / 2 + Math.floor(index / 6) * (size + gap);
    const isPlayed = index < 4;
    context.beginPath();
    context.roundRect(x, y, size, size, 13);
    context.fillStyle = isPlayed ? 'rgb(245 185 68 / 18%)' : '#161d2b';
    context.fill();
    context.strokeStyle = isPlayed ? '#f5b944' : '#2b3549';
    context.lineWidth = 2;
    context.stroke();
    context.fillStyle = isPlayed ? '#f5b944' : '#9aa6bd';
    context.font = '700 36px system-ui, "DejaVu Sans", sans-serif';
    context.fillText(letter, x + size / 2, y + size / 2 + 2);
  });
}

function drawBoard(context) {
  context.fillStyle = '#0d121c';
  context.fillRect(0, 0, 640, 300);
  const cell = 78;
  const gap = 10;
  const left = (640 - cell * 3 - gap * 2) / 2;
  const top = (300 - cell * 3 - gap * 2) / 2;
  const marks = 'X.OOXX..X';
  context.lineCap = 'round';
  context.lineWidth = 9;
  [...marks].forEach((mark, index) => {
    const x = left + (index % 3) * (cell + gap);
    const y = top + Math.floor(index / 3) * (cell + gap);
    const isWon = index % 4 === 0;
    context.beginPath();
    context.roundRect(x, y, cell, cell, 13);
    context.fillStyle = isWon ? 'rgb(245 185 68 / 16%)' : '#161d2b';
    context.fill();
    context.strokeStyle = mark === 'X' ? '#f5b944' : '#4fd1c5';
    context.beginPath();
    if (mark === 'X') {
      context.moveTo(x + 22, y + 22);
      context.lineTo(x + cell - 22, y + cell - 22);
      context.moveTo(x + cell - 22, y + 22);
      context.lineTo(x + 22, y + cell - 22);
    } else if (mark === 'O') {
      context.arc(x + cell / 2, y + cell / 2, 19, 0, Math.PI * 2);
    }
    context.stroke();
  });
}
