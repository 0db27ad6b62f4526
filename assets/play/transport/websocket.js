// A session over a WebSocket, in JSON: the way that is always there.

import { toBytes } from './protobuf.js';

export class WebSocketSession {
  transport = 'websocket';
  counts = { bytesIn: 0, bytesOut: 0 };
  #socket;

  // `events`: `open()`, `message(object)`, `error(event)`, and once `close(event)`.
  constructor(WebSocket, url, events) {
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => events.open();
    this.#socket.onmessage = ({ data }) => {
      this.counts.bytesIn += data.length;
      events.message(received(JSON.parse(data)));
    };
    this.#socket.onerror = (event) => events.error(event);
    this.#socket.onclose = (event) => events.close(event);
  }

  get isOpen() {
    // OPEN, which not every implementation names.
    return this.#socket.readyState === 1;
  }

  send(message) {
    const text = JSON.stringify(sendable(message));
    this.counts.bytesOut += text.length;
    this.#socket.send(text);
  }

  close() {
    this.#socket.close();
  }
}

// In JSON, numbers of 64 bits are text, bytes are base64, and what is 0 or empty is not there.
function received(message) {
  const data = message.match_data ?? message.party_data;
  if (data) {
    data.op_code = Number(data.op_code ?? 0);
    data.data = fromBase64(data.data ?? '');
  }
  return message;
}

function sendable(message) {
  for (const kind of ['match_data_send', 'party_data_send']) {
    const body = message[kind];
    if (!body) continue;
    const { op_code: opCode, data } = body;
    return { ...message, [kind]: { ...body, op_code: opCode?.toString(), data: data && toBase64(toBytes(data)) } };
  }
  return message;
}

function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

function toBase64(bytes) {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
