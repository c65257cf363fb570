/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the parts up in order, runs the loop, and takes them down in reverse: state, TLS, workers,
 * connections, listeners. Only the main thread is in here.
 */
#include "server/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/file.h"
#include "base/log.h"
#include "server/account.h"
#include "server/connections.h"
#include "server/domain.h"
#include "server/listener.h"
#include "server/notify.h"
#include "server/options.h"
#include "server/start_text.h"
#include "server/tls.h"
#include "server/worker.h"

#define RESERVED_DESCRIPTORS 64 /* for everything that is not a connection */
#define RENEW_TLS_S (24L * 60 * 60)
#define NUM_EVENTS 5 /* rows of event_rows */

struct serving {
    struct zca_server *server;
    int lock;
    struct event_base *base;
    struct zca_workers *workers;
    struct zca_connections *connections;
    struct zca_listener **listeners; /* NULL-terminated */
    struct event *events[NUM_EVENTS];
    bool stopping;
};

/* ---- events ---- */

static void on_drained(void *argument)
{
    struct serving *serving = argument;
    (void)event_base_loopbreak(serving->base); /* fails only without a base */
}

static void close_listeners(struct serving *serving)
{
    for (size_t i = 0; serving->listeners && serving->listeners[i]; i++) {
        zca_listener_close(serving->listeners[i]);
        serving->listeners[i] = NULL;
    }
}

/* The first time politely, the second time at once. */
static void on_stop(evutil_socket_t number, short what, void *argument)
{
    struct serving *serving = argument;
    (void)number; /* which signal, does not matter */
    (void)what;
    const struct timeval patience = {
        .tv_sec = zca_server_number(serving->server, ZCA_SERVER_STOP_TIMEOUT)};
    if (serving->stopping || event_base_loopexit(serving->base, &patience) != 0) {
        on_drained(serving);
        return;
    }
    serving->stopping = true;
    zca_log(ZCA_LOG_INFO, "stopping");
    zca_notify("STOPPING=1");
    close_listeners(serving);
    zca_connections_stop(serving->connections, on_drained, serving);
}

static void on_reload(evutil_socket_t number, short what, void *argument)
{
    struct serving *serving = argument;
    struct zca_error err = {0};
    bool by_clock = (what & EV_TIMEOUT) != 0;
    (void)number; /* there is one signal for it */
    if (by_clock && !zca_tls_is_made(serving->server)) {
        return;
    }
    SSL_CTX *tls = zca_tls_load(serving->server, &err);
    if (!tls) {
        (void)zca_error_context(&err, "keeping the TLS certificate as it is"); /* always false */
        zca_log_failure(&err);
        return;
    }
    zca_connections_set_tls(serving->connections, tls);
    zca_log(ZCA_LOG_INFO, "TLS certificate loaded anew");
}

static void on_finished(evutil_socket_t fd, short what, void *argument)
{
    struct serving *serving = argument;
    (void)fd; /* the workers' */
    (void)what;
    zca_connections_finish(serving->connections, zca_workers_take(serving->workers));
}

static const struct event_row {
    int number; /* signal, 0: the workers' descriptor, -1: the daily timer */
    short what;
    event_callback_fn callback;
} event_rows[NUM_EVENTS] = {
    {SIGTERM, EV_SIGNAL | EV_PERSIST, on_stop    },
    {SIGINT,  EV_SIGNAL | EV_PERSIST, on_stop    },
    {SIGHUP,  EV_SIGNAL | EV_PERSIST, on_reload  },
    {0,       EV_READ | EV_PERSIST,   on_finished},
    {-1,      EV_PERSIST,             on_reload  },
};

static bool add_events(struct serving *serving, struct zca_error *err)
{
    const struct timeval daily = {.tv_sec = RENEW_TLS_S};
    for (size_t i = 0; i < ZCA_COUNT(event_rows); i++) {
        const struct event_row *row = &event_rows[i];
        int number = row->number == 0 ? zca_workers_descriptor(serving->workers) : row->number;
        serving->events[i] = event_new(serving->base, number, row->what, row->callback, serving);
        if (!serving->events[i] ||
            event_add(serving->events[i], number == -1 ? &daily : NULL) != 0) {
            return zca_error_set(err, ZCA_ERR_SYSTEM, "setting up the event loop");
        }
    }
    return true;
}

/* ---- up and down ---- */

/* One server for one state directory; the lock goes with the process. */
static bool lock_state(struct serving *serving, struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_path_join(serving->server->state_directory, "serve.lock", "", err);
    if (!path) {
        return false;
    }
    serving->lock = open(path, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (serving->lock < 0) {
        return zca_error_set_errno(err, "opening '%s'", path);
    }
    if (flock(serving->lock, LOCK_EX | LOCK_NB) != 0) {
        return zca_error_set(err, ZCA_ERR_BUSY, "another zca-server runs on '%s'",
                             serving->server->state_directory);
    }
    return true;
}

/* As many connections as asked for, or as the limit of descriptors lets us have. */
static size_t connection_limit(const struct zca_server *server)
{
    size_t wanted = (size_t)zca_server_number(server, ZCA_SERVER_MAX_CONNECTIONS);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0) {
            return wanted;
        }
    }
    size_t possible = limit.rlim_cur > 2 * RESERVED_DESCRIPTORS
                          ? (size_t)limit.rlim_cur - RESERVED_DESCRIPTORS
                          : RESERVED_DESCRIPTORS;
    if (possible < wanted) {
        zca_log(ZCA_LOG_WARNING, "max-connections is cut to %zu by the limit of open files",
                possible);
    }
    return possible < wanted ? possible : wanted;
}

static bool open_listeners(struct serving *serving, struct zca_error *err)
{
    const char *const *addresses = zca_server_list(serving->server, ZCA_SERVER_LISTEN);
    size_t num_addresses = 0;
    while (addresses && addresses[num_addresses]) {
        num_addresses++;
    }
    if (num_addresses == 0) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "the option listen names no address");
    }
    serving->listeners = calloc(num_addresses + 1, sizeof *serving->listeners);
    if (!serving->listeners) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "opening the listeners");
    }
    for (size_t i = 0; i < num_addresses; i++) {
        serving->listeners[i] =
            zca_listener_open(serving->base, addresses[i], serving->connections, err);
        if (!serving->listeners[i]) {
            return false;
        }
    }
    return true;
}

/* The change list spares a system call for each change of what a connection waits for. It wants
 * descriptors that were never duplicated, as ours are not. */
static struct event_base *make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;
    if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0) {
        base = event_base_new_with_config(config);
    }
    event_config_free(config);
    return base;
}

static bool bring_up(struct serving *serving, struct zca_error *err)
{
    struct zca_server *server = serving->server;
    SSL_CTX *tls = zca_tls_load(server, err);
    if (!tls) {
        return false;
    }
    serving->base = make_base();
    serving->workers = zca_workers_new((size_t)zca_server_number(server, ZCA_SERVER_WORKERS),
                                       (size_t)zca_server_number(server, ZCA_SERVER_QUEUE), err);
    if (!serving->base || !serving->workers) {
        SSL_CTX_free(tls);
        return serving->base ? false : zca_error_set(err, ZCA_ERR_SYSTEM, "making the event loop");
    }
    serving->connections = zca_connections_new(server, serving->base, serving->workers, tls,
                                               connection_limit(server), err);
    return serving->connections && add_events(serving, err) && open_listeners(serving, err);
}

/* From here on the server leaves anyway: a second SIGTERM must not turn that into a failure. */
static void block_signals(void)
{
    sigset_t all;
    (void)sigfillset(&all); /* neither can fail with these arguments */
    (void)pthread_sigmask(SIG_BLOCK, &all, NULL);
}

static void take_down(struct serving *serving)
{
    block_signals();
    close_listeners(serving);
    free(serving->listeners);
    long patience_s = zca_server_number(serving->server, ZCA_SERVER_STOP_TIMEOUT);
    if (serving->workers && !zca_workers_stop(serving->workers, patience_s)) {
        zca_log(ZCA_LOG_ERROR, "requests still run after %ld s; leaving without them", patience_s);
        _exit(1); /* their threads use what a regular end would release */
    }
    if (serving->connections) {
        /* the answers that came in last go nowhere, but their connections know it then */
        zca_connections_finish(serving->connections, zca_workers_take(serving->workers));
    }
    zca_connections_free(serving->connections);
    zca_workers_free(serving->workers);
    for (size_t i = 0; i < ZCA_COUNT(serving->events); i++) {
        if (serving->events[i]) {
            event_free(serving->events[i]);
        }
    }
    if (serving->base) {
        event_base_free(serving->base);
    }
    if (serving->lock >= 0) {
        (void)close(serving->lock); /* only a lock */
    }
}

/* ---- being ready ---- */

static bool write_ready(int fd, unsigned port, struct zca_error *err)
{
    if (fd < 0) {
        return true;
    }
    bool good = dprintf(fd, "ready %u\n", port) > 0;
    good = close(fd) == 0 && good;
    return good ? true : zca_error_set_errno(err, "writing to --ready-fd");
}

static bool announce(struct serving *serving, const struct zca_bootstrap *bootstrap, int ready_fd,
                     struct zca_error *err)
{
    const char *url = zca_listener_url(serving->listeners[0]);
    if (!zca_start_text_print(serving->server, url, bootstrap, err)) {
        return false;
    }
    for (size_t i = 0; serving->listeners[i]; i++) {
        zca_log(ZCA_LOG_INFO, "zca-server " ZCA_VERSION " listens at %s",
                zca_listener_url(serving->listeners[i]));
    }
    zca_notify("READY=1");
    return write_ready(ready_fd, zca_listener_port(serving->listeners[0]), err);
}

static bool run(struct serving *serving, int ready_fd, struct zca_error *err)
{
    zca_auto(zca_bootstrap) struct zca_bootstrap bootstrap = {0};
    if (!lock_state(serving, err) || !zca_domain_open(serving->server, err) ||
        !zca_account_bootstrap(serving->server, &bootstrap, err) || !bring_up(serving, err) ||
        !announce(serving, &bootstrap, ready_fd, err)) {
        return false;
    }
    if (event_base_dispatch(serving->base) < 0) {
        return zca_error_set(err, ZCA_ERR_SYSTEM, "running the event loop");
    }
    zca_log(ZCA_LOG_INFO, "stopped");
    return true;
}

static bool parse_arguments(int argc, char **argv, int *out_ready_fd, struct zca_error *err)
{
    if (argc == 0) {
        return true;
    }
    char *end = NULL;
    long fd = argc == 2 ? strtol(argv[1], &end, 10) : -1;
    if (strcmp(argv[0], "--ready-fd") != 0 || fd < 0 || fd > 65535 || *end != '\0' ||
        fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "serve takes nothing but --ready-fd N, an open descriptor");
    }
    *out_ready_fd = (int)fd;
    return true;
}

bool zca_command_serve(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    int ready_fd = -1;
    struct serving serving = {.server = server, .lock = -1};
    if (!parse_arguments(argc, argv, &ready_fd, err)) {
        return false;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for a valid signal */
    bool good = run(&serving, ready_fd, err);
    take_down(&serving);
    zca_domain_close(server);
    return good;
}
