// The tests have called every function of the official client that the server answers, on this server.
// Runs after the others, with the same `TILTYARD_CALLED`.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Client, DefaultSocket } from '@heroiclabs/nakama-js';

const readLines = async (path) => (await readFile(path, 'utf8')).split('\n').filter((line) => line && !line.startsWith('#'));
const wanted = await readLines(new URL('functions.txt', import.meta.url));
const unwanted = await readLines(new URL('left-out.txt', import.meta.url));

// `GET /v2/party ok refused` is a name of two words and two outcomes.
const OUTCOMES = /(?: (?:ok|refused|heard))+$/;
const nameOf = (line) => line.replace(OUTCOMES, '');
const outcomesOf = (line) => line.match(OUTCOMES)[0].trim().split(' ');

test('every function of the list was called, and refused where it can be', async (t) => {
  assert.ok(process.env.TILTYARD_CALLED, 'TILTYARD_CALLED names the file in which calls were recorded');
  const called = new Set(await readLines(process.env.TILTYARD_CALLED));
  const expected = wanted.flatMap((line) => outcomesOf(line).map((outcome) => `${nameOf(line)} ${outcome}`));
  const missed = expected.filter((line) => !called.has(line));
  t.diagnostic(`${wanted.length} functions, ${expected.length - missed.length} of ${expected.length} outcomes seen`);
  assert.deepEqual(missed, [], 'these did not occur');
});

test('every function of the client is in one of the lists', () => {
  const prototypes = { client: Client.prototype, socket: DefaultSocket.prototype };
  const all = Object.entries(prototypes).flatMap(([prefix, prototype]) =>
    Object.getOwnPropertyNames(prototype).map((name) => `${prefix}.${name}`));
  const listed = [...wanted, ...unwanted].map(nameOf);
  assert.deepEqual(all.filter((name) => !listed.includes(name)), [], 'the lists do not know these');
  assert.equal(new Set(listed).size, listed.length, 'each is in one list, once');
});
