/* SPDX-License-Identifier: Apache-2.0 */
/* Forks while another thread is in a handshake in a context that is used for other things, too, as core's is. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "base/view.h"
#include "tests/remote/authority.h"
#include "tests/remote/remote_table.h"
#include "tests/remote/tls_files.h"

enum {
    ROUNDS = 60, /* each with a context whose tables are empty, as in a new process */
    MAX_FORKS_A_ROUND = 50,
    PATIENCE_S = 20
};

struct round {
    const struct zca_remote *remote;
    struct zca_client *client;
    OSSL_LIB_CTX *context;
    _Atomic bool is_over;
};

static void *ask(void *argument)
{
    struct round *round = argument;
    struct zca_error err = {0};
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {0};
    bool ok = round->remote->list(round->client, &filter, &records, &err);
    round->is_over = true;
    return ok ? round : NULL;
}

/* What a signature needs: random numbers, and an algorithm that nobody has looked for yet. */
static bool compute(OSSL_LIB_CTX *context)
{
    unsigned char bytes[32];
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    return RAND_priv_bytes_ex(context, bytes, sizeof(bytes), 0) == 1 &&
           EVP_Q_digest(context, "SHA224", NULL, bytes, sizeof(bytes), digest, &len) == 1;
}

static pid_t fork_once(OSSL_LIB_CTX *context)
{
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(PATIENCE_S);
        _exit(compute(context) ? 0 : 1);
    }
    return child;
}

/* As many children as there are while the handshake goes on: each at another moment of it. */
static void fork_often(const struct round *round)
{
    pid_t children[MAX_FORKS_A_ROUND];
    size_t count = 0;
    while (count < MAX_FORKS_A_ROUND && !round->is_over) {
        children[count++] = fork_once(round->context);
    }
    for (size_t i = 0; i < count; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0); /* SIGALRM: it waited for a lock that nobody holds */
    }
}

static void run_round(const struct zca_remote *remote, const struct zca_client_settings *template)
{
    struct zca_error err = {0};
    struct zca_client_settings settings = *template;
    struct round round = {.remote = remote, .context = OSSL_LIB_CTX_new()};
    assert_non_null(round.context);
    OSSL_PROVIDER *provider = zca_view_load(round.context, "default", false, &err);
    assert_non_null(provider);
    settings.context = round.context;
    round.client = remote->client_open(&settings, &err);
    assert_non_null(round.client);
    unsigned char byte = 0;
    assert_int_equal(RAND_priv_bytes_ex(round.context, &byte, 1, 0), 1); /* a key was made before */

    pthread_t thread;
    void *answered = NULL;
    assert_int_equal(pthread_create(&thread, NULL, ask, &round), 0);
    fork_often(&round);
    assert_int_equal(pthread_join(thread, &answered), 0);
    assert_non_null(answered);

    remote->client_close(round.client);
    assert_int_equal(OSSL_PROVIDER_unload(provider), 1);
    OSSL_LIB_CTX_free(round.context);
}

static void child_computes_while_the_parent_shakes_hands(void **state)
{
    (void)state;
    static const char script[] =
        "@repeat\nHTTP/1.1 200 OK\n\n"
        "{\"success\":true,\"data\":{\"certificates\":[]},\"error\":null}\n";
    const struct zca_remote *remote = remote_table();
    char *scratch = scratch_new();
    zca_auto(text) char *token_file = scratch_write(scratch, "token", "{\"access_token\":\"t\"}");
    struct tls_files *files = tls_files_new(scratch);
    struct authority *authority = authority_start(script, files->server);
    zca_auto(text) char *url = NULL;
    assert_true(asprintf(&url, "https://127.0.0.1:%d", authority_port(authority)) > 0);
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = "orgca",
        .organization = "org-1",
        .url = url,
        .trust_file = files->ca,
        .token_file = token_file,
        .timeout_ms = 30000,
    };

    for (int i = 0; i < ROUNDS; i++) {
        run_round(remote, &settings);
    }

    free(authority_stop(authority));
    tls_files_free(files);
    scratch_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_computes_while_the_parent_shakes_hands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
