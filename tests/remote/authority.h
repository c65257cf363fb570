/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority for tests: answers requests on loopback from a script, and writes down what it
 * was asked. Plain HTTP, or TLS when given an SSL_CTX.
 */
#ifndef ZCA_TESTS_REMOTE_AUTHORITY_H
#define ZCA_TESTS_REMOTE_AUTHORITY_H

#include <stddef.h>

#include <openssl/ssl.h>

struct authority;

/**
 * authority_start listens on a free port of 127.0.0.1 and answers the n-th request with the n-th
 * block of `script`. Blocks are separated by lines "===". A block is an HTTP answer with LF line ends;
 * Content-Length is added. Lines in front of it change how it is given:
 *
 *   @close     close the connection instead
 *   @hang      never answer
 *   @cut N     send only N bytes of the body, then close
 *   @stall N   send only N bytes of the body, then wait
 *   @flood N   add N lines of 100 bytes to the header
 *   @pad N     append N bytes to the body
 *   @last      close the connection after the answer, without saying so
 *   @repeat    answer all further requests with this block
 *
 * tls   server context, borrowed until the authority stops; NULL: plain HTTP.
 */
struct authority *authority_start(const char *script, SSL_CTX *tls);

/** authority_port returns the port. */
int authority_port(const struct authority *authority);

/** authority_count returns how many requests contained `text` so far. */
size_t authority_count(struct authority *authority, const char *text);

/** authority_stop ends all threads and returns what was asked: for each request its connection's number,
 * request line, credentials, content type and body, then "===". Caller frees. */
char *authority_stop(struct authority *authority);

#endif
