/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of full TLS 1.3 handshakes (RFC 8446), as cheap as a measurement needs it: one X25519
 * share for all connections, TLS_AES_128_GCM_SHA256 only, nothing verified. No sockets here.
 */
#ifndef ZCA_TESTS_BENCH_TLS_CLIENT_H
#define ZCA_TESTS_BENCH_TLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

struct tls_client; /* what the connections share; for one thread */
struct tls_connection;

/* What has happened, in this order. */
enum tls_progress {
    TLS_BROKEN,    /* an alert, or bytes that are no TLS 1.3 of this kind */
    TLS_GREETED,   /* waiting for the server's flight */
    TLS_ENCRYPTED, /* the ServerHello was read */
    TLS_FINISHED,  /* the server's Finished was read: the client's flight is to be sent */
    TLS_ANSWERED   /* the server sent application data */
};

/**
 * tls_client_new makes a client whose connections ask for `server_name` (NULL: no such extension) and send `request`
 * behind their Finished. Stops the process when libcrypto fails, as all of this file does.
 */
struct tls_client *tls_client_new(const char *server_name, const char *request);
void tls_client_free(struct tls_client *client);

/** tls_client_hello returns the record with the ClientHello, the same for all connections. */
const unsigned char *tls_client_hello(const struct tls_client *client, size_t *out_len);

struct tls_connection *tls_connection_new(struct tls_client *client);
void tls_connection_free(struct tls_connection *connection);

/** tls_connection_begin forgets what was: the ClientHello was sent over a new socket. */
void tls_connection_begin(struct tls_connection *connection);

/**
 * tls_connection_room tells where received bytes belong, and tls_connection_take how many were put there;
 * that returns the progress after all complete records.
 */
unsigned char *tls_connection_room(struct tls_connection *connection, size_t *out_len);
enum tls_progress tls_connection_take(struct tls_connection *connection, size_t len);

/** tls_connection_flight returns the client's Finished and request, once; else NULL. */
const unsigned char *tls_connection_flight(struct tls_connection *connection, size_t *out_len);

/** tls_connection_resumed tells whether the server took up an old session, which was not offered. */
bool tls_connection_resumed(const struct tls_connection *connection);

#endif
