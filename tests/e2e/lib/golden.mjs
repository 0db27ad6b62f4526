// The golden bytes of the protocol: cases of `== name`, hexadecimal, and comments behind `;`.

import { readFile } from 'node:fs/promises';

const FOLDER = new URL('../../../proto/tests/golden/', import.meta.url);

// `[{ name, json, bytes }]`; `json` is the first line where that is one.
export async function golden(file) {
  const text = await readFile(new URL(file, FOLDER), 'utf8');
  return text.split(/^== /m).slice(1).map((part) => {
    const [name, ...lines] = part.trim().split('\n');
    const json = lines[0]?.startsWith('{') ? JSON.parse(lines.shift()) : undefined;
    const hex = lines.map((line) => line.replace(/[;#].*/, '')).join('').replace(/\s/g, '');
    return { name, json, bytes: Uint8Array.from(Buffer.from(hex, 'hex')) };
  });
}
