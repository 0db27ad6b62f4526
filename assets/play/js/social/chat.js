// Chat: the lobby's room, the party's and the match's, one at a time.

const ROOM = 1;
const LINES_MAX = 100;
const HISTORY = 30;
const [SENT, UPDATED, REMOVED] = [0, 1, 2];
const $ = (id) => document.getElementById(id);

export class ChatPanel {
  #connection;
  #fail;
  #isSeen;
  #shown = 'lobby';
  // By tab: the room's name, the channel's id, and what was said.
  #rooms = { lobby: room('lobby', true), party: room(null), match: room(null) };

  constructor(connection, { fail, isSeen }) {
    this.#connection = connection;
    this.#fail = fail;
    this.#isSeen = isSeen;
    for (const tab of document.querySelectorAll('[data-room]')) {
      tab.addEventListener('click', () => this.select(tab.dataset.room));
    }
    $('chat-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#say($('chat-text').value.trim());
    });
    connection.addEventListener('chat', ({ detail: message }) => this.#hear(message));
    this.#show();
  }

  // Joins another room under a tab, or none.
  async enter(tab, name) {
    const before = this.#rooms[tab];
    if (before.name === name && before.id) return;
    this.#rooms[tab] = room(name, before.isKept);
    if (before.id) this.#connection.socket?.leaveChat(before.id).catch(() => {});
    if (name) await this.#join(this.#rooms[tab]);
    if (!name && this.#shown === tab) this.#shown = 'lobby';
    else if (name && tab !== 'lobby') this.#shown = tab;
    this.#show();
  }

  // A new connection is in no room.
  async reconnected() {
    for (const one of Object.values(this.#rooms)) {
      one.id = null;
      if (one.name) await this.#join(one);
    }
    this.#show();
  }

  select(tab) {
    this.#shown = tab;
    this.#rooms[tab].unread = 0;
    this.#show();
  }

  seen() {
    this.#rooms[this.#shown].unread = 0;
    this.#show();
  }

  get unread() {
    return Object.values(this.#rooms).reduce((sum, { unread }) => sum + unread, 0);
  }

  async #join(one) {
    try {
      const { client, session, socket } = this.#connection;
      const channel = await socket.joinChat(one.name, ROOM, one.isKept, false);
      // Meanwhile we may have gone elsewhere.
      if (!Object.values(this.#rooms).includes(one)) {
        await socket.leaveChat(channel.id);
        return;
      }
      one.id = channel.id;
      if (!one.isKept) return;
      const { messages } = await client.listChannelMessages(session, channel.id, HISTORY, false);
      // History knows best what was said, changed and removed; what it no longer reaches stays in front.
      const kept = (messages ?? []).reverse();
      const known = new Set(kept.map(({ message_id: id }) => id));
      const older = one.lines.filter((line) => !known.has(line.message_id) && line.create_time < (kept[0]?.create_time ?? ''));
      one.lines = [...older, ...kept].slice(-LINES_MAX);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #say(text) {
    const { id } = this.#rooms[this.#shown];
    if (!text || !id) return;
    $('chat-text').value = '';
    try {
      await this.#connection.socket.writeChatMessage(id, { text });
    } catch (error) {
      $('chat-text').value = text;
      this.#fail(error);
    }
  }

  #hear(message) {
    const tab = Object.keys(this.#rooms).find((name) => this.#rooms[name].id === message.channel_id);
    if (!tab) return;
    const one = this.#rooms[tab];
    const { code = SENT, message_id: id } = message;
    if (code === SENT) {
      one.lines = [...one.lines, message].slice(-LINES_MAX);
      const isOwn = message.sender_id === this.#connection.session.user_id;
      if (!isOwn && !(this.#isSeen() && tab === this.#shown)) one.unread += 1;
    } else if (code === UPDATED) {
      one.lines = one.lines.map((line) => (line.message_id === id ? { ...line, content: message.content } : line));
    } else if (code === REMOVED) {
      one.lines = one.lines.filter((line) => line.message_id !== id);
    }
    this.#show();
  }

  #show() {
    for (const tab of document.querySelectorAll('[data-room]')) {
      const { name, unread } = this.#rooms[tab.dataset.room];
      tab.hidden = !name;
      tab.classList.toggle('on', tab.dataset.room === this.#shown);
      tab.classList.toggle('unread', unread > 0);
      tab.setAttribute('aria-selected', tab.dataset.room === this.#shown);
    }
    const { lines } = this.#rooms[this.#shown];
    const list = $('chat-lines');
    list.replaceChildren(...lines.map((line) => this.#line(line)));
    if (!lines.length) list.innerHTML = '<li class="none">Nothing was said yet.</li>';
    list.scrollTop = list.scrollHeight;
    const badge = $('social-unread');
    badge.hidden = this.unread === 0;
    badge.textContent = this.unread;
  }

  #line({ sender_id: sender, username, content, create_time: time }) {
    const row = document.createElement('li');
    row.innerHTML = '<b></b><time></time><p></p>';
    row.className = sender === this.#connection.session?.user_id ? 'own' : username ? '' : 'server';
    row.querySelector('b').textContent = username || 'Tiltyard';
    row.querySelector('time').textContent = new Date(time ?? Date.now()).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
    row.querySelector('p').textContent = String(content?.text ?? '');
    return row;
  }
}

const room = (name, isKept = false) => ({ name, isKept, id: null, lines: [], unread: 0 });
