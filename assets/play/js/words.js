// Words: shows the table that the server sends, and sends wishes.

import { decodeJson, encodeJson, words } from './protocol.js';

const TURN_MS = 30000;
const VALUES = { d: 2, g: 2, b: 3, c: 3, m: 3, p: 3, f: 4, h: 4, v: 4, w: 4, y: 4, k: 5, j: 8, x: 8, q: 10, z: 10 };
const $ = (id) => document.getElementById(id);

export class WordsView {
  #connection;
  #notice = '';
  #deadline = 0;
  #frame = 0;
  table = null;

  constructor(connection) {
    this.#connection = connection;
    $('word-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.play($('word').value.trim());
    });
    $('word').addEventListener('input', () => this.#showLetters());
    $('words-pass').addEventListener('click', () => connection.send(words.OP_PASS, ''));
    $('words-begin').addEventListener('click', () => connection.send(words.OP_BEGIN, ''));
    $('words-resign').addEventListener('click', () => connection.send(words.OP_RESIGN, ''));
  }

  get isOurTurn() {
    return this.table?.phase === 'playing' && this.table.turn === this.#userId;
  }

  get #userId() {
    return this.#connection.session?.user_id;
  }

  open() {
    this.table = null;
    this.#notice = '';
    $('word').value = '';
    this.#show();
    cancelAnimationFrame(this.#frame);
    this.#tickClock();
  }

  close() {
    cancelAnimationFrame(this.#frame);
  }

  receive({ op_code: opCode, data }) {
    if (opCode === words.OP_STATE) {
      const wasOurTurn = this.isOurTurn;
      this.table = decodeJson(data);
      this.#deadline = performance.now() + this.table.turn_ms_left;
      this.#notice = '';
      if (wasOurTurn && !this.isOurTurn) $('word').value = '';
      this.#show();
      if (!wasOurTurn && this.isOurTurn) this.#focus();
    } else if (opCode === words.OP_REJECTED) {
      this.#notice = decodeJson(data).text;
      const form = $('word-form');
      form.classList.remove('shake');
      void form.offsetWidth; // restarts the animation
      form.classList.add('shake');
      this.#show();
    }
  }

  // The server decides whether it is a word.
  play(word) {
    if (word) this.#connection.send(words.OP_WORD, encodeJson({ word }));
  }

  // Not while the player writes elsewhere, nor where it would bring up a keyboard over the tiles.
  #focus() {
    if ($('social').contains(document.activeElement) || matchMedia('(pointer: coarse)').matches) return;
    $('word').focus({ preventScroll: true });
  }

  #show() {
    const { table } = this;
    const isPlaying = table?.phase === 'playing';
    const seat = table?.seats.find(({ user_id: user }) => user === this.#userId);
    $('words-banner').textContent = this.#notice || this.#banner();
    $('words-seats').replaceChildren(...(table?.seats ?? []).map((one) => this.#seat(one)));
    $('word-form').hidden = !isPlaying || !seat || seat.out;
    for (const id of ['word', 'word-play', 'words-pass']) $(id).disabled = !this.isOurTurn;
    $('words-begin').hidden = table?.phase !== 'waiting';
    $('words-begin').disabled = (table?.seats.length ?? 0) < 2;
    $('words-resign').hidden = !isPlaying || !seat || seat.out;
    $('words-played').replaceChildren(...[...(table?.played ?? [])].reverse().map((one) => this.#word(one)));
    this.#showLetters();
  }

  #banner() {
    const { table } = this;
    if (!table) return 'Taking a seat…';
    if (table.phase === 'waiting') return table.seats.length < 2 ? 'Waiting for somebody to play with' : 'Begin when everybody is here';
    if (table.phase === 'playing') return `${this.isOurTurn ? 'Your turn' : `${this.#nameOf(table.turn)} is looking for a word`} · round ${table.round} of ${table.rounds}`;
    const { how, winners } = table.outcome;
    if (winners.length > 1) return `A draw between ${winners.map((id) => this.#nameOf(id)).join(' and ')}`;
    const won = winners[0] === this.#userId ? 'You win' : `${this.#nameOf(winners[0])} wins`;
    return how === 'left' ? `All others are gone: ${won[0].toLowerCase()}${won.slice(1)}` : won;
  }

  #nameOf(userId) {
    if (userId === this.#userId) return 'you';
    return this.table.seats.find(({ user_id: user }) => user === userId)?.username ?? 'somebody';
  }

  #seat({ user_id: user, username, score, here, out }) {
    const card = document.createElement('div');
    card.className = `player${this.table.turn === user ? ' turn' : ''}${here && !out ? '' : ' away'}`;
    card.innerHTML = '<b></b><i></i><em></em>';
    card.querySelector('b').textContent = username;
    card.querySelector('i').textContent = out ? 'out' : !here ? 'looks away' : user === this.#userId ? 'you' : 'plays';
    card.querySelector('em').textContent = score;
    return card;
  }

  #word({ user_id: user, word, points }) {
    const row = document.createElement('li');
    row.innerHTML = '<b></b><span></span><em></em>';
    row.querySelector('b').textContent = word;
    row.querySelector('span').textContent = this.#nameOf(user);
    row.querySelector('em').textContent = `+${points}`;
    return row;
  }

  // A tile is used up by what is typed, and typed by a click.
  #showLetters() {
    const left = [...$('word').value.toLowerCase()];
    $('letters').replaceChildren(...[...(this.table?.letters ?? '')].map((letter) => {
      const tile = document.createElement('button');
      const at = left.indexOf(letter);
      if (at >= 0) left.splice(at, 1);
      tile.type = 'button';
      tile.className = `tile${at >= 0 ? ' used' : ''}`;
      tile.disabled = !this.isOurTurn || at >= 0;
      tile.append(letter);
      const value = document.createElement('small');
      value.textContent = VALUES[letter] ?? 1;
      tile.append(value);
      tile.addEventListener('click', () => {
        $('word').value += letter;
        this.#showLetters();
      });
      return tile;
    }));
  }

  #tickClock() {
    const clock = $('words-clock');
    const left = this.table?.phase === 'playing' ? Math.max(0, this.#deadline - performance.now()) / TURN_MS : 0;
    clock.style.transform = `scaleX(${Math.min(1, left)})`;
    clock.classList.toggle('late', left < 0.25);
    this.#frame = requestAnimationFrame(() => this.#tickClock());
  }
}
