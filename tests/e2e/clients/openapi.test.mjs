// The description of the HTTP API, as tools read it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';

const url = new URL('/v2/tiltyard/openapi.json', process.env.TILTYARD_URL ?? 'http://127.0.0.1:7350/');

test('the description of the API is a valid OpenAPI document', async () => {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  const description = await response.json();
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(description));
  assert.ok(valid, JSON.stringify(errors, null, 2));
  assert.equal(validator.version, '3.1');
  // Throws where a reference leads nowhere.
  assert.ok(validator.resolveRefs({ specification: structuredClone(description) }));
  assert.ok(description.paths['/v2/account/authenticate/device'].post);
});
