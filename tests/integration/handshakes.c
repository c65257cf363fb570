/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client that does nothing but full handshakes: each on a connection of its own, with one request and the
 * whole answer, several threads at a time. It counts what failed, and which certificates it was shown.
 *
 * usage: handshakes PORT NAME CA-FILE THREADS COUNT [PAUSE-MS]
 * CA-FILE "-": nothing is verified. COUNT 0: until standard input ends, with "so far NUMBER" after every ten.
 * Prints "seen HEX" when a certificate is new; at the end "handshakes", "failed" and "per second" with a number
 * each, and "serial HEX NUMBER".
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define MAX_THREADS 64
#define MAX_SERIALS 256
#define MAX_TOLD 5 /* failures */
#define STEP 10    /* handshakes, of which an endless run tells */

static const char request[] = "GET / HTTP/1.0\r\nConnection: close\r\n\r\n";
static const char wanted_answer[] = "HTTP/1.";
static const int timeout_s = 20;

struct serial {
    char *hex;
    long count;
};

static struct {
    SSL_CTX *context;
    const char *name;
    bool verify;
    struct timespec pause; /* of each thread after each handshake */
    struct sockaddr_in address;
    bool endless;
    atomic_long left;
    atomic_long done;
    atomic_long failed;
    pthread_mutex_t mutex; /* of the serials */
    struct serial serials[MAX_SERIALS];
    size_t num_serials;
} job = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void stop(const char *what)
{
    fprintf(stderr, "handshakes: %s\n", what);
    ERR_print_errors_fp(stderr);
    exit(2);
}

static bool fail(const char *what)
{
    if (atomic_fetch_add(&job.failed, 1) < MAX_TOLD) {
        fprintf(stderr, "failed: %s\n", what);
        ERR_print_errors_fp(stderr);
    }
    ERR_clear_error();
    return false;
}

static void count_serial(char *hex)
{
    size_t i = 0;
    (void)pthread_mutex_lock(&job.mutex); /* cannot fail */
    while (i < job.num_serials && strcmp(job.serials[i].hex, hex) != 0) {
        i++;
    }
    if (i == MAX_SERIALS) {
        stop("too many certificates");
    }
    if (i == job.num_serials) {
        job.serials[job.num_serials++].hex = strdup(hex);
        printf("seen %s\n", hex);
        (void)fflush(stdout); /* somebody waits for it */
    }
    job.serials[i].count++;
    (void)pthread_mutex_unlock(&job.mutex); /* cannot fail */
}

static bool note_certificate(SSL *ssl)
{
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    BIGNUM *number =
        certificate ? ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), NULL) : NULL;
    char *hex = number ? BN_bn2hex(number) : NULL;
    BN_free(number);
    if (!hex) {
        return fail("no certificate");
    }
    count_serial(hex);
    OPENSSL_free(hex);
    return true;
}

/* In TLS 1.3 only an answer shows that the server, too, is content. */
static bool exchange(SSL *ssl)
{
    char answer[4096];
    size_t total = 0;
    int got = 0;
    if (SSL_write(ssl, request, sizeof(request) - 1) <= 0) {
        return fail("sending the request");
    }
    do {
        got = SSL_read(ssl, answer + total, (int)(sizeof(answer) - total));
        total += got > 0 ? (size_t)got : 0;
    } while (got > 0 && total < sizeof(answer));
    ERR_clear_error(); /* servers may end without a close_notify */
    return (total > sizeof(wanted_answer) &&
            strncmp(answer, wanted_answer, sizeof(wanted_answer) - 1) == 0) ||
           fail("reading the answer");
}

static bool handshake(SSL *ssl, int descriptor)
{
    const struct timeval timeout = {.tv_sec = timeout_s};
    const struct linger no_wait = {.l_onoff = 1}; /* or the ports run out */
    if (setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &no_wait, sizeof(no_wait)) != 0 ||
        connect(descriptor, (const struct sockaddr *)&job.address, sizeof(job.address)) != 0) {
        perror("handshakes");
        return fail("connecting");
    }
    if (!SSL_set_fd(ssl, descriptor) || !SSL_set_tlsext_host_name(ssl, job.name) ||
        (job.verify && !SSL_set1_host(ssl, job.name))) {
        return fail("preparing");
    }
    if (SSL_connect(ssl) != 1) {
        return fail("the handshake");
    }
    return note_certificate(ssl) && exchange(ssl);
}

static void connect_once(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    SSL *ssl = SSL_new(job.context);
    if (descriptor < 0 || !ssl) {
        stop("out of sockets or memory");
    }
    (void)handshake(ssl, descriptor); /* counted */
    SSL_free(ssl);
    (void)close(descriptor); /* nothing was left */
    long done = atomic_fetch_add(&job.done, 1) + 1;
    if (job.endless && done % STEP == 0) {
        printf("so far %ld\n", done);
        (void)fflush(stdout); /* somebody waits for it */
    }
}

static void *work(void *unused)
{
    (void)unused; /* all is in `job` */
    while (atomic_fetch_sub(&job.left, 1) > 0) {
        connect_once();
        (void)nanosleep(&job.pause, NULL); /* shorter does no harm */
    }
    return NULL;
}

static void make_context(const char *ca_file)
{
    job.context = SSL_CTX_new(TLS_client_method());
    if (!job.context) {
        stop("no TLS");
    }
    (void)SSL_CTX_set_session_cache_mode(job.context, SSL_SESS_CACHE_OFF); /* the mode before */
    job.verify = strcmp(ca_file, "-") != 0;
    if (job.verify) {
        SSL_CTX_set_verify(job.context, SSL_VERIFY_PEER, NULL);
        if (!SSL_CTX_load_verify_file(job.context, ca_file)) {
            stop("the CA file");
        }
    }
}

static double now_s(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* exists */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void run(long num_threads)
{
    pthread_t threads[MAX_THREADS];
    job.endless = atomic_load(&job.left) == 0;
    if (job.endless) {
        atomic_store(&job.left, 1000000000);
    }
    for (long i = 0; i < num_threads; i++) {
        if (pthread_create(&threads[i], NULL, work, NULL) != 0) {
            stop("no thread");
        }
    }
    if (job.endless) {
        while (getchar() != EOF) {
        }
        atomic_store(&job.left, 0);
    }
    for (long i = 0; i < num_threads; i++) {
        (void)pthread_join(threads[i], NULL); /* was created */
    }
}

int main(int argc, char **argv)
{
    if (argc < 6 || argc > 7) {
        stop("usage: handshakes PORT NAME CA-FILE THREADS COUNT [PAUSE-MS]");
    }
    long num_threads = strtol(argv[4], NULL, 10);
    if (num_threads < 1 || num_threads > MAX_THREADS) {
        stop("how many threads?");
    }
    job.name = argv[2];
    job.pause.tv_nsec = (argc > 6 ? strtol(argv[6], NULL, 10) : 0) * 1000000;
    job.address.sin_family = AF_INET;
    job.address.sin_port = htons((unsigned short)strtol(argv[1], NULL, 10));
    job.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    atomic_store(&job.left, strtol(argv[5], NULL, 10));
    make_context(argv[3]);
    double began_s = now_s();
    run(num_threads);
    double passed_s = now_s() - began_s;
    printf("handshakes %ld\nfailed %ld\nper second %.0f\n", atomic_load(&job.done),
           atomic_load(&job.failed), (double)atomic_load(&job.done) / passed_s);
    for (size_t i = 0; i < job.num_serials; i++) {
        printf("serial %s %ld\n", job.serials[i].hex, job.serials[i].count);
        free(job.serials[i].hex);
    }
    SSL_CTX_free(job.context);
    return atomic_load(&job.failed) == 0 ? 0 : 1;
}
