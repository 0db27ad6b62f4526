/* The client of Tiltyard servers, for C and everything that can call C.
 *
 * Written by cbindgen from net/client-c/src; net/client-c/README.md says how to use it.
 */

#ifndef TILTYARD_H
#define TILTYARD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// QUIC, and a WebSocket where QUIC does not get through.
#define TILTYARD_TRANSPORT_AUTO 0

// QUIC.
#define TILTYARD_TRANSPORT_QUIC 1

// A WebSocket.
#define TILTYARD_TRANSPORT_WEBSOCKET 2

// There was no connection to end.
#define TILTYARD_ENDED_NONE -1

// The program wanted so.
#define TILTYARD_ENDED_BY_PROGRAM -2

// The program left too many events waiting.
#define TILTYARD_ENDED_NOT_POLLED -3

// Nothing was heard from the server for too long, or the network failed.
#define TILTYARD_ENDED_LOST -4

// The server could not be reached.
#define TILTYARD_ENDED_UNREACHABLE -5

// The server does not take the session, and it cannot be refreshed: authenticate again.
#define TILTYARD_ENDED_SESSION_INVALID -6

// The server has no QUIC, and the program wants nothing else.
#define TILTYARD_ENDED_NO_QUIC -7

// The server said what this library does not understand.
#define TILTYARD_ENDED_PROTOCOL -8

// A mistake in this library: the client is of no use any more.
#define TILTYARD_ENDED_STOPPED -9

// Something else.
#define TILTYARD_ENDED_OTHER -100

// Version of this interface. Functions and structures only grow within one.
#define TILTYARD_ABI_VERSION 1

// It arrives once and in order.
#define TILTYARD_DELIVERY_RELIABLE 0

// It may be lost and may overtake others. Over a WebSocket it does not overtake, and is lost only where
// too much waits: to be sent, or to be polled.
#define TILTYARD_DELIVERY_UNRELIABLE 1

// As unreliable, and dropped on arrival if something newer with its op code was there first.
#define TILTYARD_DELIVERY_NEWEST 2

// What a call came to. Negative ones are errors, of which tiltyard_last_error() says more.
enum tiltyard_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // It is done; of a poll: nothing has happened.
  TILTYARD_STATUS_OK = 0,
  // Of a poll: something has happened.
  TILTYARD_STATUS_EVENT = 1,
  // A pointer is null that must not be.
  TILTYARD_STATUS_NULL_POINTER = -1,
  // Text is not UTF-8.
  TILTYARD_STATUS_NOT_UTF8 = -2,
  // An argument is none of those that there are.
  TILTYARD_STATUS_BAD_ARGUMENT = -3,
  // The size of a structure is none that this library knows.
  TILTYARD_STATUS_BAD_SIZE = -4,
  // Too much waits already: try again later, or send less.
  TILTYARD_STATUS_FULL = -5,
  // There is no connection.
  TILTYARD_STATUS_NOT_CONNECTED = -6,
  // The message is longer than the server takes.
  TILTYARD_STATUS_TOO_LONG = -7,
  // The client has stopped.
  TILTYARD_STATUS_STOPPED = -8,
  // A mistake in this library. The client is of no use any more but may be freed.
  TILTYARD_STATUS_PANIC = -9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tiltyard_status tiltyard_status;
#else
typedef int32_t tiltyard_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// What happened. What else an event says depends on it.
enum tiltyard_event_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // One that is newer than the program; ignore it.
  TILTYARD_EVENT_KIND_UNKNOWN = 0,
  // The account is known: `request`, and the session in `text`, to connect with and to keep.
  TILTYARD_EVENT_KIND_AUTHENTICATED = 1,
  // The session has new tokens: `text`, as above.
  TILTYARD_EVENT_KIND_REFRESHED = 2,
  // There is a connection: `transport`, and the session id in `text` if the server tells it.
  TILTYARD_EVENT_KIND_CONNECTED = 3,
  // There is no connection: the reason in `text`, and `flag` if the client tries again by itself. `code`
  // is what the server gave, 0 or more, or one of TILTYARD_ENDED_….
  TILTYARD_EVENT_KIND_DISCONNECTED = 4,
  // The answer to `request`: `text` has what a function returned, or else an envelope in JSON. After
  // a join, `match_id`.
  TILTYARD_EVENT_KIND_REPLY = 5,
  // The server refuses `request`: `code` and `text`. The code is one of the protocol, or the status of
  // HTTP if `request` was to authenticate.
  TILTYARD_EVENT_KIND_REFUSED = 6,
  // There will be no answer to `request`: the reason in `text`, and `code` as of a disconnection, or
  // TILTYARD_ENDED_NONE if there was no connection.
  TILTYARD_EVENT_KIND_FAILED = 7,
  // Data of a match: `match_id`, `op_code`, `data`, the sender if it was a player, and `flag` if it
  // came in a datagram.
  TILTYARD_EVENT_KIND_MATCH_DATA = 8,
  // The client is in `match_id` again after a connection was lost: `text` has who is there, an envelope
  // in JSON as of the answer to a join.
  TILTYARD_EVENT_KIND_REJOINED = 9,
  // The client is not let into `match_id` again after a connection was lost: `code` and `text`.
  TILTYARD_EVENT_KIND_MATCH_LOST = 10,
  // Whatever else the server says, as an envelope in JSON in `text`.
  TILTYARD_EVENT_KIND_MESSAGE = 11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum tiltyard_event_kind tiltyard_event_kind;
#else
typedef int32_t tiltyard_event_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// How a client behaves. Made by tiltyard_options_new(). Options may move between threads, and only one at
// a time may set them.
typedef struct tiltyard_options tiltyard_options;

// A player's connection to a server. Made by tiltyard_client_new().
typedef struct tiltyard_client tiltyard_client;

// Something that happened. Pointers are null where there is nothing to say, and good until the next
// poll, wait or free of the same client. Text ends with a zero.
typedef struct {
  // Set this to sizeof(tiltyard_event). Fields that the program or the library does not know are left
  // as they are.
  size_t size;
  // What happened.
  tiltyard_event_kind kind;
  // Code of a refusal or an end, see the kind.
  int32_t code;
  // Which call this answers, or 0.
  uint64_t request;
  // Op code of match data.
  int64_t op_code;
  // TILTYARD_TRANSPORT_QUIC or TILTYARD_TRANSPORT_WEBSOCKET, or 0.
  int32_t transport;
  // See the kind.
  bool flag;
  // Which match.
  const char *match_id;
  // See the kind.
  const char *text;
  // Data of a match; may have zeros in it.
  const uint8_t *data;
  // Bytes of data.
  size_t data_len;
  // Account of the player who sent match data; null for the server.
  const char *sender_user_id;
  // Connection of that player.
  const char *sender_session_id;
  // Name of that player.
  const char *sender_username;
} tiltyard_event;

// How a connection does. Counts go on over all connections of a client.
typedef struct {
  // Set this to sizeof(tiltyard_stats). Fields that the program or the library does not know are left
  // as they are.
  size_t size;
  // TILTYARD_TRANSPORT_QUIC or TILTYARD_TRANSPORT_WEBSOCKET, or 0 without a connection.
  int32_t transport;
  // Time to the server and back in microseconds, or 0 if it is not known.
  uint64_t rtt_us;
  // Datagrams with match data that were sent.
  uint64_t datagrams_sent;
  // Datagrams that came, those included that were dropped.
  uint64_t datagrams_received;
  // Datagrams of the server that are missing.
  uint64_t datagrams_lost;
  // Datagrams dropped because they came twice.
  uint64_t datagrams_duplicate;
  // Datagrams dropped because they came far too late.
  uint64_t datagrams_late;
  // Datagrams dropped because something newer with their op code was there first.
  uint64_t datagrams_outdated;
  // Bytes of UDP for QUIC, of messages for a WebSocket.
  uint64_t bytes_in;
  // The same, sent.
  uint64_t bytes_out;
  // Match data that was dropped because the game did not poll.
  uint64_t events_dropped;
  // Match data that could be lost and was not sent.
  uint64_t sends_dropped;
  // Connections that were opened.
  uint64_t connections;
} tiltyard_stats;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// The version of the library, to compare with TILTYARD_ABI_VERSION of the header.
uint32_t tiltyard_abi_version(void);

// What went wrong last on this thread, in words; empty if nothing did. Good until the next call that
// fails.
const char *tiltyard_last_error(void);

// A client; null if the system gives no thread. To be freed. The options are only read: they may be used
// for other clients, by several threads at once, and may be freed when this returns.
//
// A client may move between threads, and only one at a time may use it.
//
// `options` is null or from tiltyard_options_new(), and nobody sets them meanwhile.
tiltyard_client *tiltyard_client_new(const tiltyard_options *options);

// Says goodbye to the server, which takes a second at most, and frees a client. Null is ignored.
//
// `client` is null or from tiltyard_client_new(), and neither it nor what its events point to is used
// again.
void tiltyard_client_free(tiltyard_client *client);

// Connects with a session, the text of an event, over one of TILTYARD_TRANSPORT_AUTO, _QUIC and
// _WEBSOCKET.
//
// `client` is null or from tiltyard_client_new(); `session` is null or a text that ends with a zero.
tiltyard_status tiltyard_connect(tiltyard_client *client,
                                 const char *session,
                                 int32_t transport);

// Closes the connection, or gives up trying.
//
// `client` is null or from tiltyard_client_new().
tiltyard_status tiltyard_disconnect(tiltyard_client *client);

// TILTYARD_STATUS_EVENT and the next thing that happened, or TILTYARD_STATUS_OK if there is none. When
// the client has stopped and all is told, TILTYARD_STATUS_STOPPED.
//
// `client` is null or from tiltyard_client_new(); `event` is null or has as many bytes as its size
// says.
tiltyard_status tiltyard_poll(tiltyard_client *client,
                              tiltyard_event *event);

// The same, and waits for it up to so many milliseconds. For tools; games poll.
//
// As for tiltyard_poll().
tiltyard_status tiltyard_wait(tiltyard_client *client, tiltyard_event *event, uint32_t timeout_ms);

// How the connection does.
//
// `client` is null or from tiltyard_client_new(); `stats` is null or has as many bytes as its size
// says.
tiltyard_status tiltyard_read_stats(tiltyard_client *client, tiltyard_stats *stats);

// Options for a server such as "http://127.0.0.1:7350"; null if that is no address. To be freed.
//
// `server` is null or a text that ends with a zero.
tiltyard_options *tiltyard_options_new(const char *server);

// Frees options; null is ignored.
//
// `options` is null or came from tiltyard_options_new(), and is not used again.
void tiltyard_options_free(tiltyard_options *options);

// Sets the key that server and game agree on. It is "defaultkey" otherwise.
//
// `options` is null or from tiltyard_options_new(); `key` is null or a text that ends with a zero.
tiltyard_status tiltyard_options_set_server_key(tiltyard_options *options, const char *key);

// Trusts the certificate authorities in this PEM text, and no others.
//
// `options` is null or from tiltyard_options_new(); `pem` is null or a text that ends with a zero.
tiltyard_status tiltyard_options_trust_pem(tiltyard_options *options, const char *pem);

// Sets how often a lost connection is tried again; 0 for never. It is without end otherwise.
//
// `options` is null or from tiltyard_options_new().
tiltyard_status tiltyard_options_set_reconnect(tiltyard_options *options, uint32_t attempts_max);

// Puts connections on a bad network, such as "mobile,loss=5%".
//
// `options` is null or from tiltyard_options_new(); `profile` is null or a text that ends with a zero.
tiltyard_status tiltyard_options_set_network(tiltyard_options *options,
                                             const char *profile);

// Asks for a session of the account of a device: an id of 10 to 128 bytes that only this device has.
// `username` may be null; `request` may be null, and otherwise gets the number of this call.
//
// `client` is null or from tiltyard_client_new(); texts are null or end with a zero; `request` is null
// or writable.
tiltyard_status tiltyard_authenticate_device(tiltyard_client *client,
                                             const char *id,
                                             const char *username,
                                             bool create,
                                             uint64_t *request);

// The same for the account with an address and a password.
//
// As for tiltyard_authenticate_device().
tiltyard_status tiltyard_authenticate_email(tiltyard_client *client,
                                            const char *email,
                                            const char *password,
                                            const char *username,
                                            bool create,
                                            uint64_t *request);

// The same for an account with an id of some other service.
//
// As for tiltyard_authenticate_device().
tiltyard_status tiltyard_authenticate_custom(tiltyard_client *client,
                                             const char *id,
                                             const char *username,
                                             bool create,
                                             uint64_t *request);

// Goes into a match.
//
// `client` is null or from tiltyard_client_new(); `match_id` is null or a text that ends with a zero;
// `request` is null or writable.
tiltyard_status tiltyard_join_match(tiltyard_client *client,
                                    const char *match_id,
                                    uint64_t *request);

// Leaves a match.
//
// As for tiltyard_join_match().
tiltyard_status tiltyard_leave_match(tiltyard_client *client,
                                     const char *match_id,
                                     uint64_t *request);

// Asks whatever the protocol has: an envelope in JSON, such as {"match_create":{"name":"duel"}}.
//
// As for tiltyard_join_match().
tiltyard_status tiltyard_send_json(tiltyard_client *client,
                                   const char *envelope,
                                   uint64_t *request);

// Calls a function of the server.
//
// `client` is null or from tiltyard_client_new(); texts are null or end with a zero; `request` is null
// or writable.
tiltyard_status tiltyard_rpc(tiltyard_client *client,
                             const char *id,
                             const char *payload,
                             uint64_t *request);

// Sends data to a match that this client has joined, by one of TILTYARD_DELIVERY_RELIABLE,
// _UNRELIABLE and _NEWEST. There is no answer. The data is copied.
//
// `client` is null or from tiltyard_client_new(); `match_id` is null or a text that ends with a zero;
// `data` has `data_len` bytes, or is null and `data_len` 0.
tiltyard_status tiltyard_send_match_data(tiltyard_client *client,
                                         const char *match_id,
                                         int64_t op_code,
                                         const uint8_t *data,
                                         size_t data_len,
                                         int32_t delivery);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* TILTYARD_H */
