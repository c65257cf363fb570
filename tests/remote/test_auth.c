/* SPDX-License-Identifier: Apache-2.0 */
/* The token file: who may read it, who renews it, and that only one does. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/remote/authority.h"
#include "tests/remote/remote_table.h"

#define TOKENS "{\"token\":\"token-2\",\"refresh_token\":\"refresh-2\",\"expires_in\":3600}"
#define ANSWER(data) "HTTP/1.1 200 OK\n\n{\"success\":true,\"data\":" data ",\"error\":null}\n"
#define REFUSAL                                                                                    \
    "HTTP/1.1 401 Unauthorized\n\n"                                                                \
    "{\"success\":false,\"data\":null,\"error\":{\"code\":\"UNAUTHORIZED\",\"message\":\"no\"}}\n"

static const char list_answer[] = "@repeat\n" ANSWER("{\"certificates\":[]}");
static const char refusal_that_repeats[] =
    "@repeat\nHTTP/1.1 401 Unauthorized\n\n{\"success\":false,\"data\":null,"
    "\"error\":{\"code\":\"given-1\",\"message\":\"no given-1\"}}\n";
static const char expired[] =
    "{\"access_token\":\"token-1\",\"refresh_token\":\"refresh-1\",\"expires_at\":1000000000}";
static const char unknown[] = "{\"access_token\":\"token-1\",\"refresh_token\":\"refresh-1\"}";

enum { NUM_PROCESSES = 8 };

struct fixture {
    const struct zca_remote *remote;
    char *scratch;
    char *token_file;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    fixture->remote = remote_table();
    fixture->scratch = scratch_new();
    fixture->token_file = scratch_path(fixture->scratch, "token");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    scratch_free(fixture->scratch);
    free(fixture->token_file);
    free(fixture);
    return 0;
}

static struct zca_client *open_client(const struct fixture *fixture, const char *token_file,
                                      const struct authority *authority, long timeout_ms)
{
    zca_auto(text) char *url = NULL;
    struct zca_error err = {0};
    assert_true(asprintf(&url, "http://127.0.0.1:%d", authority_port(authority)) > 0);
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = "quickztna",
        .url = url,
        .organization = "org-1",
        .token_file = token_file,
        .timeout_ms = timeout_ms,
    };
    struct zca_client *client = fixture->remote->client_open(&settings, &err);
    assert_non_null(client);
    return client;
}

static bool list(const struct fixture *fixture, const struct authority *authority, long timeout_ms,
                 struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {0};
    struct zca_client *client = open_client(fixture, fixture->token_file, authority, timeout_ms);
    bool ok = fixture->remote->list(client, &filter, &records, err);
    fixture->remote->client_close(client);
    return ok;
}

static char *join(const char *first, const char *second)
{
    char *script = NULL;
    assert_true(asprintf(&script, "%s===\n%s", first, second) > 0);
    return script;
}

/* ---- the file ---- */

static void login_writes_a_private_file(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    struct stat status;
    int64_t expires_at_s = 0;
    struct zca_login login = {.user = "a@example.org", .password = zca_span_text("password")};
    zca_auto(text) char *directory = scratch_path(fixture->scratch, "authorities");
    zca_auto(text) char *path = scratch_path(directory, "token");
    struct authority *authority = authority_start(ANSWER(TOKENS), NULL);
    struct zca_client *client = open_client(fixture, path, authority, 5000);
    assert_true(fixture->remote->login(client, &login, &err));
    fixture->remote->client_close(client);
    free(authority_stop(authority));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    zca_auto(text) char *text = read_text(path);
    zca_auto(zca_json) struct zca_json *json = zca_json_parse(zca_span_text(text), NULL);
    assert_string_equal(zca_json_text(json, "access_token"), "token-2");
    assert_string_equal(zca_json_text(json, "refresh_token"), "refresh-2");
    assert_true(zca_json_integer(json, "expires_at", &expires_at_s));
    assert_in_range(expires_at_s - zca_clock_now_s(), 3500, 3600);
    scratch_free(zca_steal(directory));
}

static void file_open_to_everybody_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    free(scratch_write(fixture->scratch, "token", unknown));
    assert_int_equal(chmod(fixture->token_file, 0604), 0);
    struct authority *authority = authority_start(list_answer, NULL);
    assert_false(list(fixture, authority, 5000, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    zca_auto(text) char *asked = authority_stop(authority);
    assert_string_equal(asked, "");
}

/* ---- renewal ---- */

static void many_processes_renew_once(void **state)
{
    struct fixture *fixture = *state;
    pid_t children[NUM_PROCESSES];
    free(scratch_write(fixture->scratch, "token", expired));
    zca_auto(text) char *script = join(ANSWER(TOKENS), list_answer);
    struct authority *authority = authority_start(script, NULL);
    for (size_t i = 0; i < NUM_PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct zca_error err = {0};
            leave_child(list(fixture, authority, 20000, &err));
        }
    }
    for (size_t i = 0; i < NUM_PROCESSES; i++) {
        int status = -1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(authority_count(authority, "POST /api/auth/refresh"), 1);
    assert_int_equal(authority_count(authority, "Bearer token-2"), NUM_PROCESSES);
    free(authority_stop(authority));
}

/* What a thread does while the test holds the lock. */
struct waiter {
    struct fixture *fixture;
    struct authority *authority;
    bool ok;
};

static void *list_in_thread(void *context)
{
    struct waiter *waiter = context;
    struct zca_error err = {0};
    waiter->ok = list(waiter->fixture, waiter->authority, 20000, &err);
    return NULL;
}

static int hold_lock(const struct fixture *fixture)
{
    zca_auto(text) char *path = scratch_path(fixture->scratch, "token.lock");
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    return fd;
}

static void tokens_renewed_elsewhere_are_used(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    free(scratch_write(fixture->scratch, "token", unknown));
    zca_auto(text) char *script = join(REFUSAL, list_answer);
    struct authority *authority = authority_start(script, NULL);
    struct waiter waiter = {.fixture = fixture, .authority = authority};
    int lock = hold_lock(fixture);
    assert_int_equal(pthread_create(&thread, NULL, list_in_thread, &waiter), 0);
    for (int i = 0; i < 1000 && authority_count(authority, "Bearer token-1") == 0; i++) {
        (void)poll(NULL, 0, 10); /* until the refusal is on its way */
    }
    free(scratch_write(fixture->scratch, "token",
                       "{\"access_token\":\"token-3\",\"refresh_token\":\"refresh-3\"}"));
    assert_int_equal(close(lock), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(waiter.ok);
    assert_int_equal(authority_count(authority, "/api/auth/refresh"), 0);
    assert_int_equal(authority_count(authority, "Bearer token-3"), 1);
    free(authority_stop(authority));
}

static void held_lock_is_busy_at_the_deadline(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    free(scratch_write(fixture->scratch, "token", expired));
    struct authority *authority = authority_start(list_answer, NULL);
    int lock = hold_lock(fixture);
    int64_t start_ms = zca_clock_monotonic_ms();
    assert_false(list(fixture, authority, 200, &err));
    assert_int_equal(err.reason, ZCA_ERR_BUSY);
    assert_in_range(zca_clock_monotonic_ms() - start_ms, 200, 20000);
    assert_int_equal(close(lock), 0);
    zca_auto(text) char *asked = authority_stop(authority);
    assert_string_equal(asked, "");
}

/* A refresh token must not be used up when its successor cannot be written. */
static void unwritable_directory_uses_nothing_up(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    int status = -1;
    free(scratch_write(fixture->scratch, "token", expired));
    struct authority *authority = authority_start(list_answer, NULL);
    assert_int_equal(chmod(fixture->scratch, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        bool dropped = geteuid() != 0 ||
                       (chown(fixture->token_file, 65534, 65534) == 0 && seteuid(65534) == 0);
        bool ok = list(fixture, authority, 5000, &err);
        leave_child(dropped && !ok && err.reason == ZCA_ERR_SYSTEM);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(fixture->scratch, 0700), 0);
    assert_int_equal(status, 0);
    zca_auto(text) char *asked = authority_stop(authority);
    assert_string_equal(asked, "");
}

/* ---- a credential that is given ---- */

static bool list_with(const struct fixture *fixture, struct zca_client *client,
                      struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {0};
    *err = (struct zca_error){0};
    return fixture->remote->list(client, &filter, &records, err);
}

static int64_t give(const struct fixture *fixture, struct zca_client *client, const char *text)
{
    int64_t expires_at_s = -1;
    struct zca_error err = {0};
    assert_true(
        fixture->remote->client_authorise(client, zca_span_text(text), &expires_at_s, &err));
    return expires_at_s;
}

static void given_credential_stands_in_for_the_file(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    struct authority *authority = authority_start(list_answer, NULL);
    struct zca_client *client = open_client(fixture, fixture->token_file, authority, 5000);
    assert_int_equal(give(fixture, client, "given-1"), 0);
    assert_true(list_with(fixture, client, &err));
    assert_int_equal(give(fixture, client, "given-2"), 0);
    assert_true(list_with(fixture, client, &err));
    (void)give(fixture, client, "");
    assert_false(list_with(fixture, client, &err)); /* there is no file */
    assert_int_equal(err.reason, ZCA_ERR_AUTH);
    fixture->remote->client_close(client);
    assert_int_equal(authority_count(authority, "Bearer given-1"), 1);
    assert_int_equal(authority_count(authority, "Bearer given-2"), 1);
    free(authority_stop(authority));
}

static void given_credential_is_not_renewed_and_not_repeated(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    free(scratch_write(fixture->scratch, "token", unknown));
    zca_auto(text) char *script = join(ANSWER("{\"certificates\":[]}"), refusal_that_repeats);
    struct authority *authority = authority_start(script, NULL);
    struct zca_client *client = open_client(fixture, fixture->token_file, authority, 5000);
    assert_true(list_with(fixture, client, &err)); /* now the client knows how to renew */
    (void)give(fixture, client, "given-1");
    assert_false(list_with(fixture, client, &err));
    fixture->remote->client_close(client);
    assert_int_equal(err.reason, ZCA_ERR_AUTH);
    assert_null(strstr(err.message, "given-1"));
    assert_null(strstr(err.message, "zca login"));
    assert_string_equal(err.code, "401");
    assert_int_equal(authority_count(authority, "POST /api/auth/refresh"), 0);
    assert_int_equal(authority_count(authority, "Bearer given-1"), 1);
    free(authority_stop(authority));
}

static void given_credential_is_an_api_key_where_one_is_configured(void **state)
{
    struct fixture *fixture = *state;
    zca_auto(text) char *url = NULL;
    struct zca_error err = {0};
    struct authority *authority = authority_start(list_answer, NULL);
    assert_true(asprintf(&url, "http://127.0.0.1:%d", authority_port(authority)) > 0);
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = "quickztna",
        .url = url,
        .organization = "org-1",
        .api_key_file = "/nowhere/key",
    };
    struct zca_client *client = fixture->remote->client_open(&settings, &err);
    assert_non_null(client);
    (void)give(fixture, client, "given-1");
    assert_true(list_with(fixture, client, &err));
    fixture->remote->client_close(client);
    assert_int_equal(authority_count(authority, "X-Api-Key: given-1"), 1);
    free(authority_stop(authority));
}

static void given_credential_may_tell_when_it_expires(void **state)
{
    struct fixture *fixture = *state;
    struct authority *authority = authority_start(list_answer, NULL);
    struct zca_client *client = open_client(fixture, fixture->token_file, authority, 5000);
    assert_int_equal(give(fixture, client, "e30.eyJleHAiOjE3MDAwMDAwMDB9.c2lnbmF0dXJl"),
                     1700000000);
    assert_int_equal(give(fixture, client, "e30.e30.c2lnbmF0dXJl"), 0);
    fixture->remote->client_close(client);
    free(authority_stop(authority));
}

static void odd_credential_goes_nowhere(void **state)
{
    static const char *const odd[] = {"two words", "line\nX-Api-Key: 1", "\xc3\xa4"};
    struct fixture *fixture = *state;
    struct authority *authority = authority_start(list_answer, NULL);
    struct zca_client *client = open_client(fixture, fixture->token_file, authority, 5000);
    for (size_t i = 0; i < ZCA_COUNT(odd); i++) {
        int64_t expires_at_s = -1;
        struct zca_error err = {0};
        assert_false(
            fixture->remote->client_authorise(client, zca_span_text(odd[i]), &expires_at_s, &err));
        assert_int_equal(err.reason, ZCA_ERR_AUTH);
        assert_int_equal(expires_at_s, -1);
    }
    fixture->remote->client_close(client);
    free(authority_stop(authority));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(login_writes_a_private_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_open_to_everybody_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_processes_renew_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tokens_renewed_elsewhere_are_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(held_lock_is_busy_at_the_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unwritable_directory_uses_nothing_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_credential_stands_in_for_the_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_credential_is_not_renewed_and_not_repeated, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(given_credential_is_an_api_key_where_one_is_configured,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_credential_may_tell_when_it_expires, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(odd_credential_goes_nowhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
