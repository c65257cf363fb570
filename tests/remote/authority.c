/* SPDX-License-Identifier: Apache-2.0 */
/* One thread accepts, one more serves each connection; all are joined when the authority stops. */
#include "tests/remote/authority.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/lock.h"

enum { MAX_CONNECTIONS = 64, MAX_BLOCKS = 32 };

struct connection {
    struct authority *authority;
    pthread_t thread;
    int number;
    int fd;
    SSL *tls;
};

struct authority {
    int listener;
    int port;
    SSL_CTX *tls;
    char *script;
    const char *blocks[MAX_BLOCKS];
    size_t num_blocks;
    pthread_t acceptor;
    pthread_mutex_t mutex; /* protects what follows */
    bool stopping;
    size_t next_block;
    struct zca_buffer record;
    struct connection connections[MAX_CONNECTIONS];
    int num_connections;
};

/* How a block is to be given. */
struct manner {
    bool close, hang, last;
    long cut, stall; /* -1: not */
    long pad, flood;
    const char *answer;
};

/* ---- bytes ---- */

static ssize_t receive(struct connection *connection, void *data, size_t len)
{
    if (connection->tls) {
        return SSL_read(connection->tls, data, (int)len);
    }
    return recv(connection->fd, data, len, 0);
}

static bool transmit(struct connection *connection, const void *data, size_t len)
{
    const char *rest = data;
    while (len > 0) {
        ssize_t sent = connection->tls ? SSL_write(connection->tls, rest, (int)len)
                                       : send(connection->fd, rest, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        rest += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* ---- requests ---- */

static size_t content_length(const char *head)
{
    const char *line = strcasestr(head, "\r\nContent-Length:");
    return line ? strtoul(line + strlen("\r\nContent-Length:"), NULL, 10) : 0;
}

/* Reads header and body into `request`; false at the end of the connection. */
static bool read_request(struct connection *connection, struct zca_buffer *request)
{
    size_t wanted = 0;
    zca_buffer_clear(request);
    while (wanted == 0 || request->len < wanted) {
        uint8_t piece[1024]; /* any size would do */
        ssize_t got = receive(connection, piece, sizeof(piece));
        if (got <= 0 || !zca_buffer_append(request, zca_span_of(piece, (size_t)got), NULL)) {
            return false;
        }
        const char *text = (const char *)request->data;
        const char *end = strstr(text, "\r\n\r\n");
        if (end) {
            wanted = (size_t)(end - text) + 4 + content_length(text);
        }
    }
    return true;
}

static void write_line(struct zca_buffer *record, const char *line)
{
    bool ok = zca_buffer_append(record, zca_span_of(line, strcspn(line, "\r\n")), NULL) &&
              zca_buffer_append_text(record, "\n", NULL);
    assert(ok);
}

/* Request line without version, the headers that matter, the body. Mutex held. */
static void write_down(const struct connection *connection, const char *request)
{
    static const char *const headers[] = {
        "\r\nAuthorization:", "\r\nX-Api-Key:", "\r\nContent-Type:"};
    struct zca_buffer *record = &connection->authority->record;
    bool ok = zca_buffer_format(record, NULL, "connection %d\n", connection->number) &&
              zca_buffer_format(record, NULL, "%.*s\n", (int)(strstr(request, " HTTP/") - request),
                                request);
    assert(ok);
    for (size_t i = 0; i < ZCA_COUNT(headers); i++) {
        const char *line = strcasestr(request, headers[i]);
        if (line) {
            write_line(record, line + 2);
        }
    }
    const char *body = strstr(request, "\r\n\r\n") + 4;
    if (*body != '\0') {
        write_line(record, body);
    }
    write_line(record, "===");
}

static const char *take_block(struct connection *connection, const char *request)
{
    struct authority *authority = connection->authority;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&authority->mutex);
    write_down(connection, request);
    if (authority->next_block == authority->num_blocks) {
        return "HTTP/1.1 599 Unexpected\n\n";
    }
    const char *block = authority->blocks[authority->next_block];
    if (!strstr(block, "@repeat\n")) {
        authority->next_block++;
    }
    return block;
}

/* ---- answers ---- */

static struct manner parse_manner(const char *block)
{
    struct manner manner = {.cut = -1, .stall = -1};

    const struct {
        const char *word;
        bool *flag;
        long *number;
    } words[] = {
        {"@close",  &manner.close, NULL         },
        {"@hang",   &manner.hang,  NULL         },
        {"@last",   &manner.last,  NULL         },
        {"@cut ",   NULL,          &manner.cut  },
        {"@pad ",   NULL,          &manner.pad  },
        {"@stall ", NULL,          &manner.stall},
        {"@flood ", NULL,          &manner.flood},
    };

    for (; *block == '@'; block += strcspn(block, "\n") + 1) {
        for (size_t i = 0; i < ZCA_COUNT(words); i++) {
            size_t len = strlen(words[i].word);
            if (strncmp(block, words[i].word, len) != 0) {
                continue;
            }
            if (words[i].flag) {
                *words[i].flag = true;
            } else {
                *words[i].number = strtol(block + len, NULL, 10);
            }
        }
    }

    manner.answer = block;
    return manner;
}

static void wait_until_stopped(struct connection *connection)
{
    uint8_t byte = 0;
    while (receive(connection, &byte, 1) > 0) {
    }
}

/* Header with CRLF and Content-Length. Returns the body. */
static const char *format_head(const struct manner *manner, size_t body_len, struct zca_buffer *out)
{
    const char *answer = manner->answer;
    bool ok = true;
    while (*answer != '\n' && *answer != '\0') {
        size_t len = strcspn(answer, "\n");
        ok = ok && zca_buffer_append(out, zca_span_of(answer, len), NULL) &&
             zca_buffer_append_text(out, "\r\n", NULL);
        answer += len + (answer[len] == '\n');
    }
    for (long i = 0; i < manner->flood; i++) {
        ok = ok && zca_buffer_format(out, NULL, "X-Flood: %089ld\r\n", i);
    }
    ok = ok && zca_buffer_format(out, NULL, "Content-Length: %zu\r\n\r\n", body_len);
    assert(ok);
    return *answer == '\n' ? answer + 1 : answer;
}

/* False when the connection is over. */
static bool give(struct connection *connection, const char *block)
{
    struct manner manner = parse_manner(block);
    if (manner.hang) {
        wait_until_stopped(connection);
    }
    if (manner.hang || manner.close) {
        return false;
    }
    zca_auto(zca_buffer) struct zca_buffer head = {0};
    zca_auto(zca_buffer) struct zca_buffer body = {0};
    const char *start = strstr(manner.answer, "\n\n");
    size_t len = start ? strlen(start + 2) : 0;
    size_t pad = (size_t)manner.pad;
    const char *text = format_head(&manner, len + pad, &head);
    bool ok =
        zca_buffer_append_text(&body, text, NULL) && zca_buffer_resize(&body, body.len + pad, NULL);
    assert(ok);
    long short_len = manner.cut >= 0 ? manner.cut : manner.stall;
    bool sent = transmit(connection, head.data, head.len) &&
                transmit(connection, body.data, short_len >= 0 ? (size_t)short_len : body.len);
    if (sent && manner.stall >= 0) {
        wait_until_stopped(connection);
    }
    return sent && short_len < 0 && !manner.last;
}

/* ---- threads ---- */

static void *serve(void *context)
{
    struct connection *connection = context;
    zca_auto(zca_buffer) struct zca_buffer request = {0};
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE); /* of this side only: the client must not get any */
    (void)pthread_sigmask(SIG_BLOCK, &signals, NULL); /* fails for our own mistakes only */
    int on = 1;
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* only slower */
    bool open = !connection->tls || SSL_accept(connection->tls) == 1;
    while (open && read_request(connection, &request)) {
        open = give(connection, take_block(connection, (const char *)request.data));
    }
    (void)shutdown(connection->fd, SHUT_RDWR); /* closed when the authority stops */
    return NULL;
}

static bool add_connection(struct authority *authority, int fd)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&authority->mutex);
    if (authority->stopping || authority->num_connections == MAX_CONNECTIONS) {
        return false;
    }
    struct connection *connection = &authority->connections[authority->num_connections];
    *connection = (struct connection){
        .authority = authority,
        .number = ++authority->num_connections,
        .fd = fd,
        .tls = authority->tls ? SSL_new(authority->tls) : NULL,
    };
    if (connection->tls) {
        (void)SSL_set_fd(connection->tls, fd); /* fails for want of memory only */
    }
    return pthread_create(&connection->thread, NULL, serve, connection) == 0;
}

static void *accept_all(void *context)
{
    struct authority *authority = context;
    for (;;) {
        int fd = accept4(authority->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return NULL;
        }
        if (!add_connection(authority, fd)) {
            (void)close(fd); /* nobody is served any more */
        }
    }
}

static void split_script(struct authority *authority)
{
    char *rest = authority->script;
    while (rest && *rest != '\0') {
        char *end = strstr(rest, "===\n");
        assert(authority->num_blocks < MAX_BLOCKS);
        authority->blocks[authority->num_blocks++] = rest;
        if (end) {
            *end = '\0';
            end += strlen("===\n");
        }
        rest = end;
    }
}

struct authority *authority_start(const char *script, SSL_CTX *tls)
{
    struct authority *authority = calloc(1, sizeof(*authority));
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof(address);
    assert(authority);
    authority->tls = tls;
    authority->script = strdup(script);
    split_script(authority);
    pthread_mutex_init(&authority->mutex, NULL);
    authority->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = bind(authority->listener, (struct sockaddr *)&address, len) == 0 &&
              listen(authority->listener, 16) == 0 &&
              getsockname(authority->listener, (struct sockaddr *)&address, &len) == 0 &&
              pthread_create(&authority->acceptor, NULL, accept_all, authority) == 0;
    assert(ok);
    authority->port = ntohs(address.sin_port);
    return authority;
}

int authority_port(const struct authority *authority)
{
    return authority->port;
}

size_t authority_count(struct authority *authority, const char *text)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&authority->mutex);
    size_t count = 0;
    const char *rest = authority->record.len > 0 ? (const char *)authority->record.data : "";
    for (rest = strstr(rest, text); rest; rest = strstr(rest + strlen(text), text)) {
        count++;
    }
    return count;
}

static int begin_stop(struct authority *authority)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&authority->mutex);
    authority->stopping = true;
    for (int i = 0; i < authority->num_connections; i++) {
        (void)shutdown(authority->connections[i].fd, SHUT_RDWR); /* wakes its thread */
    }
    return authority->num_connections;
}

char *authority_stop(struct authority *authority)
{
    int num_connections = begin_stop(authority);
    (void)shutdown(authority->listener, SHUT_RDWR); /* wakes the acceptor */
    (void)pthread_join(authority->acceptor, NULL);  /* always joinable */
    for (int i = 0; i < num_connections; i++) {
        struct connection *connection = &authority->connections[i];
        (void)pthread_join(connection->thread, NULL); /* as above */
        SSL_free(connection->tls);
        (void)close(connection->fd); /* shut down already */
    }
    (void)close(authority->listener); /* as above */
    char *record = strdup(authority->record.len > 0 ? (const char *)authority->record.data : "");
    zca_buffer_clear(&authority->record);
    pthread_mutex_destroy(&authority->mutex);
    free(authority->script);
    free(authority);
    return record;
}
