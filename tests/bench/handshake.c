/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Full TLS 1.3 handshakes with servers on loopback, each over a new connection with one HTTP request: so many,
 * or in turns of some milliseconds with the CPU time that the servers' threads spent.
 *
 * usage: handshake [-n SERVER-NAME] PORT COUNT
 *        handshake [-n SERVER-NAME] -t MILLISECONDS -r ROUNDS PORT:PID[,PID...] ...
 *
 * The second form takes its servers in turns (A B B A) and prints one JSON line for each round and server, round
 * 0 being for warming up. wait_us is the time that the server's threads were ready to run and did not: cpu_us
 * and wait_us together reach wall_us when the server, and not this program, sets the pace.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/tls_client.h"

#define NUM_SLOTS 16
#define MAX_SERVERS 8
#define MAX_PIDS 8
#define MAX_FAILURES 100

struct server {
    in_port_t port;
    long pids[MAX_PIDS];
    size_t num_pids;
};

struct slot {
    int socket;
    struct tls_connection *connection;
    enum tls_progress progress;
};

/* What one or more turns have cost. */
struct tally {
    long handshakes, failures, resumptions;
    double cpu_us, wait_us, wall_us, client_us;
};

static struct tls_client *client;
static struct slot slots[NUM_SLOTS];
static int poll_set;

static void stop(const char *what)
{
    perror(what);
    exit(1);
}

static double now_us(clockid_t clock)
{
    struct timespec now = {0};
    (void)clock_gettime(clock, &now); /* both clocks exist */
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* ---- connections ---- */

/* On loopback connecting and the ClientHello do not block. */
static bool begin(struct slot *slot, in_port_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = slot};
    size_t len = 0;
    const unsigned char *hello = tls_client_hello(client, &len);
    slot->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    slot->progress = TLS_GREETED;
    tls_connection_begin(slot->connection);
    return slot->socket >= 0 &&
           connect(slot->socket, (struct sockaddr *)&address, sizeof(address)) == 0 &&
           send(slot->socket, hello, len, MSG_NOSIGNAL) == (ssize_t)len &&
           epoll_ctl(poll_set, EPOLL_CTL_ADD, slot->socket, &event) == 0;
}

static void end(struct slot *slot)
{
    if (slot->socket >= 0) {
        (void)close(slot->socket); /* nothing was written that could be lost */
    }
    slot->socket = -1;
}

/* Reads what is there. Returns false when the connection is over. */
static bool proceed(struct slot *slot)
{
    size_t room_len = 0;
    unsigned char *room = tls_connection_room(slot->connection, &room_len);
    ssize_t received = recv(slot->socket, room, room_len, MSG_DONTWAIT);
    if (received <= 0) {
        return received < 0 && (errno == EAGAIN || errno == EINTR);
    }
    size_t flight_len = 0;
    slot->progress = tls_connection_take(slot->connection, (size_t)received);
    const unsigned char *flight = tls_connection_flight(slot->connection, &flight_len);
    return slot->progress != TLS_BROKEN &&
           (!flight || send(slot->socket, flight, flight_len, MSG_NOSIGNAL) == (ssize_t)flight_len);
}

static void count(struct slot *slot, struct tally *tally)
{
    bool succeeded = slot->progress == TLS_ANSWERED;
    tally->handshakes += succeeded;
    tally->failures += !succeeded;
    tally->resumptions += tls_connection_resumed(slot->connection);
    if (tally->failures > MAX_FAILURES) {
        fprintf(stderr, "handshake: the server does not answer with full handshakes\n");
        exit(1);
    }
}

/* Keeps all slots busy until so many were begun, or so long; waits for the last ones. */
static void shake_hands(in_port_t port, long number, double duration_us, struct tally *tally)
{
    struct epoll_event events[NUM_SLOTS];
    double until = now_us(CLOCK_MONOTONIC) + duration_us;
    long begun = 0;
    long ended = 0;
    bool more = true;
    while (more || ended < begun) {
        for (size_t i = 0; more && i < NUM_SLOTS; i++) {
            if (slots[i].socket < 0 && begun < number) {
                begun++;
                if (!begin(&slots[i], port)) {
                    stop("handshake: connecting");
                }
            }
        }
        int ready = epoll_wait(poll_set, events, NUM_SLOTS, 10000);
        if (ready == 0 || (ready < 0 && errno != EINTR)) {
            stop("handshake: the server is silent");
        }
        for (int i = 0; i < ready; i++) {
            struct slot *slot = events[i].data.ptr;
            if (!proceed(slot)) {
                count(slot, tally);
                end(slot);
                ended++;
            }
        }
        more = begun < number && now_us(CLOCK_MONOTONIC) < until;
    }
}

/* ---- the servers' CPU time ---- */

/* Adds what /proc/PID/task/TID/schedstat tells: nanoseconds on a CPU, and waiting for one. */
static void add_thread(long pid, const char *thread, double *cpu_us, double *wait_us)
{
    char path[128];
    double ran = 0;
    double waited = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/task/%.20s/schedstat", pid, thread);
    FILE *file = fopen(path, "re");
    if (!file || fscanf(file, "%lf %lf", &ran, &waited) != 2) {
        stop(path);
    }
    (void)fclose(file); /* only read */
    *cpu_us += ran / 1e3;
    *wait_us += waited / 1e3;
}

static void read_clock(const struct server *server, double *cpu_us, double *wait_us)
{
    *cpu_us = *wait_us = 0;
    for (size_t i = 0; i < server->num_pids; i++) {
        char path[64];
        (void)snprintf(path, sizeof(path), "/proc/%ld/task", server->pids[i]);
        DIR *threads = opendir(path);
        if (!threads) {
            stop(path);
        }
        for (struct dirent *entry = readdir(threads); entry; entry = readdir(threads)) {
            if (entry->d_name[0] != '.') {
                add_thread(server->pids[i], entry->d_name, cpu_us, wait_us);
            }
        }
        (void)closedir(threads); /* only read */
    }
}

static void take_turn(const struct server *server, double duration_us, struct tally *tally)
{
    double cpu[2];
    double wait[2];
    read_clock(server, &cpu[0], &wait[0]);
    double began = now_us(CLOCK_MONOTONIC);
    double client_began = now_us(CLOCK_PROCESS_CPUTIME_ID);
    shake_hands(server->port, 1L << 40, duration_us, tally);
    tally->wall_us += now_us(CLOCK_MONOTONIC) - began;
    tally->client_us += now_us(CLOCK_PROCESS_CPUTIME_ID) - client_began;
    read_clock(server, &cpu[1], &wait[1]);
    tally->cpu_us += cpu[1] - cpu[0];
    tally->wait_us += wait[1] - wait[0];
}

static bool take_turns(const struct server *servers, size_t num_servers, long rounds,
                       double duration_us)
{
    bool clean = true;
    for (long round = 0; round <= rounds; round++) {
        struct tally tallies[MAX_SERVERS] = {0};
        for (size_t i = 0; i < 2 * num_servers; i++) {
            size_t server = i < num_servers ? i : 2 * num_servers - 1 - i;
            take_turn(&servers[server], duration_us, &tallies[server]);
        }
        for (size_t i = 0; i < num_servers; i++) {
            const struct tally *tally = &tallies[i];
            clean = clean && tally->failures == 0 && tally->resumptions == 0;
            printf("{\"round\": %ld, \"server\": %zu, \"handshakes\": %ld, \"failures\": %ld, "
                   "\"resumptions\": %ld, \"cpu_us\": %.0f, \"wait_us\": %.0f, \"wall_us\": %.0f, "
                   "\"client_us\": %.0f}\n",
                   round, i, tally->handshakes, tally->failures, tally->resumptions, tally->cpu_us,
                   tally->wait_us, tally->wall_us, tally->client_us);
        }
        (void)fflush(stdout); /* as printf */
    }
    return clean;
}

static bool shake_number(const char *port, long number)
{
    struct tally tally = {0};
    double began = now_us(CLOCK_MONOTONIC);
    shake_hands((in_port_t)strtoul(port, NULL, 10), number, 1e12, &tally);
    double seconds = (now_us(CLOCK_MONOTONIC) - began) / 1e6;
    printf("%ld full handshakes, %ld failed, %ld resumed, %.0f/s\n", tally.handshakes,
           tally.failures, tally.resumptions, (double)tally.handshakes / seconds);
    return tally.failures == 0 && tally.resumptions == 0;
}

/* ---- the command line ---- */

static struct server parse_server(const char *text)
{
    char *rest = NULL;
    struct server server = {.port = (in_port_t)strtoul(text, &rest, 10)};
    while (*rest && server.num_pids < MAX_PIDS) {
        server.pids[server.num_pids++] = strtol(rest + 1, &rest, 10);
    }
    return server;
}

static int usage(void)
{
    fprintf(stderr, "usage: handshake [-n SERVER-NAME] PORT COUNT\n"
                    "       handshake [-n SERVER-NAME] -t MILLISECONDS -r ROUNDS "
                    "PORT:PID[,PID...] ...\n");
    return 2;
}

static void prepare(const char *server_name)
{
    client = tls_client_new(server_name,
                            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    poll_set = epoll_create1(EPOLL_CLOEXEC);
    if (poll_set < 0) {
        stop("handshake: epoll");
    }
    for (size_t i = 0; i < NUM_SLOTS; i++) {
        slots[i] = (struct slot){.socket = -1, .connection = tls_connection_new(client)};
    }
}

static void clean_up(void)
{
    for (size_t i = 0; i < NUM_SLOTS; i++) {
        tls_connection_free(slots[i].connection);
    }
    tls_client_free(client);
    (void)close(poll_set); /* the end */
}

int main(int argc, char **argv)
{
    const char *server_name = NULL;
    long milliseconds = 0;
    long rounds = 0;
    bool clean = false;
    for (int option = getopt(argc, argv, "n:t:r:"); option >= 0;
         option = getopt(argc, argv, "n:t:r:")) {
        switch (option) {
        case 'n':
            server_name = optarg;
            break;
        case 't':
            milliseconds = strtol(optarg, NULL, 10);
            break;
        case 'r':
            rounds = strtol(optarg, NULL, 10);
            break;
        default:
            return usage();
        }
    }
    argv += optind;
    argc -= optind;
    if (milliseconds > 0 ? argc < 1 || argc > MAX_SERVERS : argc != 2) {
        return usage();
    }
    prepare(server_name);
    if (milliseconds > 0) {
        struct server servers[MAX_SERVERS];
        for (int i = 0; i < argc; i++) {
            servers[i] = parse_server(argv[i]);
        }
        clean = take_turns(servers, (size_t)argc, rounds, (double)milliseconds * 1e3);
    } else {
        clean = shake_number(argv[0], strtol(argv[1], NULL, 10));
    }
    clean_up();
    return clean ? 0 : 1;
}
