// A bad network in front of a UDP port: some of the packets that pass are lost, in both directions.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

// Gives where it is and what it has done. Nothing is lost until `share` is set to more than 0.
export async function lossyPath(t, port, random) {
  const host = '127.0.0.1';
  const front = createSocket('udp4');
  const behind = new Map();
  const path = { share: 0, passed: 0, lost: 0 };
  const passes = () => {
    const isLost = random.next() < path.share;
    path[isLost ? 'lost' : 'passed'] += 1;
    return !isLost;
  };
  front.on('message', (packet, client) => {
    let socket = behind.get(client.port);
    if (!socket) {
      socket = createSocket('udp4');
      socket.on('message', (answer) => passes() && front.send(answer, client.port, host));
      behind.set(client.port, socket);
    }
    if (passes()) socket.send(packet, port, host);
  });
  front.bind(0, host);
  await once(front, 'listening');
  t.after(() => [front, ...behind.values()].forEach((socket) => socket.close()));
  path.port = front.address().port;
  return path;
}
