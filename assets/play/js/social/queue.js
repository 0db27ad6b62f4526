// Looking for players: a ticket of the matchmaker, for us alone or for our party.

const $ = (id) => document.getElementById(id);

export class QueuePanel {
  #connection;
  #party;
  #fail;
  #ticket = null;

  constructor(connection, { party, fail }) {
    this.#connection = connection;
    this.#party = party;
    this.#fail = fail;
    $('queue-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#look();
    });
    $('queue-cancel').addEventListener('click', () => this.#cancel());
    connection.addEventListener('partymatchmakerticket', ({ detail: { party_id: id, ticket } }) => this.#wait({ ticket, party: id }));
    connection.addEventListener('matched', () => this.reset());
    this.reset();
  }

  // Whoever comes to the party or leaves it takes its ticket away; the server does the same.
  reset() {
    this.#ticket = null;
    this.#show();
  }

  // Full matches are made at once, so that both numbers are the same.
  async #look() {
    const game = $('queue-game').value;
    const count = Number($('queue-count').value);
    const query = `+properties.game:${game} +properties.players:${count}`;
    const strings = { game, players: String(count) };
    const { socket } = this.#connection;
    const { id } = this.#party;
    try {
      if (!id) this.#wait(await socket.addMatchmaker(query, count, count, strings, {}));
      else this.#wait({ ...(await socket.addMatchmakerParty(id, query, count, count, strings, {})), party: id });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #cancel() {
    const { ticket, party } = this.#ticket ?? {};
    this.reset();
    const { socket } = this.#connection;
    try {
      if (party) await socket.removeMatchmakerParty(party, ticket);
      else await socket.removeMatchmaker(ticket);
    } catch (error) {
      this.#fail(error);
    }
  }

  #wait(ticket) {
    this.#ticket = ticket;
    this.#show();
  }

  // The party has changed: only its leader looks for players, and with less company than is wanted.
  show() {
    this.#show();
  }

  #show() {
    const { id, isLeader, members } = this.#party;
    const size = id ? members.length : 1;
    for (const option of $('queue-count').options) option.disabled = Number(option.value) <= size;
    if ($('queue-count').selectedOptions[0]?.disabled) {
      const free = [...$('queue-count').options].find((option) => !option.disabled);
      if (free) free.selected = true;
    }
    $('queue-form').hidden = Boolean(this.#ticket);
    $('queue-waiting').hidden = !this.#ticket;
    $('queue-look').disabled = (Boolean(id) && !isLeader) || [...$('queue-count').options].every((option) => option.disabled);
    $('queue-look').textContent = !id ? 'Find players' : isLeader ? 'Find players for the party' : 'Your leader does that';
    $('queue-cancel').hidden = Boolean(id) && !isLeader;
    $('queue-text').textContent = `Looking for players${id ? ' for the party' : ''}…`;
  }
}
