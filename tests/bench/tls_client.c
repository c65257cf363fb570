/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.3 by hand: records (RFC 8446, 5), ServerHello (4.1.3), Finished (4.4.4). The ClientHello is the
 * same each time, so its hash and the client's private key are made once.
 */
#include "tests/bench/tls_client.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/bench/tls_schedule.h"

#define TAG_LEN 16
#define SHARE_LEN 32
#define HEADER_LEN 5
#define ROOM_LEN (2 * (16384 + 256 + HEADER_LEN))
#define FLIGHT_LEN 1024

enum { RECORD_CCS = 20, RECORD_ALERT, RECORD_HANDSHAKE, RECORD_DATA };

enum { MESSAGE_SERVER_HELLO = 2, MESSAGE_FINISHED = 20 };

enum { EXTENSION_PSK = 41, EXTENSION_KEY_SHARE = 51 };

struct tls_client {
    EVP_PKEY *key;
    EVP_PKEY_CTX *exchange;
    struct tls_schedule schedule;
    EVP_CIPHER *gcm;
    EVP_MD_CTX *hello_hash;
    unsigned char hello[512];
    size_t hello_len; /* the record */
    char *request;
};

struct tls_connection {
    struct tls_client *client;
    enum tls_progress progress;
    bool is_resumed;
    EVP_MD_CTX *transcript;
    EVP_CIPHER_CTX *cipher;
    struct tls_traffic incoming;
    unsigned char handshake_secret[TLS_HASH_LEN], client_secret[TLS_HASH_LEN],
        server_secret[TLS_HASH_LEN];
    unsigned char head[4]; /* of the handshake message that is being read */
    size_t head_len, body_left;
    unsigned char flight[FLIGHT_LEN];
    size_t flight_len;
    size_t room_used;
    unsigned char room[ROOM_LEN];
};

/* ---- keys ---- */

static void hash_so_far(struct tls_connection *connection, unsigned char out[TLS_HASH_LEN])
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    tls_must(copy && EVP_MD_CTX_copy_ex(copy, connection->transcript) == 1 &&
                 EVP_DigestFinal_ex(copy, out, NULL) == 1,
             "hashing");
    EVP_MD_CTX_free(copy);
}

static void begin_handshake_keys(struct tls_connection *connection,
                                 const unsigned char share[SHARE_LEN])
{
    struct tls_client *client = connection->client;
    unsigned char shared[SHARE_LEN];
    unsigned char hash[TLS_HASH_LEN];
    size_t len = sizeof(shared);
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, share, SHARE_LEN);
    tls_must(peer && EVP_PKEY_derive_set_peer_ex(client->exchange, peer, 0) == 1 &&
                 EVP_PKEY_derive(client->exchange, shared, &len) == 1,
             "X25519");
    EVP_PKEY_free(peer);
    tls_hmac(&client->schedule, client->schedule.early_derived, shared, sizeof(shared),
             connection->handshake_secret);
    hash_so_far(connection, hash);
    tls_expand(&client->schedule, connection->handshake_secret, "c hs traffic", hash,
               connection->client_secret, TLS_HASH_LEN);
    tls_expand(&client->schedule, connection->handshake_secret, "s hs traffic", hash,
               connection->server_secret, TLS_HASH_LEN);
    tls_expand_traffic(&client->schedule, connection->server_secret, &connection->incoming);
}

/* ---- records ---- */

/* Encrypts or decrypts one record's content in place; the record's header is authenticated. */
static bool transform(struct tls_connection *connection, struct tls_traffic *traffic, bool encrypts,
                      const unsigned char header[HEADER_LEN], unsigned char *content, size_t len)
{
    unsigned char nonce[TLS_IV_LEN];
    int moved = 0;
    unsigned char *tag = content + len;
    memcpy(nonce, traffic->iv, TLS_IV_LEN);
    for (size_t i = 0; i < 8; i++) {
        nonce[TLS_IV_LEN - 1 - i] ^= (unsigned char)(traffic->sequence >> (8 * i));
    }
    traffic->sequence++;
    tls_must(EVP_CipherInit_ex2(connection->cipher, connection->client->gcm, traffic->key, nonce,
                                encrypts, NULL) == 1 &&
                 (encrypts || EVP_CIPHER_CTX_ctrl(connection->cipher, EVP_CTRL_AEAD_SET_TAG,
                                                  TAG_LEN, tag) == 1) &&
                 EVP_CipherUpdate(connection->cipher, NULL, &moved, header, HEADER_LEN) == 1 &&
                 EVP_CipherUpdate(connection->cipher, content, &moved, content, (int)len) == 1,
             "AES-GCM");
    return EVP_CipherFinal_ex(connection->cipher, tag, &moved) == 1 &&
           (!encrypts ||
            EVP_CIPHER_CTX_ctrl(connection->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag) == 1);
}

static void append_record(struct tls_connection *connection, struct tls_traffic *traffic,
                          unsigned char type, const unsigned char *content, size_t len)
{
    size_t sealed_len = len + 1 + TAG_LEN;
    unsigned char *record = connection->flight + connection->flight_len;
    tls_must(connection->flight_len + HEADER_LEN + sealed_len <= FLIGHT_LEN, "a short request");
    memcpy(record,
           (const unsigned char[]){RECORD_DATA, 3, 3, (unsigned char)(sealed_len >> 8),
                                   (unsigned char)sealed_len},
           HEADER_LEN);
    memcpy(record + HEADER_LEN, content, len);
    record[HEADER_LEN + len] = type;
    tls_must(transform(connection, traffic, true, record, record + HEADER_LEN, len + 1),
             "encryption");
    connection->flight_len += HEADER_LEN + sealed_len;
}

/* The server's Finished is in the transcript: makes the client's flight and the keys for what follows. */
static void make_flight(struct tls_connection *connection)
{
    static const unsigned char zeros[TLS_HASH_LEN];
    struct tls_client *client = connection->client;
    struct tls_traffic outgoing;
    unsigned char hash[TLS_HASH_LEN];
    unsigned char secret[TLS_HASH_LEN];
    unsigned char finished[4 + TLS_HASH_LEN] = {MESSAGE_FINISHED, 0, 0, TLS_HASH_LEN};
    hash_so_far(connection, hash);
    tls_expand(&client->schedule, connection->client_secret, "finished", NULL, secret,
               TLS_HASH_LEN);
    tls_hmac(&client->schedule, secret, hash, TLS_HASH_LEN, finished + 4);
    tls_expand_traffic(&client->schedule, connection->client_secret, &outgoing);
    connection->flight_len = 0;
    append_record(connection, &outgoing, RECORD_HANDSHAKE, finished, sizeof(finished));
    tls_expand(&client->schedule, connection->handshake_secret, "derived",
               client->schedule.empty_hash, secret, TLS_HASH_LEN);
    tls_hmac(&client->schedule, secret, zeros, TLS_HASH_LEN, secret); /* the master secret */
    tls_expand(&client->schedule, secret, "c ap traffic", hash, connection->client_secret,
               TLS_HASH_LEN);
    tls_expand(&client->schedule, secret, "s ap traffic", hash, connection->server_secret,
               TLS_HASH_LEN);
    tls_expand_traffic(&client->schedule, connection->client_secret, &outgoing);
    tls_expand_traffic(&client->schedule, connection->server_secret, &connection->incoming);
    append_record(connection, &outgoing, RECORD_DATA, (const unsigned char *)client->request,
                  strlen(client->request));
    connection->progress = TLS_FINISHED;
}

/* ---- what the server says ---- */

static size_t read_16(const unsigned char *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

/* The X25519 share in a ServerHello (RFC 8446, 4.1.3), or NULL; also notes a resumption. */
static const unsigned char *find_share(struct tls_connection *connection,
                                       const unsigned char *hello, size_t len)
{
    const unsigned char *share = NULL;
    size_t at = 4 + 2 + 32;
    if (len < at + 1 || hello[0] != MESSAGE_SERVER_HELLO) {
        return NULL;
    }
    at += 1 + (size_t)hello[at] + 2 + 1 + 2; /* session id, suite, compression, length */
    while (at + 4 <= len) {
        size_t size = read_16(hello + at + 2);
        if (at + 4 + size > len) {
            return NULL;
        }
        size_t type = read_16(hello + at);
        connection->is_resumed |= type == EXTENSION_PSK;
        if (type == EXTENSION_KEY_SHARE && size == 4 + SHARE_LEN) {
            share = hello + at + 8;
        }
        at += 4 + size;
    }
    return share;
}

static enum tls_progress take_hello(struct tls_connection *connection, const unsigned char *hello,
                                    size_t len)
{
    const unsigned char *share = find_share(connection, hello, len);
    if (!share) {
        return TLS_BROKEN;
    }
    tls_must(EVP_DigestUpdate(connection->transcript, hello, len) == 1, "hashing");
    begin_handshake_keys(connection, share);
    return TLS_ENCRYPTED;
}

/* Bytes of the encrypted flight up to the end of a message or of the bytes; returns how many. */
static size_t take_message(struct tls_connection *connection, const unsigned char *bytes,
                           size_t len)
{
    size_t taken = 0;
    while (taken < len && connection->head_len < sizeof(connection->head)) {
        connection->head[connection->head_len++] = bytes[taken++];
        connection->body_left = (size_t)connection->head[1] << 16 | read_16(connection->head + 2);
    }
    if (connection->head_len == sizeof(connection->head)) {
        size_t part = connection->body_left < len - taken ? connection->body_left : len - taken;
        connection->body_left -= part;
        taken += part;
    }
    tls_must(EVP_DigestUpdate(connection->transcript, bytes, taken) == 1, "hashing");
    return taken;
}

static void take_flight(struct tls_connection *connection, const unsigned char *bytes, size_t len)
{
    while (len > 0 && connection->progress == TLS_ENCRYPTED) {
        size_t taken = take_message(connection, bytes, len);
        bytes += taken;
        len -= taken;
        if (connection->head_len < sizeof(connection->head) || connection->body_left > 0) {
            return;
        }
        connection->head_len = 0;
        if (connection->head[0] == MESSAGE_FINISHED) {
            make_flight(connection);
        }
    }
}

static enum tls_progress take_encrypted(struct tls_connection *connection, unsigned char *record,
                                        size_t len)
{
    if (len < TAG_LEN + 1 || !transform(connection, &connection->incoming, false, record,
                                        record + HEADER_LEN, len - TAG_LEN)) {
        return TLS_BROKEN;
    }
    unsigned char *content = record + HEADER_LEN;
    size_t content_len = len - TAG_LEN - 1;
    unsigned char type = content[content_len]; /* nobody pads */
    if (type == RECORD_HANDSHAKE) {            /* tickets, too */
        take_flight(connection, content, content_len);
        return connection->progress;
    }
    if (type == RECORD_DATA && connection->progress >= TLS_FINISHED) {
        return TLS_ANSWERED;
    }
    return connection->progress == TLS_ANSWERED ? TLS_ANSWERED : TLS_BROKEN; /* close_notify */
}

static enum tls_progress take_record(struct tls_connection *connection, unsigned char *record,
                                     size_t len)
{
    if (record[0] == RECORD_CCS) {
        return connection->progress;
    }
    if (record[0] == RECORD_HANDSHAKE && connection->progress == TLS_GREETED) {
        return take_hello(connection, record + HEADER_LEN, len);
    }
    return record[0] == RECORD_DATA && connection->progress != TLS_GREETED
               ? take_encrypted(connection, record, len)
               : TLS_BROKEN;
}

unsigned char *tls_connection_room(struct tls_connection *connection, size_t *out_len)
{
    *out_len = ROOM_LEN - connection->room_used;
    return connection->room + connection->room_used;
}

enum tls_progress tls_connection_take(struct tls_connection *connection, size_t len)
{
    size_t at = 0;
    connection->room_used += len;
    while (connection->progress != TLS_BROKEN && connection->room_used - at >= HEADER_LEN) {
        unsigned char *record = connection->room + at;
        size_t record_len = read_16(record + 3);
        if (connection->room_used - at < HEADER_LEN + record_len) {
            break;
        }
        connection->progress = take_record(connection, record, record_len);
        at += HEADER_LEN + record_len;
    }
    connection->room_used -= at;
    memmove(connection->room, connection->room + at, connection->room_used);
    return connection->progress;
}

const unsigned char *tls_connection_flight(struct tls_connection *connection, size_t *out_len)
{
    *out_len = connection->flight_len;
    connection->flight_len = 0;
    return *out_len > 0 ? connection->flight : NULL;
}

bool tls_connection_resumed(const struct tls_connection *connection)
{
    return connection->is_resumed;
}

void tls_connection_begin(struct tls_connection *connection)
{
    connection->progress = TLS_GREETED;
    connection->is_resumed = false;
    connection->head_len = 0;
    connection->body_left = 0;
    connection->flight_len = 0;
    connection->room_used = 0;
    tls_must(EVP_MD_CTX_copy_ex(connection->transcript, connection->client->hello_hash) == 1,
             "hashing");
}

struct tls_connection *tls_connection_new(struct tls_client *client)
{
    struct tls_connection *connection = calloc(1, sizeof(*connection));
    tls_must(connection, "memory");
    connection->client = client;
    connection->transcript = EVP_MD_CTX_new();
    connection->cipher = EVP_CIPHER_CTX_new();
    tls_must(connection->transcript && connection->cipher, "memory");
    return connection;
}

void tls_connection_free(struct tls_connection *connection)
{
    if (connection) {
        EVP_MD_CTX_free(connection->transcript);
        EVP_CIPHER_CTX_free(connection->cipher);
        free(connection);
    }
}

/* ---- the ClientHello ---- */

static void append(struct tls_client *client, const void *bytes, size_t len)
{
    tls_must(client->hello_len + len <= sizeof(client->hello), "a short server name");
    memcpy(client->hello + client->hello_len, bytes, len);
    client->hello_len += len;
}

static void append_16(struct tls_client *client, size_t value)
{
    append(client, (const unsigned char[]){(unsigned char)(value >> 8), (unsigned char)value}, 2);
}

static void set_16(unsigned char *bytes, size_t value)
{
    bytes[0] = (unsigned char)(value >> 8);
    bytes[1] = (unsigned char)value;
}

/* supported_versions, supported_groups, signature_algorithms, psk_key_exchange_modes (without it there would
 * be no tickets, which browsers get) and the head of key_share */
static const unsigned char extensions[] = {0, 43, 0, 3,  2, 3,  4,     /* TLS 1.3 */
                                           0, 10, 0, 4,  0, 2,  0, 29, /* X25519 */
                                           0, 13, 0, 12, 0, 10, 4, 3,  5, 3,
                                           8, 4,  8, 5,  8, 7, /* ECDSA, RSA-PSS, Ed25519 */
                                           0, 45, 0, 2,  1, 1, /* psk_dhe_ke */
                                           0, 51, 0, 38, 0, 36, 0, 29, 0, SHARE_LEN};

static void append_server_name(struct tls_client *client, const char *name)
{
    size_t len = strlen(name);
    append_16(client, 0);
    append_16(client, len + 5);
    append_16(client, len + 3);
    append(client, "", 1); /* host_name */
    append_16(client, len);
    append(client, name, len);
}

static void make_hello(struct tls_client *client, const char *server_name)
{
    static const unsigned char head[] = {RECORD_HANDSHAKE, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3};
    static const unsigned char random[32] = {7};
    static const unsigned char suites[] = {0, 0, 2, 0x13, 0x01, 1, 0}; /* no session id before */
    unsigned char share[SHARE_LEN];
    size_t share_len = sizeof(share);
    tls_must(EVP_PKEY_get_raw_public_key(client->key, share, &share_len) == 1, "the key share");
    append(client, head, sizeof(head));
    append(client, random, sizeof(random));
    append(client, suites, sizeof(suites));
    size_t extensions_at = client->hello_len;
    append_16(client, 0);
    if (server_name) {
        append_server_name(client, server_name);
    }
    append(client, extensions, sizeof(extensions));
    append(client, share, share_len);
    set_16(client->hello + 3, client->hello_len - HEADER_LEN);
    set_16(client->hello + 7, client->hello_len - HEADER_LEN - 4);
    set_16(client->hello + extensions_at, client->hello_len - extensions_at - 2);
}

struct tls_client *tls_client_new(const char *server_name, const char *request)
{
    struct tls_client *client = calloc(1, sizeof(*client));
    tls_must(client, "memory");
    client->request = strdup(request);
    tls_schedule_init(&client->schedule);
    client->key = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    client->exchange = EVP_PKEY_CTX_new_from_pkey(NULL, client->key, NULL);
    client->gcm = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    client->hello_hash = EVP_MD_CTX_new();
    tls_must(client->request && client->key && client->exchange &&
                 EVP_PKEY_derive_init(client->exchange) == 1 && client->gcm && client->hello_hash,
             "libcrypto");
    make_hello(client, server_name);
    tls_must(EVP_DigestInit_ex2(client->hello_hash, client->schedule.sha256, NULL) == 1 &&
                 EVP_DigestUpdate(client->hello_hash, client->hello + HEADER_LEN,
                                  client->hello_len - HEADER_LEN) == 1,
             "hashing");
    return client;
}

const unsigned char *tls_client_hello(const struct tls_client *client, size_t *out_len)
{
    *out_len = client->hello_len;
    return client->hello;
}

void tls_client_free(struct tls_client *client)
{
    if (client) {
        EVP_PKEY_CTX_free(client->exchange);
        EVP_PKEY_free(client->key);
        tls_schedule_clear(&client->schedule);
        EVP_CIPHER_free(client->gcm);
        EVP_MD_CTX_free(client->hello_hash);
        free(client->request);
        free(client);
    }
}
