/* Sends messages that may be lost to a match that sends them back, and waits for all of them.
 *
 *   echo SERVER auto|quic|websocket FUNCTION|MATCH_ID [COUNT]
 *
 * FUNCTION is a function of the server that answers {"match_id":"..."}, such as pingpong_create.
 * The exit code is 0 if every message has come back within a minute. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tiltyard.h"

#define COUNT_MAX 10000
#define DEADLINE_SECONDS 60
/* Between two messages: servers thin out floods. */
#define PACE_MS 10

typedef struct {
    const char *what;
    int32_t transport;
    uint32_t count;
    tiltyard_client *client;
    char match_id[128];
    bool is_joined;
    bool is_over;
    uint64_t join;
    bool *came;
    uint32_t came_count;
    uint32_t datagrams;
} game;

static int fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, tiltyard_last_error());
    return 1;
}

static void check(game *game, const char *what, tiltyard_status status) {
    if (status < 0) {
        fail(what);
        game->is_over = true;
    }
}

static void join(game *game) {
    check(game, "join", tiltyard_join_match(game->client, game->match_id, &game->join));
}

/* Match ids have a dot in them, names of functions have none. */
static void begin(game *game) {
    if (strchr(game->what, '.') == NULL) {
        check(game, "rpc", tiltyard_rpc(game->client, game->what, "", NULL));
        return;
    }
    snprintf(game->match_id, sizeof game->match_id, "%s", game->what);
    join(game);
}

/* The match id in {"match_id":"..."}. */
static void read_match_id(game *game, const char *text) {
    const char *found = strstr(text, "\"match_id\":\"");
    if (found == NULL || sscanf(found + 12, "%127[^\"]", game->match_id) != 1) {
        fprintf(stderr, "no match id in %s\n", text);
        game->is_over = true;
        return;
    }
    join(game);
}

static void read_echo(game *game, const tiltyard_event *event) {
    uint32_t number;
    if (event->data_len != sizeof number) return;
    memcpy(&number, event->data, sizeof number);
    if (number >= game->count || game->came[number]) return;
    game->came[number] = true;
    game->came_count++;
    game->datagrams += event->flag;
    game->is_over = game->came_count == game->count;
}

static void handle(game *game, const tiltyard_event *event) {
    switch (event->kind) {
    case TILTYARD_EVENT_KIND_AUTHENTICATED:
        check(game, "connect", tiltyard_connect(game->client, event->text, game->transport));
        break;
    case TILTYARD_EVENT_KIND_CONNECTED:
        begin(game);
        break;
    case TILTYARD_EVENT_KIND_REPLY:
        if (game->join == 0) {
            read_match_id(game, event->text);
        } else if (event->request == game->join) {
            game->is_joined = true;
        }
        break;
    case TILTYARD_EVENT_KIND_MATCH_DATA:
        read_echo(game, event);
        break;
    case TILTYARD_EVENT_KIND_REFUSED:
    case TILTYARD_EVENT_KIND_FAILED:
    case TILTYARD_EVENT_KIND_DISCONNECTED:
        fprintf(stderr, "%s\n", event->text);
        game->is_over = true;
        break;
    default:
        break;
    }
}

/* Sends the next message that has not come back; what got lost is sent again in its turn. */
static void send_next(game *game, uint32_t *next) {
    while (game->came[*next]) *next = (*next + 1) % game->count;
    tiltyard_status status =
        tiltyard_send_match_data(game->client, game->match_id, 7, (const uint8_t *)next,
                                 sizeof *next, TILTYARD_DELIVERY_UNRELIABLE);
    if (status != TILTYARD_STATUS_FULL) check(game, "send", status);
    *next = (*next + 1) % game->count;
}

static void play(game *game) {
    time_t deadline = time(NULL) + DEADLINE_SECONDS;
    uint32_t next = 0;
    while (!game->is_over && time(NULL) < deadline) {
        if (game->is_joined) send_next(game, &next);
        tiltyard_event event = {.size = sizeof event};
        tiltyard_status status = tiltyard_wait(game->client, &event, PACE_MS);
        while (status == TILTYARD_STATUS_EVENT) {
            handle(game, &event);
            if (game->is_over) return;
            status = tiltyard_poll(game->client, &event);
        }
        check(game, "poll", status);
    }
}

static int report(const game *game) {
    tiltyard_stats stats = {.size = sizeof stats};
    if (tiltyard_read_stats(game->client, &stats) < 0) return fail("stats");
    const char *transport = stats.transport == TILTYARD_TRANSPORT_QUIC        ? "quic"
                            : stats.transport == TILTYARD_TRANSPORT_WEBSOCKET ? "websocket"
                                                                              : "none";
    printf("transport %s\n", transport);
    printf("rtt       %.1f ms\n", (double)stats.rtt_us / 1000.0);
    printf("echoes    %" PRIu32 " of %" PRIu32 ", %" PRIu32 " in datagrams\n", game->came_count,
           game->count, game->datagrams);
    printf("datagrams %" PRIu64 " sent, %" PRIu64 " received, %" PRIu64 " lost\n",
           stats.datagrams_sent, stats.datagrams_received, stats.datagrams_lost);
    return game->came_count == game->count ? 0 : 1;
}

static int run(game *game, const char *server) {
    tiltyard_options *options = tiltyard_options_new(server);
    if (options == NULL) return fail(server);
    tiltyard_options_set_reconnect(options, 0);
    game->client = tiltyard_client_new(options);
    tiltyard_options_free(options);
    if (game->client == NULL) return fail("client");

    char device[64];
    snprintf(device, sizeof device, "echo-example-%ld-%p", (long)time(NULL), (void *)game);
    check(game, "authenticate",
          tiltyard_authenticate_device(game->client, device, NULL, true, NULL));
    play(game);
    int code = report(game);
    tiltyard_client_free(game->client);
    return code;
}

static int32_t transport_of(const char *name) {
    if (strcmp(name, "auto") == 0) return TILTYARD_TRANSPORT_AUTO;
    if (strcmp(name, "quic") == 0) return TILTYARD_TRANSPORT_QUIC;
    if (strcmp(name, "websocket") == 0) return TILTYARD_TRANSPORT_WEBSOCKET;
    return -1;
}

int main(int argc, char **argv) {
    if (argc < 4 || transport_of(argv[2]) < 0) {
        fprintf(stderr, "usage: %s SERVER auto|quic|websocket FUNCTION|MATCH_ID [COUNT]\n", argv[0]);
        return 1;
    }
    if (tiltyard_abi_version() != TILTYARD_ABI_VERSION) {
        fprintf(stderr, "the library is of another version than the header\n");
        return 1;
    }
    long count = argc > 4 ? strtol(argv[4], NULL, 10) : 20;
    if (count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "COUNT is 1 to %d\n", COUNT_MAX);
        return 1;
    }
    game game = {.what = argv[3], .transport = transport_of(argv[2]), .count = (uint32_t)count};
    game.came = calloc(game.count, sizeof *game.came);
    if (game.came == NULL) return 1;
    int code = run(&game, argv[1]);
    free(game.came);
    return code;
}
