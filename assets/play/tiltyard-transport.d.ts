import type {
  SocketCloseHandler,
  SocketErrorHandler,
  SocketMessageHandler,
  SocketOpenHandler,
  WebSocketAdapter,
} from '@heroiclabs/nakama-js';

export type Transport = 'webtransport' | 'websocket';

export interface TiltyardAdapterOptions {
  /** `auto` unless said otherwise: WebTransport where it can be had. */
  transport?: 'auto' | Transport;
  /** How long to try WebTransport before a WebSocket is opened; 2000 unless said otherwise. */
  timeoutMs?: number;
}

/** Counts of one connection; see the README. */
export interface TransportStats {
  transport: Transport | null;
  datagramsSent: number;
  datagramsDropped: number;
  datagramsReceived: number;
  datagramsIgnored: number;
  lost: number;
  late: number;
  duplicates: number;
  bytesIn: number;
  bytesOut: number;
}

export class TiltyardAdapter implements WebSocketAdapter {
  constructor(options?: TiltyardAdapterOptions);
  onClose: SocketCloseHandler | null;
  onError: SocketErrorHandler | null;
  onMessage: SocketMessageHandler | null;
  onOpen: SocketOpenHandler | null;
  /** `null` before it is decided. */
  readonly transport: Transport | null;
  stats(): TransportStats;
  isOpen(): boolean;
  close(): void;
  connect(scheme: string, host: string, port: string, createStatus: boolean, token: string): void;
  send(message: unknown): void;
}
