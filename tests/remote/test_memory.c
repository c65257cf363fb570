/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations with the n-th allocation failing, for every n until none fails. The allocator of
 * this program stands in front of the C library's; only the thread that asks for it suffers.
 */
#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/remote/authority.h"
#include "tests/remote/remote_table.h"

#define CERTIFICATE "-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----\\n"
#define KEY "-----BEGIN PRIVATE KEY-----\\nMAMCAQE=\\n-----END PRIVATE KEY-----\\n"
#define ANSWER(data)                                                                               \
    "@repeat\nHTTP/1.1 200 OK\n\n{\"success\":true,\"data\":" data ",\"error\":null}\n"

static const char list_answer[] =
    ANSWER("{\"certificates\":[{\"id\":\"uuid-1\",\"serial_number\":\"0a\",\"subject_cn\":\"web\","
           "\"certificate_pem\":\"" CERTIFICATE "\"}]}");
static const char issue_answer[] =
    ANSWER("{\"certificate\":\"" CERTIFICATE "\",\"private_key\":\"" KEY
           "\",\"serial_number\":\"0a\",\"chain\":\"" CERTIFICATE "\"}");
static const char login_answer[] =
    ANSWER("{\"token\":\"token-2\",\"refresh_token\":\"refresh-2\",\"expires_in\":3600}");
static const char refusal[] =
    "@repeat\nHTTP/1.1 403 Forbidden\n\n"
    "{\"success\":false,\"data\":null,\"error\":{\"code\":\"FORBIDDEN\",\"message\":\"no\"}}\n";

enum { MOST_ALLOCATIONS = 20000 };

/* ---- the allocator ---- */

extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t count, size_t len);
extern void *__libc_realloc(void *data, size_t len);

static _Thread_local long countdown; /* the allocation that fails; 0: none */
static _Thread_local bool failed;

/* jansson 2.14 does not survive it: an assertion of its lexer fails. */
static bool is_excused(const void *caller)
{
    Dl_info info;
    long before = countdown;
    countdown = 0; /* dladdr may allocate */
    bool excused = dladdr(caller, &info) != 0 && strstr(info.dli_fname, "libjansson");
    countdown = before;
    return excused;
}

static bool must_fail(const void *caller)
{
    if (countdown == 0 || is_excused(caller) || --countdown != 0) {
        return false;
    }
    failed = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t len)
{
    return must_fail(__builtin_return_address(0)) ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return must_fail(__builtin_return_address(0)) ? NULL : __libc_calloc(count, len);
}

void *realloc(void *data, size_t len)
{
    return must_fail(__builtin_return_address(0)) ? NULL : __libc_realloc(data, len);
}

/* ---- operations ---- */

typedef bool operation(const struct zca_remote *remote, struct zca_client *client,
                       struct zca_error *err);

static bool list(const struct zca_remote *remote, struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {.name = "web"};
    return remote->list(client, &filter, &records, err);
}

static bool issue(const struct zca_remote *remote, struct zca_client *client, struct zca_error *err)
{
    static const char *const names[] = {"web", NULL};
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_request request = {.common_name = "web", .dns_names = names, .ttl_s = 3600};
    return remote->submit(client, &request, &ticket, err) &&
           remote->fetch(client, &ticket, &issued, err);
}

static bool login(const struct zca_remote *remote, struct zca_client *client, struct zca_error *err)
{
    struct zca_login credentials = {.user = "a", .password = zca_span_text("password")};
    return remote->login(client, &credentials, err);
}

/* ---- the loop ---- */

/* Opens, runs and closes with the n-th allocation failing. */
static bool run(const struct zca_client_settings *settings, operation *run_operation, long n,
                struct zca_error *err)
{
    const struct zca_remote *remote = remote_table();
    countdown = n;
    failed = false;
    struct zca_client *client = remote->client_open(settings, err);
    bool ok = client && run_operation(remote, client, err);
    remote->client_close(client);
    countdown = 0;
    return ok;
}

/* Every failure is reported, as whatever it looks like where it happened. */
static void run_until_nothing_fails(const char *script, operation *run_operation, bool succeeds)
{
    char *scratch = scratch_new();
    zca_auto(text) char *token_file =
        scratch_write(scratch, "token", "{\"access_token\":\"token-1\"}");
    zca_auto(text) char *url = NULL;
    struct authority *authority = authority_start(script, NULL);
    assert_true(asprintf(&url, "http://127.0.0.1:%d", authority_port(authority)) > 0);
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = "orgca",
        .url = url,
        .organization = "org-1",
        .token_file = token_file,
        .timeout_ms = 10000,
    };
    long n = 1;
    bool ok = false;
    do {
        struct zca_error err = {0};
        ok = run(&settings, run_operation, n, &err);
        assert_int_equal(ok, err.reason == ZCA_ERR_NONE);
        n++;
    } while (failed && n < MOST_ALLOCATIONS);
    assert_int_equal(ok, succeeds);
    assert_in_range(n, 20, MOST_ALLOCATIONS - 1); /* fewer: the allocator is not in front */
    free(authority_stop(authority));
    scratch_free(scratch);
}

static void listing_survives_want_of_memory(void **state)
{
    (void)state;
    run_until_nothing_fails(list_answer, list, true);
}

static void issuing_survives_want_of_memory(void **state)
{
    (void)state;
    run_until_nothing_fails(issue_answer, issue, true);
}

static void logging_in_survives_want_of_memory(void **state)
{
    (void)state;
    run_until_nothing_fails(login_answer, login, true);
}

static void refusal_survives_want_of_memory(void **state)
{
    (void)state;
    run_until_nothing_fails(refusal, list, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing_survives_want_of_memory),
        cmocka_unit_test(issuing_survives_want_of_memory),
        cmocka_unit_test(logging_in_survives_want_of_memory),
        cmocka_unit_test(refusal_survives_want_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
