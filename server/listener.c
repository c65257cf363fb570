/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets are made by libevent (non-blocking, close-on-exec). Running out of descriptors makes it
 * pause instead of spin. */
#include "server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/listener.h>

#include "base/log.h"

#define BACKLOG 1024
#define PAUSE_S 1

struct zca_listener {
    struct evconnlistener *socket;
    struct event *resume; /* after a pause */
    struct zca_connections *connections;
    char *url;
    unsigned port;
};

static void on_connection(struct evconnlistener *socket, evutil_socket_t fd,
                          struct sockaddr *address, int address_len, void *argument)
{
    struct zca_listener *listener = argument;
    (void)socket; /* it is the listener's */
    zca_connections_accept(listener->connections, fd, address, (socklen_t)address_len);
}

static void on_failure(struct evconnlistener *socket, void *argument)
{
    struct zca_listener *listener = argument;
    const struct timeval pause = {.tv_sec = PAUSE_S};
    zca_log(ZCA_LOG_ERROR, "accepting a connection: %s; pausing", strerror(errno));
    if (event_add(listener->resume, &pause) == 0) {
        (void)evconnlistener_disable(socket); /* at worst it tries again at once */
    }
}

static void on_resume(evutil_socket_t fd, short what, void *argument)
{
    struct zca_listener *listener = argument;
    (void)fd; /* a timer has none */
    (void)what;
    if (evconnlistener_enable(listener->socket) != 0) {
        zca_log(ZCA_LOG_ERROR, "the listener at %s could not be resumed", listener->url);
    }
}

/* Splits "HOST:PORT" at the last colon, without the brackets of an IPv6 address, and looks it up. */
static struct addrinfo *parse_address(const char *text, struct zca_error *err)
{
    zca_auto(text) char *host = strdup(text);
    if (!host) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "parsing a listen address"); /* always false */
        return NULL;
    }
    char *colon = strrchr(host, ':');
    char *end = colon;
    char *start = host;
    if (colon && *host == '[' && colon[-1] == ']') {
        start = host + 1;
        end = colon - 1;
    }
    const struct addrinfo hints = {
        .ai_family = start == host ? AF_INET : AF_INET6,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    struct addrinfo *found = NULL;
    if (end) {
        *end = '\0';
    }
    if (!end || getaddrinfo(start, colon + 1, &hints, &found) != 0) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG, /* always false */
                            "listen address '%s' is not IPv4:PORT or [IPv6]:PORT", text);
        return NULL;
    }
    return found;
}

static bool bind_socket(struct zca_listener *listener, struct event_base *base, const char *text,
                        struct zca_error *err)
{
    struct addrinfo *address = parse_address(text, err);
    if (!address) {
        return false;
    }
    unsigned only_ipv6 = address->ai_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0;
    listener->socket = evconnlistener_new_bind(base, on_connection, listener,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC |
                                                   LEV_OPT_REUSEABLE | only_ipv6,
                                               BACKLOG, address->ai_addr, (int)address->ai_addrlen);
    freeaddrinfo(address);
    if (!listener->socket) {
        return zca_error_set_errno(err, "listening at %s", text);
    }
    evconnlistener_set_error_cb(listener->socket, on_failure);
    return true;
}

/* Asks the kernel for the bound address: the port may have been 0. */
static bool format_url(struct zca_listener *listener, struct zca_error *err)
{
    struct sockaddr_storage bound = {0};
    socklen_t bound_len = sizeof bound;
    char host[INET6_ADDRSTRLEN], port[sizeof "65535"];
    int fd = evconnlistener_get_fd(listener->socket);
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_len) != 0 ||
        getnameinfo((struct sockaddr *)&bound, bound_len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return zca_error_set_errno(err, "asking for the address of the listening socket");
    }
    bool ipv6 = bound.ss_family == AF_INET6;
    const char *all = ipv6 ? "::" : "0.0.0.0";
    const char *loopback = ipv6 ? "::1" : "127.0.0.1";
    const char *shown = strcmp(host, all) == 0 ? loopback : host;
    listener->port = (unsigned)strtoul(port, NULL, 10);
    if (asprintf(&listener->url, ipv6 ? "https://[%s]:%s" : "https://%s:%s", shown, port) < 0) {
        listener->url = NULL;
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing the listening address");
    }
    return true;
}

struct zca_listener *zca_listener_open(struct event_base *base, const char *address,
                                       struct zca_connections *connections, struct zca_error *err)
{
    zca_auto(zca_listener) struct zca_listener *listener = calloc(1, sizeof *listener);
    if (!listener) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making a listener"); /* always false */
        return NULL;
    }
    listener->connections = connections;
    listener->resume = evtimer_new(base, on_resume, listener);
    if (!listener->resume) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making a listener"); /* always false */
        return NULL;
    }
    if (!bind_socket(listener, base, address, err) || !format_url(listener, err)) {
        return NULL;
    }
    return zca_steal(listener);
}

void zca_listener_close(struct zca_listener *listener)
{
    if (!listener) {
        return;
    }
    if (listener->socket) {
        evconnlistener_free(listener->socket);
    }
    if (listener->resume) {
        event_free(listener->resume);
    }
    free(listener->url);
    free(listener);
}

const char *zca_listener_url(const struct zca_listener *listener)
{
    return listener->url;
}

unsigned zca_listener_port(const struct zca_listener *listener)
{
    return listener->port;
}
