// Protobuf to the objects of the official client and back, by the tables of `schema.js`.
//
// Objects are what the client's text adapter makes of JSON: names with underscores, values where
// protobuf has wrappers, RFC 3339 text where it has timestamps, and nothing at all where it has a
// default. Two things are better than in JSON: an op code is always there and a number, and so are the
// bytes of match and party data, as a `Uint8Array` of their own.

import { schema } from './schema.js';

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;

const text = new TextEncoder();
// A byte order mark is a character like any other.
const readable = new TextDecoder('utf-8', { ignoreBOM: true });

// Deeper nesting than any message has: whoever sends it means harm.
const DEPTH_MAX = 32;

// What JSON leaves out when it is 0 or empty, and the client's handlers want to have.
const FILLED = {
  'nakama.realtime.MatchData': { op_code: () => 0, data: () => new Uint8Array(0) },
  'nakama.realtime.PartyData': { op_code: () => 0, data: () => new Uint8Array(0) },
};

const WRAPPED = {
  'google.protobuf.BoolValue': 'bool',
  'google.protobuf.Int32Value': 'int32',
  'google.protobuf.StringValue': 'string',
};

// --- bytes out --------------------------------------------------------------------------------------

export class Writer {
  #bytes = new Uint8Array(128);
  #at = 0;

  #room(count) {
    if (this.#at + count <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#at + count, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }

  byte(value) {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  // Unsigned and below 2^32.
  varint(value) {
    for (; value > 0x7f; value >>>= 7) this.byte((value & 0x7f) | 0x80);
    this.byte(value);
  }

  // A BigInt below 2^64.
  longVarint(value) {
    for (; value > 0x7fn; value >>= 7n) this.byte(Number(value & 0x7fn) | 0x80);
    this.byte(Number(value));
  }

  raw(bytes) {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  double(value) {
    this.#room(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  float(value) {
    this.#room(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#at, value, true);
    this.#at += 4;
  }

  // What was written, as bytes of their own.
  finish() {
    return this.#bytes.slice(0, this.#at);
  }
}

// --- bytes in ---------------------------------------------------------------------------------------

export class Reader {
  #bytes;
  #view;
  #end;
  at = 0;

  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  get isDone() {
    return this.at >= this.#end;
  }

  // Moves on and gives where it was; whatever is read must be there.
  #skip(count) {
    if (count > this.#end - this.at) throw new RangeError('the message is cut short');
    const was = this.at;
    this.at += count;
    return was;
  }

  byte() {
    return this.#bytes[this.#skip(1)];
  }

  // The low 32 bits, as protobuf reads lengths and 32-bit numbers.
  varint() {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('a number is too long');
  }

  // All 64 bits, as a BigInt.
  longVarint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a number is too long');
  }

  double() {
    return this.#view.getFloat64(this.#skip(8), true);
  }

  float() {
    return this.#view.getFloat32(this.#skip(4), true);
  }

  // A view of the next bytes.
  raw(length) {
    const from = this.#skip(length);
    return this.#bytes.subarray(from, this.at);
  }

  skipField(wire) {
    if (wire === VARINT) this.longVarint();
    else if (wire === EIGHT_BYTES) this.#skip(8);
    else if (wire === LENGTH) this.#skip(this.varint());
    else if (wire === FOUR_BYTES) this.#skip(4);
    else throw new RangeError('the message is garbled');
  }
}

// --- single values ----------------------------------------------------------------------------------

function toText(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  throw new TypeError(`expected text, found ${typeof value}`);
}

// Text becomes its UTF-8.
export function toBytes(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string') return text.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return Uint8Array.from(value);
  throw new TypeError(`expected bytes or text, found ${typeof value}`);
}

function toNumber(value) {
  const number = Number(value);
  if (Number.isNaN(number) && typeof value !== 'number') throw new TypeError(`expected a number, found ${value}`);
  return number;
}

const putSigned = (writer, value) => {
  const number = typeof value === 'number' ? value : BigInt(value);
  if (number >= 0 && number <= 0x7fffffff && Number.isInteger(Number(number))) writer.varint(Number(number));
  else writer.longVarint(BigInt.asUintN(64, BigInt(number)));
};

// How each scalar travels; `isDefault` is what proto3 leaves out.
const SCALARS = {
  string: {
    wire: LENGTH,
    put(writer, value) {
      const bytes = text.encode(toText(value));
      writer.varint(bytes.length);
      writer.raw(bytes);
    },
    take: (reader) => readable.decode(reader.raw(reader.varint())),
    isDefault: (value) => value === '',
  },
  bytes: {
    wire: LENGTH,
    put(writer, value) {
      const bytes = toBytes(value);
      writer.varint(bytes.length);
      writer.raw(bytes);
    },
    take: (reader) => new Uint8Array(reader.raw(reader.varint())),
    isDefault: (value) => toBytes(value).length === 0,
  },
  bool: {
    wire: VARINT,
    put: (writer, value) => writer.byte(value ? 1 : 0),
    take: (reader) => reader.longVarint() !== 0n,
    isDefault: (value) => !value,
  },
  int32: {
    wire: VARINT,
    put: (writer, value) => putSigned(writer, toNumber(value) | 0),
    take: (reader) => reader.varint() | 0,
    isDefault: (value) => toNumber(value) === 0,
  },
  uint32: {
    wire: VARINT,
    put: (writer, value) => writer.varint(toNumber(value) >>> 0),
    take: (reader) => reader.varint(),
    isDefault: (value) => toNumber(value) === 0,
  },
  // Beyond 2^53 the nearest number, as the client's own `parseInt` gives.
  int64: {
    wire: VARINT,
    put: putSigned,
    take: (reader) => Number(BigInt.asIntN(64, reader.longVarint())),
    isDefault: (value) => toNumber(value) === 0,
  },
  uint64: {
    wire: VARINT,
    put: putSigned,
    take: (reader) => Number(reader.longVarint()),
    isDefault: (value) => toNumber(value) === 0,
  },
  double: {
    wire: EIGHT_BYTES,
    put: (writer, value) => writer.double(toNumber(value)),
    take: (reader) => reader.double(),
    isDefault: (value) => Object.is(toNumber(value), 0),
  },
  float: {
    wire: FOUR_BYTES,
    put: (writer, value) => writer.float(toNumber(value)),
    take: (reader) => reader.float(),
    isDefault: (value) => Object.is(toNumber(value), 0),
  },
};

// --- timestamps -------------------------------------------------------------------------------------

// Zero, three, six or nine digits, as the JSON of protobuf has it.
function timeText(seconds, nanos) {
  const digits = String(nanos).padStart(9, '0').replace(/(?:000){1,3}$/, '');
  const whole = new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, '');
  return `${whole}${digits && '.'}${digits}Z`;
}

function timeParts(value) {
  const iso = value instanceof Date ? value.toISOString() : toText(value);
  const ms = Date.parse(iso);
  if (Number.isNaN(ms)) throw new TypeError(`expected a time, found ${iso}`);
  const [, digits = ''] = /\.(\d{1,9})/.exec(iso) ?? [];
  return { seconds: Math.floor(ms / 1000), nanos: Number(digits.padEnd(9, '0')) };
}

const TIME = [
  { number: 1, name: 'seconds', scalar: SCALARS.int64 },
  { number: 2, name: 'nanos', scalar: SCALARS.int32 },
];

// --- messages ---------------------------------------------------------------------------------------

const tables = new Map();

// The fields of a type, by name in the order of the definition and by number.
function tableOf(type) {
  let table = tables.get(type);
  if (table) return table;
  const fields = schema[type].map(([number, name, of, label, value]) => ({
    number, name, type: of, label, value, scalar: SCALARS[of],
  }));
  table = { fields, byNumber: new Map(fields.map((field) => [field.number, field])), filled: FILLED[type] };
  tables.set(type, table);
  return table;
}

// The bytes of an object. What the type does not know is left out; `undefined` and `null` are absent.
export function encode(type, object) {
  const writer = new Writer();
  putFields(writer, tableOf(type).fields, object);
  return writer.finish();
}

function putFields(writer, fields, object) {
  for (const field of fields) {
    const value = object[field.name];
    if (value === undefined || value === null) continue;
    if (field.label === 'repeated') for (const one of value) putField(writer, field, one);
    else if (field.label === 'map') putMap(writer, field, value);
    else if (field.label === 'present' || !field.scalar?.isDefault(value)) putField(writer, field, value);
  }
}

function putField(writer, { number, type, scalar }, value) {
  if (scalar) {
    writer.varint((number << 3) | scalar.wire);
    scalar.put(writer, value);
    return;
  }
  const inner = new Writer();
  if (type in WRAPPED) putFields(inner, [{ number: 1, name: 'value', scalar: SCALARS[WRAPPED[type]] }], { value });
  else if (type === 'google.protobuf.Timestamp') putFields(inner, TIME, timeParts(value));
  else putFields(inner, tableOf(type).fields, value);
  putBytes(writer, number, inner.finish());
}

function putMap(writer, { number, type, value: of }, object) {
  for (const [key, value] of Object.entries(object)) {
    const inner = new Writer();
    // An entry has both, so that neither reader nor writer has to think of defaults.
    putField(inner, { number: 1, type, scalar: SCALARS[type] }, key);
    putField(inner, { number: 2, type: of, scalar: SCALARS[of] }, value);
    putBytes(writer, number, inner.finish());
  }
}

function putBytes(writer, number, bytes) {
  writer.varint((number << 3) | LENGTH);
  writer.varint(bytes.length);
  writer.raw(bytes);
}

// The object that the bytes stand for. Throws a `RangeError` if they are none of this type.
export function decode(type, bytes) {
  return takeMessage(type, new Reader(bytes), 0);
}

function takeMessage(type, reader, depth) {
  if (depth > DEPTH_MAX) throw new RangeError('the message is nested too deeply');
  const { byNumber, filled } = tableOf(type);
  const object = {};
  while (!reader.isDone) {
    const key = reader.varint();
    const wire = key & 7;
    const field = byNumber.get(key >>> 3);
    if (!field || wire !== (field.label === 'map' ? LENGTH : (field.scalar?.wire ?? LENGTH))) {
      reader.skipField(wire);
      continue;
    }
    if (field.label === 'map') {
      const [name, value] = takeEntry(field, new Reader(reader.raw(reader.varint())));
      setOwn((object[field.name] ??= {}), name, value);
    } else if (field.label === 'repeated') {
      (object[field.name] ??= []).push(takeValue(field, reader, depth));
    } else {
      object[field.name] = takeValue(field, reader, depth);
    }
  }
  for (const name in filled) object[name] ??= filled[name]();
  return object;
}

// A name that came from elsewhere is a name, even `__proto__`.
function setOwn(object, name, value) {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

function takeValue({ type, scalar }, reader, depth) {
  if (scalar) return scalar.take(reader);
  const inner = new Reader(reader.raw(reader.varint()));
  if (type in WRAPPED) return takeWrapped(SCALARS[WRAPPED[type]], inner);
  if (type === 'google.protobuf.Timestamp') {
    const [seconds, nanos] = takeNumbered(inner, TIME.map(({ scalar: of }) => of), [0, 0]);
    return timeText(seconds, nanos);
  }
  return takeMessage(type, inner, depth + 1);
}

const EMPTY = new Map([[SCALARS.bool, false], [SCALARS.int32, 0], [SCALARS.string, ''], [SCALARS.double, 0]]);

const takeWrapped = (scalar, reader) => takeNumbered(reader, [scalar], [EMPTY.get(scalar)])[0];

const takeEntry = ({ type, value: of }, reader) => takeNumbered(
  reader,
  [SCALARS[type], SCALARS[of]],
  [EMPTY.get(SCALARS[type]), EMPTY.get(SCALARS[of])],
);

// Fields 1, 2 and so on, all scalars, over what they are when absent.
function takeNumbered(reader, scalars, values) {
  while (!reader.isDone) {
    const key = reader.varint();
    const scalar = scalars[(key >>> 3) - 1];
    if (scalar && scalar.wire === (key & 7)) values[(key >>> 3) - 1] = scalar.take(reader);
    else reader.skipField(key & 7);
  }
  return values;
}
