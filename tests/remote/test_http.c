/* SPDX-License-Identifier: Apache-2.0 */
/* TLS, deadlines and forks, seen through the table: the dialect orgca is only the vehicle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/clock.h"
#include "tests/remote/authority.h"
#include "tests/remote/remote_table.h"
#include "tests/remote/tls_files.h"

static const char script[] = "@repeat\nHTTP/1.1 200 OK\n\n"
                             "{\"success\":true,\"data\":{\"certificates\":[]},\"error\":null}\n";

/* What all tests share: files, and a client's settings that work. */
struct fixture {
    const struct zca_remote *remote;
    char *scratch;
    char *token_file;
    struct tls_files *files;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->remote = remote_table();
    fixture->scratch = scratch_new();
    fixture->token_file = scratch_write(fixture->scratch, "token", "{\"access_token\":\"t\"}");
    fixture->files = tls_files_new(fixture->scratch);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    tls_files_free(fixture->files);
    scratch_free(fixture->scratch);
    free(fixture->token_file);
    free(fixture);
    return 0;
}

static struct zca_client_settings make_settings(const struct fixture *fixture)
{
    return (struct zca_client_settings){
        .authority = "test",
        .dialect = "orgca",
        .organization = "org-1",
        .trust_file = fixture->files->ca,
        .token_file = fixture->token_file,
        .timeout_ms = 30000,
    };
}

static struct zca_client *open_client(const struct fixture *fixture,
                                      struct zca_client_settings *settings,
                                      const struct authority *authority)
{
    zca_auto(text) char *url = NULL;
    struct zca_error err = {0};
    assert_true(asprintf(&url, "https://127.0.0.1:%d", authority_port(authority)) > 0);
    settings->url = url;
    struct zca_client *client = fixture->remote->client_open(settings, &err);
    settings->url = NULL;
    assert_non_null(client);
    return client;
}

static bool list(const struct fixture *fixture, struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {0};
    return fixture->remote->list(client, &filter, &records, err);
}

/* Lists once at an authority with this TLS side; the reason of the failure, or ZCA_ERR_NONE. */
static enum zca_reason list_once(const struct fixture *fixture,
                                 struct zca_client_settings *settings, SSL_CTX *tls,
                                 struct zca_error *err)
{
    struct authority *authority = authority_start(script, tls);
    struct zca_client *client = open_client(fixture, settings, authority);
    bool ok = list(fixture, client, err);
    fixture->remote->client_close(client);
    free(authority_stop(authority));
    assert_int_equal(ok, err->reason == ZCA_ERR_NONE);
    assert_int_equal(ERR_peek_error(), 0);
    return err->reason;
}

/* ---- trust ---- */

static void server_of_trusted_ca_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    assert_int_equal(list_once(fixture, &settings, fixture->files->server, &err), ZCA_ERR_NONE);
}

static void server_of_other_ca_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.trust_file = fixture->files->other_ca;
    assert_int_equal(list_once(fixture, &settings, fixture->files->server, &err), ZCA_ERR_VERIFY);
    settings.trust_file = NULL; /* the system does not know our CA either */
    assert_int_equal(list_once(fixture, &settings, fixture->files->server, &err), ZCA_ERR_VERIFY);
}

static void server_of_other_name_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    assert_int_equal(list_once(fixture, &settings, fixture->files->elsewhere, &err),
                     ZCA_ERR_VERIFY);
}

static void server_with_old_tls_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    assert_int_equal(list_once(fixture, &settings, fixture->files->old, &err), ZCA_ERR_UNAVAILABLE);
}

static void missing_trust_file_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.trust_file = "/nowhere/ca.pem";
    assert_int_equal(list_once(fixture, &settings, fixture->files->server, &err), ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/ca.pem"));
}

/* ---- client certificates ---- */

static void client_certificate_is_presented(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.certificate_file = fixture->files->client;
    settings.key_file = fixture->files->client_key;
    assert_int_equal(list_once(fixture, &settings, fixture->files->mutual, &err), ZCA_ERR_NONE);
}

static void missing_client_certificate_is_unavailable(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    assert_int_equal(list_once(fixture, &settings, fixture->files->mutual, &err),
                     ZCA_ERR_UNAVAILABLE);
}

static void unusable_client_key_is_named(void **state)
{
    struct fixture *fixture = *state;
    const char *const keys[] = {fixture->files->other_key, fixture->files->locked_key,
                                fixture->files->client};
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        struct zca_client_settings settings = make_settings(fixture);
        struct zca_error err = {0};
        settings.certificate_file = fixture->files->client;
        settings.key_file = keys[i];
        assert_int_equal(list_once(fixture, &settings, fixture->files->mutual, &err),
                         ZCA_ERR_CONFIG);
        assert_non_null(strstr(err.message, keys[i]));
    }
}

/* With a certificate the token file may be missing. */
static void client_certificate_is_enough(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.certificate_file = fixture->files->client;
    settings.key_file = fixture->files->client_key;
    settings.token_file = "/nowhere/token";
    assert_int_equal(list_once(fixture, &settings, fixture->files->mutual, &err), ZCA_ERR_NONE);
}

/* ---- deadlines ---- */

static void silent_tls_server_ends_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.timeout_ms = 300;
    int64_t start_ms = zca_clock_monotonic_ms();
    /* plain: it waits for a request that the client does not send before TLS stands */
    assert_int_equal(list_once(fixture, &settings, NULL, &err), ZCA_ERR_UNAVAILABLE);
    int64_t took_ms = zca_clock_monotonic_ms() - start_ms;
    assert_in_range(took_ms, 250, 20000); /* others have thirty seconds */
}

/* ---- proxies ---- */

static void loopback_needs_no_proxy(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0); /* nobody listens */
    enum zca_reason reason = list_once(fixture, &settings, fixture->files->server, &err);
    assert_int_equal(unsetenv("https_proxy"), 0);
    assert_int_equal(reason, ZCA_ERR_NONE);
}

/* ---- forks ---- */

static void forgetting_child_leaves_the_connection_alone(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    int status = -1;
    struct authority *authority = authority_start(script, fixture->files->server);
    struct zca_client *client = open_client(fixture, &settings, authority);
    assert_true(list(fixture, client, &err));
    pid_t child = fork();
    if (child == 0) {
        fixture->remote->client_forget(client);
        leave_child(true);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(list(fixture, client, &err));
    fixture->remote->client_close(client);
    zca_auto(text) char *asked = authority_stop(authority);
    assert_non_null(strstr(asked, "connection 1\n"));
    assert_null(strstr(asked, "connection 2\n"));
}

/* The server numbers connections: who asked, on which one. */
static void child_asks_on_its_own_and_the_parent_on_its_old_connection(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    int status = -1;
    struct authority *authority = authority_start(script, fixture->files->server);
    struct zca_client *client = open_client(fixture, &settings, authority);
    assert_true(list(fixture, client, &err));
    pid_t child = fork();
    if (child == 0) {
        fixture->remote->client_forget(client);
        struct zca_client *own = open_client(fixture, &settings, authority);
        bool ok = list(fixture, own, &err);
        fixture->remote->client_close(own);
        leave_child(ok);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_true(list(fixture, client, &err));
    fixture->remote->client_close(client);
    zca_auto(text) char *asked = authority_stop(authority);
    const char *of_child = strstr(asked, "connection 2\n");
    assert_non_null(of_child);
    assert_non_null(strstr(of_child, "connection 1\n")); /* the parent's second request */
    assert_null(strstr(asked, "connection 3\n"));
}

/* ---- library contexts ---- */

/* How often the default context asked our provider for anything in this thread. The server's threads
 * use it, though only when they were told another: d2i_SSL_SESSION has no parameter for it. */
static _Thread_local int spied;

static const OSSL_ALGORITHM *spy_query(void *context, int operation, int *no_cache)
{
    (void)context;
    (void)operation;
    *no_cache = 1;
    spied++;
    return NULL;
}

static int spy_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                    const OSSL_DISPATCH **out, void **context)
{
    static const OSSL_DISPATCH functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))spy_query},
        {0,                                  NULL                     },
    };
    (void)in;
    *out = functions;
    *context = (void *)(uintptr_t)handle;
    return 1;
}

static void provider_of_the_process_is_not_entered(void **state)
{
    struct fixture *fixture = *state;
    struct zca_client_settings settings = make_settings(fixture);
    struct zca_error err = {0};
    settings.certificate_file = fixture->files->client;
    settings.key_file = fixture->files->client_key;
    assert_int_equal(OSSL_PROVIDER_add_builtin(NULL, "spy", spy_init), 1);
    OSSL_PROVIDER *spy = OSSL_PROVIDER_load(NULL, "spy");
    assert_non_null(spy);
    OSSL_LIB_CTX *before = OSSL_LIB_CTX_set0_default(NULL);
    spied = 0;
    assert_int_equal(list_once(fixture, &settings, fixture->files->mutual, &err), ZCA_ERR_NONE);
    assert_int_equal(spied, 0);
    assert_ptr_equal(OSSL_LIB_CTX_set0_default(NULL), before);
    EVP_MD_free(EVP_MD_fetch(NULL, "SHA2-256", "spied=no"));
    assert_int_not_equal(spied, 0); /* the spy does see what is asked of the default context */
    ERR_clear_error();
    assert_int_equal(OSSL_PROVIDER_unload(spy), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(server_of_trusted_ca_is_accepted),
        cmocka_unit_test(server_of_other_ca_is_refused),
        cmocka_unit_test(server_of_other_name_is_refused),
        cmocka_unit_test(server_with_old_tls_is_refused),
        cmocka_unit_test(missing_trust_file_is_named),
        cmocka_unit_test(client_certificate_is_presented),
        cmocka_unit_test(missing_client_certificate_is_unavailable),
        cmocka_unit_test(unusable_client_key_is_named),
        cmocka_unit_test(client_certificate_is_enough),
        cmocka_unit_test(silent_tls_server_ends_at_the_deadline),
        cmocka_unit_test(loopback_needs_no_proxy),
        cmocka_unit_test(forgetting_child_leaves_the_connection_alone),
        cmocka_unit_test(child_asks_on_its_own_and_the_parent_on_its_old_connection),
        cmocka_unit_test(provider_of_the_process_is_not_entered),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
