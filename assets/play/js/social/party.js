// Our party: who is in it, who leads it, and how others get in.

const PARTY_MAX = 4;
const $ = (id) => document.getElementById(id);

export class PartyPanel {
  #connection;
  #fail;
  #changed;
  id = null;
  leader = null;
  members = [];

  // `changed` is called whenever we are in another party, or in none.
  constructor(connection, { fail, changed }) {
    this.#connection = connection;
    this.#fail = fail;
    this.#changed = changed;
    $('party-create').addEventListener('click', () => this.#try(() => this.create()));
    $('party-leave').addEventListener('click', () => this.#try(() => this.leave()));
    $('party-copy').addEventListener('click', () => this.#copyLink());
    $('party-join').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#try(() => this.join($('party-code').value));
    });
    connection.addEventListener('party', ({ detail: party }) => this.#enter(party));
    connection.addEventListener('partypresence', ({ detail: event }) => this.#update(event));
    connection.addEventListener('partyleader', ({ detail: event }) => {
      if (event.party_id !== this.id) return;
      this.leader = event.presence.session_id;
      this.#show();
    });
    connection.addEventListener('partyclose', ({ detail: event }) => {
      if (event.party_id === this.id) this.#exit();
    });
    this.#show();
  }

  get isLeader() {
    return Boolean(this.id) && this.members.some(({ session_id: session, user_id: user }) => session === this.leader && user === this.#connection.session.user_id);
  }

  async create() {
    this.#enter(await this.#connection.socket.createParty(true, PARTY_MAX));
  }

  // `code` is a party's id, or a link that ends in it. That we are in comes as an event.
  async join(code) {
    const id = code.trim().split('/').at(-1);
    if (!id || id === this.id) return;
    if (this.id) await this.leave();
    await this.#connection.socket.joinParty(id);
    $('party-code').value = '';
  }

  async leave() {
    const { id } = this;
    this.#exit();
    if (id) await this.#connection.socket.leaveParty(id);
  }

  // A new connection is a new member; the party may still be there.
  reconnected() {
    const { id } = this;
    if (!id) return;
    this.#exit();
    this.join(id).catch(() => {});
  }

  #enter(party) {
    this.id = party.party_id;
    this.leader = party.leader.session_id;
    this.members = [...(party.presences ?? [])];
    if (!this.members.length) this.members.push(party.self);
    this.#show();
    this.#changed();
  }

  #exit() {
    if (!this.id) return;
    this.id = null;
    this.members = [];
    this.#show();
    this.#changed();
  }

  #update({ party_id: id, joins, leaves }) {
    if (id !== this.id) return;
    const isOf = (list) => ({ session_id: session }) => (list ?? []).some((one) => one.session_id === session);
    const staying = this.members.filter((member) => !isOf(leaves)(member));
    this.members = [...staying, ...(joins ?? []).filter((member) => !isOf(staying)(member))];
    this.#show();
  }

  #show() {
    $('party-none').hidden = Boolean(this.id);
    $('party-some').hidden = !this.id;
    $('party-id').textContent = this.id ?? '';
    $('party-members').replaceChildren(...this.members.map((member) => this.#row(member)));
  }

  #row(member) {
    const row = document.createElement('li');
    const name = document.createElement('b');
    name.textContent = member.username;
    row.append(name);
    if (member.session_id === this.leader) {
      row.className = 'leader';
      row.title = 'leads the party';
    } else if (this.isLeader) {
      const button = document.createElement('button');
      button.className = 'button quiet tiny';
      button.textContent = 'Make leader';
      button.addEventListener('click', () => this.#try(() => this.#connection.socket.promotePartyMember(this.id, member)));
      row.append(button);
    }
    return row;
  }

  async #copyLink() {
    const link = `${location.origin}${location.pathname}#/party/${this.id}`;
    try {
      await navigator.clipboard.writeText(link);
      $('party-copy').textContent = 'Copied';
    } catch {
      // Without the clipboard the code can still be read and sent.
      $('party-copy').textContent = 'Send them the code';
    }
    setTimeout(() => {
      $('party-copy').textContent = 'Copy link';
    }, 2000);
  }

  async #try(action) {
    try {
      await action();
    } catch (error) {
      this.#fail(error);
    }
  }
}
