// Noughts and crosses: shows the table that the server sends, and sends wishes.

import { decodeJson, encodeJson, xoxo } from './protocol.js';

const TURN_MS = 30000;
const MARKS = {
  X: '<svg viewBox="0 0 100 100" aria-hidden="true"><path class="x" d="M12 12 88 88"/><path class="x" d="M88 12 12 88"/></svg>',
  O: '<svg viewBox="0 0 100 100" aria-hidden="true"><circle class="o" cx="50" cy="50" r="40"/></svg>',
};
const GHOSTS = { X: '✕', O: '◯' };
const PLACES = ['top left', 'top', 'top right', 'left', 'middle', 'right', 'bottom left', 'bottom', 'bottom right'];

export class XoxoView {
  #connection;
  #cells = [];
  #board = document.getElementById('board');
  #frame = 0;
  #deadline = 0;
  #sessionId = '';
  #notice = '';
  table = null;

  constructor(connection) {
    this.#connection = connection;
    for (let cell = 0; cell < 9; cell++) {
      const button = document.createElement('button');
      button.className = 'cell';
      button.addEventListener('click', () => this.play(cell));
      this.#cells.push(button);
      this.#board.append(button);
    }
    document.getElementById('rematch').addEventListener('click', () => connection.send(xoxo.OP_REMATCH, ''));
    window.addEventListener('keydown', (event) => {
      if (event.target.matches?.('input, select, textarea')) return;
      if (!this.#sessionId || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^[1-9]$/.test(event.key)) this.play(Number(event.key) - 1);
    });
  }

  // Our mark, or null.
  get mark() {
    return ['X', 'O'].find((mark) => this.table?.seats[mark]?.session_id === this.#sessionId) ?? null;
  }

  open(match) {
    this.#sessionId = match.self.session_id;
    this.table = null;
    this.#show();
    cancelAnimationFrame(this.#frame);
    this.#tickClock();
  }

  close() {
    this.#sessionId = '';
    cancelAnimationFrame(this.#frame);
  }

  receive({ op_code: opCode, data }) {
    if (opCode === xoxo.OP_STATE) {
      this.table = decodeJson(data);
      this.#deadline = performance.now() + this.table.turn_ms_left;
      this.#notice = '';
      this.#show();
    } else if (opCode === xoxo.OP_REJECTED) {
      this.#notice = decodeJson(data).text;
      this.#board.classList.remove('shake');
      void this.#board.offsetWidth; // restarts the animation
      this.#board.classList.add('shake');
      this.#show();
    }
  }

  // The server decides whether the move counts.
  play(cell) {
    this.#connection.send(xoxo.OP_MOVE, encodeJson({ cell }));
  }

  #show() {
    const { table, mark } = this;
    const isOurTurn = Boolean(mark) && table?.turn === mark;
    this.#cells.forEach((button, cell) => this.#showCell(button, cell, isOurTurn));
    this.#board.classList.toggle('over', table?.phase === 'over' && Boolean(table.outcome?.line));
    for (const card of document.querySelectorAll('.player')) this.#showPlayer(card, card.dataset.mark);
    document.getElementById('xoxo-banner').textContent = this.#notice || this.#banner(isOurTurn);
    this.#showRematch();
  }

  #showCell(button, cell, isOurTurn) {
    const letter = this.table?.board[cell] ?? '.';
    const isFree = letter === '.';
    if (button.dataset.letter !== letter) {
      button.dataset.letter = letter;
      button.innerHTML = MARKS[letter] ?? '';
    }
    button.dataset.ghost = GHOSTS[this.mark] ?? '';
    button.setAttribute('aria-label', `${PLACES[cell]}: ${isFree ? 'empty' : letter}`);
    const { outcome } = this.table ?? {};
    button.classList.toggle('free', isFree && isOurTurn);
    button.classList.toggle('won', Boolean(outcome?.line?.includes(cell)));
    button.classList.toggle('by-o', outcome?.winner === 'O');
  }

  #showPlayer(card, mark) {
    const seat = this.table?.seats[mark];
    card.classList.toggle('empty', !seat);
    card.classList.toggle('turn', this.table?.turn === mark);
    card.querySelector('b').textContent = seat?.username ?? 'empty seat';
    card.querySelector('i').textContent = !seat ? 'waiting' : seat.session_id === this.#sessionId ? 'you' : 'opponent';
    card.querySelector('em').textContent = seat?.wins ?? '';
  }

  #banner(isOurTurn) {
    const { table, mark } = this;
    if (!table) return 'Taking a seat…';
    if (table.phase === 'waiting') return 'Waiting for an opponent';
    if (table.phase === 'playing') return isOurTurn ? 'Your move' : 'Their move';
    const { how, winner } = table.outcome;
    const won = winner === mark;
    if (how === 'draw') return 'A draw';
    if (how === 'time') return won ? 'They ran out of time: you win' : 'You ran out of time';
    if (how === 'left') return won ? 'Your opponent left: you win' : 'Waiting for an opponent';
    return won ? 'You win' : 'You lose';
  }

  #showRematch() {
    const { table, mark } = this;
    const rematch = document.getElementById('rematch');
    const isPossible = table?.phase === 'over' && Boolean(table.seats.X && table.seats.O && mark);
    rematch.hidden = !isPossible;
    if (!isPossible) return;
    const theirs = table.seats[mark === 'X' ? 'O' : 'X'];
    rematch.disabled = table.seats[mark].wants_rematch;
    rematch.textContent = rematch.disabled ? 'Waiting for them…' : theirs.wants_rematch ? 'They want a rematch: play' : 'Play again';
  }

  #tickClock() {
    const clock = document.getElementById('xoxo-clock');
    const left = this.table?.phase === 'playing' ? Math.max(0, this.#deadline - performance.now()) / TURN_MS : 0;
    clock.style.transform = `scaleX(${Math.min(1, left)})`;
    clock.classList.toggle('late', left < 0.25);
    this.#frame = requestAnimationFrame(() => this.#tickClock());
  }
}
