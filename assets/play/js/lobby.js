// The lobby: our name, quick matches, and the list of what is being played.

import { drawCards } from './cards.js';

const LIST_EVERY_MS = 2000;
const GAMES = {
  arena: { badge: '✦', name: 'Arena' },
  xoxo: { badge: '✕', name: 'Noughts and crosses' },
  words: { badge: 'W', name: 'Words' },
};

export class Lobby {
  #connection;
  #enter;
  #fail;
  #timer = 0;
  #isShown = false;

  constructor(connection, { enter, fail }) {
    this.#connection = connection;
    this.#enter = enter;
    this.#fail = fail;
    drawCards();
    for (const button of document.querySelectorAll('[data-find]')) {
      this.#onClick(button, () => this.#connection.quickMatch(button.dataset.find));
    }
    for (const button of document.querySelectorAll('[data-create]')) {
      this.#onClick(button, async () => {
        const id = await this.#connection.create(button.dataset.create, this.#matchName(button.dataset.create));
        return this.#connection.join(id);
      });
    }
    document.getElementById('name-form').addEventListener('submit', (event) => this.#rename(event));
  }

  // A name for somebody who has not chosen one yet.
  firstName() {
    return `${pick(['Bold', 'Swift', 'Quiet', 'Lucky', 'Brave', 'Merry', 'Stern', 'Wild'])}${pick(['Heron', 'Lance', 'Otter', 'Falcon', 'Badger', 'Raven', 'Squire', 'Stag'])}${100 + Math.floor(Math.random() * 900)}`;
  }

  showName(name) {
    document.getElementById('name').value = name;
  }

  setShown(isShown) {
    if (isShown === this.#isShown) return;
    this.#isShown = isShown;
    clearTimeout(this.#timer);
    if (isShown) this.#refresh();
  }

  async #refresh() {
    if (this.#connection.state === 'online' && !document.hidden) {
      try {
        this.#showMatches(await this.#connection.listMatches());
      } catch {
        // The next refresh may fare better, and a lost connection is told elsewhere.
      }
    }
    if (this.#isShown) this.#timer = setTimeout(() => this.#refresh(), LIST_EVERY_MS);
  }

  #showMatches(matches) {
    matches.sort((a, b) => Number(b.open) - Number(a.open) || b.players - a.players);
    const list = document.getElementById('matches');
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.join : null;
    list.replaceChildren(...matches.filter(({ game }) => GAMES[game]).map((match) => this.#row(match)));
    if (!list.children.length) {
      list.innerHTML = '<li class="none">Nothing yet. A quick match opens the first one.</li>';
    }
    if (focused) list.querySelector(`[data-join="${CSS.escape(focused)}"]`)?.focus();
    const count = matches.reduce((sum, match) => sum + (match.players ?? 0), 0);
    document.getElementById('lobby-count').textContent = count === 1 ? '1 player' : `${count} players`;
  }

  #row({ id, game, name, open, players, max }) {
    const row = document.createElement('li');
    row.innerHTML = `<span class="badge ${game}">${GAMES[game].badge}</span><div><b></b><small>${GAMES[game].name}</small></div>
      <span class="seats"></span><button class="button quiet small"></button>`;
    row.querySelector('b').textContent = name || GAMES[game].name;
    row.querySelector('.seats').textContent = `${players} of ${max}`;
    const button = row.querySelector('button');
    button.textContent = open ? 'Join' : players < max ? 'Begun' : 'Full';
    button.disabled = !open;
    button.dataset.join = id;
    this.#onClick(button, () => this.#connection.join(id));
    return row;
  }

  #onClick(button, find) {
    button.addEventListener('click', async () => {
      button.disabled = true;
      await this.#enter(find);
      button.disabled = false;
    });
  }

  async #rename(event) {
    event.preventDefault();
    const field = document.getElementById('name');
    const hint = document.getElementById('name-hint');
    const name = field.value.trim();
    if (name === this.#connection.username) return;
    if (!/^[\p{L}\p{N}._-]{2,20}$/u.test(name)) {
      hint.textContent = 'Between 2 and 20 letters, digits, dots and dashes.';
      hint.classList.add('wrong');
      return;
    }
    try {
      await this.#connection.rename(name);
      hint.textContent = `You are ${name}.`;
      hint.classList.remove('wrong');
    } catch (error) {
      hint.classList.add('wrong');
      hint.textContent = error?.status === 409 || error?.status === 400 ? 'That name is taken.' : 'The name could not be saved.';
      if (!error?.status) this.#fail(error);
    }
  }

  #matchName(game) {
    return `${this.#connection.username}’s ${game === 'arena' ? 'arena' : 'table'}`;
  }
}

const pick = (list) => list[Math.floor(Math.random() * list.length)];
