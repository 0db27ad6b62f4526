// The page: which view is shown, the bar on top, and messages over everything.

import { Connection, textOf } from './connection.js';
import { Lobby } from './lobby.js';
import { XoxoView } from './xoxo.js';
import { ArenaView } from './arena/view.js';
import { WordsView } from './words.js';
import { Social } from './social/panel.js';
import { words } from './protocol.js';

const $ = (id) => document.getElementById(id);

const connection = new Connection();
const lobby = new Lobby(connection, { enter, fail });
const views = { xoxo: new XoxoView(connection), arena: new ArenaView(connection), words: new WordsView(connection) };
const social = new Social(connection, { fail });
let shown = null;

// For tests and the curious.
window.tiltyard = {
  connection,
  get view() {
    return shown ?? 'home';
  },
  get transport() {
    return connection.transport;
  },
  stats: () => connection.stats(),
  get connectedMs() {
    return connection.connectedMs;
  },
  xoxo: views.xoxo,
  arena: views.arena,
  words: views.words,
  social,
};

function show(name) {
  if (shown && shown !== name) views[shown].close();
  shown = name;
  $('home').hidden = Boolean(name);
  for (const view of Object.keys(views)) $(view).hidden = view !== name;
  $('bar-title').textContent = name ? (connection.match?.name ?? '') : '';
  lobby.setShown(!name);
}

// Takes the player into a match found by `find`.
async function enter(find) {
  try {
    const match = await find();
    if (!views[match.game]) throw new Error('This page does not know that game.');
    location.hash = `#/${match.game}/${match.match_id}`;
    show(match.game);
    views[match.game].open(match);
    connection.release();
    social.follow(match);
  } catch (error) {
    await home();
    fail(error);
  }
}

async function home() {
  await connection.leave();
  social.follow(null);
  if (location.hash !== '#/') location.hash = '#/';
  show(null);
}

async function followHash() {
  const [, game, id] = location.hash.split('/');
  if (id && connection.match?.match_id === id) return;
  if (connection.match) await connection.leave();
  if (game === 'party' && id) return acceptInvitation(id);
  if (!id) social.follow(null);
  if (views[game] && id) await enter(() => connection.join(id));
  else if (shown !== null || $('home').hidden) show(null);
}

// A link to a party leads to the lobby, and into the party.
async function acceptInvitation(id) {
  await home();
  social.toggle(true);
  await social.party.join(id).catch(fail);
}

async function fail(error) {
  say(await textOf(error));
}

let toastTimer = 0;
function say(content, isNews = false) {
  $('toast').replaceChildren(content);
  $('toast').classList.toggle('news', isNews);
  $('toast').hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => {
    $('toast').hidden = true;
  }, 5000);
}

function showVeil(title, text) {
  $('veil').hidden = !title;
  $('veil-title').textContent = title ?? '';
  $('veil-text').textContent = text ?? '';
}

connection.addEventListener('state', ({ detail: state }) => {
  if (state === 'lost') {
    showVeil('Connection lost', 'Trying to get you back to where you were.');
    showPing(null);
  } else {
    showVeil(null);
    $('who').textContent = connection.username;
    lobby.showName(connection.username);
  }
});
connection.addEventListener('ping', ({ detail: ms }) => showPing(ms));
connection.addEventListener('data', ({ detail: data }) => views[shown]?.receive(data));
connection.addEventListener('matched', async ({ detail: { match_id: id } }) => {
  if (!id) return fail('The players were found, but not the game.');
  await connection.leave();
  enter(() => connection.join(id));
});
connection.addEventListener('notification', ({ detail: { code, content } }) => {
  if (code !== words.CODE_YOUR_TURN || connection.match?.match_id === content.match_id) return;
  const link = document.createElement('a');
  link.href = `#/words/${content.match_id}`;
  link.textContent = `It is your turn: ${content.name}`;
  link.addEventListener('click', () => {
    $('toast').hidden = true;
  });
  say(link, true);
});
connection.addEventListener('rejoined', ({ detail: match }) => {
  views[shown]?.open(match);
  connection.release();
});
connection.addEventListener('dropped', async ({ detail: error }) => {
  await home();
  fail(error);
});

function showPing(ms) {
  const dot = $('ping').querySelector('.dot');
  dot.className = ms === null ? 'dot bad' : `dot ${ms < 60 ? 'good' : ms < 150 ? 'fair' : 'bad'}`;
  $('ping').querySelector('b').textContent = ms === null ? 'offline' : `${Math.max(1, Math.round(ms))} ms`;
}

for (const button of document.querySelectorAll('[data-leave]')) button.addEventListener('click', home);
window.addEventListener('hashchange', followHash);

async function begin() {
  showVeil('Connecting', 'One moment.');
  for (;;) {
    try {
      await connection.start(lobby.firstName());
      break;
    } catch (error) {
      showVeil('No server yet', await textOf(error));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
  $('home').hidden = true;
  await followHash();
}

begin();
