// The client that the pages load is the published one.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const local = (path) => fileURLToPath(new URL(path, import.meta.url));

test('the vendored client is the published file, byte for byte', async () => {
  const vendored = await readFile(local('../../../assets/play/vendor/nakama-js.js'));
  const published = await readFile(fileURLToPath(import.meta.resolve('@heroiclabs/nakama-js')));
  assert.ok(vendored.equals(published));
});
