// Writes assets/play/transport/schema.js: the fields of every message that travels on a connection,
// read from the .proto files.
//
//   node tests/e2e/transport/generate.mjs           writes it
//   node tests/e2e/transport/generate.mjs --check   says whether it is up to date

import { readFile, readdir, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROTOS = new URL('../../../proto/proto/', import.meta.url);
const OUTPUT = new URL('../../../assets/play/transport/schema.js', import.meta.url);

// What is sent; everything else is there because one of these contains it.
const ROOTS = /^(nakama\.realtime\.Envelope|tiltyard\.v1\.\w+)$/;
const SCALARS = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'float']);

// --- reading ----------------------------------------------------------------------------------------

// All messages of a .proto file: `{ name, fields: [{ number, name, type, label, value? }] }`.
export function parse(text) {
  const tokens = text.replace(/\/\/.*|\/\*[^]*?\*\//g, '').match(/"[^"]*"|[\w.]+|[^\s\w.]/g) ?? [];
  const found = [];
  let at = 0;
  let scope = '';
  const take = (wanted) => {
    const token = tokens[at++];
    if (token === undefined || (wanted && token !== wanted)) throw new Error(`expected ${wanted ?? 'more'}, found ${token}`);
    return token;
  };
  const skipStatement = () => {
    while (take() !== ';');
  };

  const message = (outer) => {
    const one = { name: `${outer}.${take()}`, fields: [] };
    found.push(one);
    take('{');
    body(one, undefined);
  };
  const body = (one, oneof) => {
    for (;;) {
      const token = take();
      if (token === '}') return;
      if (token === 'message') message(one.name);
      else if (token === 'oneof') {
        take();
        take('{');
        body(one, 'present');
      } else if (token === 'reserved' || token === 'option') skipStatement();
      else if (token === 'enum' || token === 'extensions' || token === 'group') throw new Error(`${one.name}: ${token} is not known here`);
      else field(one, token, oneof);
    }
  };
  const field = (one, token, oneof) => {
    let label = oneof;
    let type = token;
    let value;
    if (token === 'repeated' || token === 'optional') {
      label = token === 'repeated' ? 'repeated' : 'present';
      type = take();
    } else if (token === 'map') {
      take('<');
      type = take();
      take(',');
      value = take();
      take('>');
      label = 'map';
    }
    const name = take();
    take('=');
    one.fields.push({ number: Number(take()), name, type, label, value });
    skipStatement();
  };

  while (at < tokens.length) {
    const token = take();
    if (token === 'package') {
      scope = take();
      take(';');
    } else if (token === 'message') message(scope);
    else if (['syntax', 'import', 'option'].includes(token)) skipStatement();
    else throw new Error(`${token} is not known here`);
  }
  return found;
}

// The full name of what a field calls `type`: looked for from the inside to the outside.
function resolve(messages, within, type) {
  if (SCALARS.has(type) || type.startsWith('google.protobuf.')) return type;
  const parts = within.split('.');
  for (let length = parts.length; length >= 0; length -= 1) {
    const name = [...parts.slice(0, length), type].join('.');
    if (messages.has(name)) return name;
  }
  throw new Error(`${within}: there is no ${type}`);
}

// --- writing ----------------------------------------------------------------------------------------

function reachable(messages) {
  const reached = new Set();
  const visit = (name) => {
    if (reached.has(name) || !messages.has(name)) return;
    reached.add(name);
    for (const { type, value } of messages.get(name).fields) {
      for (const inner of [type, value]) if (inner) visit(resolve(messages, name, inner));
    }
  };
  for (const name of messages.keys()) if (ROOTS.test(name)) visit(name);
  return [...messages.values()].filter(({ name }) => reached.has(name));
}

export function generate(texts) {
  const messages = new Map(texts.flatMap(parse).map((one) => [one.name, one]));
  const lines = [
    '// Generated from proto/proto/*.proto by tests/e2e/transport/generate.mjs: change those, and run it.',
    '//',
    '// Each field: number, name, type, and how it differs from a plain one: `repeated`; `present`, which',
    '// tells absent from empty; `map`, whose type is that of the keys, and then that of the values.',
    '',
    'export const schema = {',
  ];
  for (const { name, fields } of reachable(messages)) {
    lines.push(`  '${name}': [`);
    for (const { number, name: field, type, label, value } of fields) {
      const rest = [resolve(messages, name, type), label, value && resolve(messages, name, value)].filter(Boolean);
      lines.push(`    [${number}, ${[field, ...rest].map((word) => `'${word}'`).join(', ')}],`);
    }
    lines.push('  ],');
  }
  return `${[...lines, '};'].join('\n')}\n`;
}

export async function generated() {
  const names = (await readdir(PROTOS)).filter((name) => name.endsWith('.proto')).sort();
  return generate(await Promise.all(names.map((name) => readFile(new URL(name, PROTOS), 'utf8'))));
}

export const committed = () => readFile(OUTPUT, 'utf8');

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = await generated();
  if (process.argv.includes('--check')) {
    if (text !== (await committed())) {
      console.error(`${fileURLToPath(OUTPUT)} is out of date`);
      process.exitCode = 1;
    }
  } else {
    await writeFile(OUTPUT, text);
  }
}
