// The panel at the side, in the lobby and in every game: party, matchmaking, chat.

import { ChatPanel } from './chat.js';
import { PartyPanel } from './party.js';
import { QueuePanel } from './queue.js';

const $ = (id) => document.getElementById(id);

export class Social {
  #connection;
  #isFirst = true;

  constructor(connection, { fail }) {
    this.#connection = connection;
    this.chat = new ChatPanel(connection, { fail, isSeen: () => !$('social').hidden });
    this.party = new PartyPanel(connection, {
      fail,
      changed: () => {
        this.queue?.reset();
        this.chat.enter('party', this.party.id && `party-${this.party.id}`);
      },
    });
    this.queue = new QueuePanel(connection, { party: this.party, fail });
    for (const event of ['partypresence', 'partyleader']) {
      connection.addEventListener(event, () => (event === 'partypresence' ? this.queue.reset() : this.queue.show()));
    }
    connection.addEventListener('state', ({ detail: state }) => {
      if (state === 'online') this.#connected();
    });
    $('social-toggle').addEventListener('click', () => this.toggle());
    $('social-close').addEventListener('click', () => this.toggle(false));
  }

  toggle(isOpen = $('social').hidden) {
    $('social').hidden = !isOpen;
    document.body.classList.toggle('with-social', isOpen);
    $('social-toggle').setAttribute('aria-expanded', isOpen);
    if (isOpen) this.chat.seen();
  }

  // The room of the match we are in, or of none.
  follow(match) {
    this.chat.enter('match', match?.match_id ?? null);
  }

  #connected() {
    if (this.#isFirst) {
      this.#isFirst = false;
      this.chat.enter('lobby', 'lobby');
      return;
    }
    this.queue.reset();
    // The party first: who is in none any more is in none of its rooms either.
    this.party.reconnected();
    this.chat.reconnected();
  }
}
