// The official client over WebTransport where it can be had, and over a WebSocket where it cannot:
//
//   import { TiltyardAdapter } from './tiltyard-transport.js';
//   const socket = client.createSocket(useSSL, verbose, new TiltyardAdapter());
//
// To use it elsewhere, copy this file and the folder `transport`, whose README says more.

export { TiltyardAdapter } from './transport/adapter.js';
