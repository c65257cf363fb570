/* SPDX-License-Identifier: Apache-2.0 */
/* In a program that runs with more rights than its caller, who chose the environment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/remote/authority.h"
#include "tests/remote/remote_table.h"
#include "tests/remote/tls_files.h"

/* In front of the C library's. */
unsigned long getauxval(unsigned long type)
{
    return type == AT_SECURE;
}

static void environment_opens_no_file_and_no_detour(void **state)
{
    (void)state;
    static const char script[] =
        "@repeat\nHTTP/1.1 200 OK\n\n"
        "{\"success\":true,\"data\":{\"certificates\":[]},\"error\":null}\n";
    char *scratch = scratch_new();
    zca_auto(text) char *keys = scratch_path(scratch, "keys");
    zca_auto(text) char *token_file = scratch_write(scratch, "token", "{\"access_token\":\"t\"}");
    struct tls_files *files = tls_files_new(scratch);
    struct authority *authority = authority_start(script, files->server);
    zca_auto(text) char *url = NULL;
    assert_true(asprintf(&url, "https://127.0.0.1:%d", authority_port(authority)) > 0);
    assert_int_equal(setenv("SSLKEYLOGFILE", keys, 1), 0);
    assert_int_equal(setenv("https_proxy", "http://127.0.0.1:1", 1), 0);
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = "orgca",
        .organization = "org-1",
        .url = url,
        .trust_file = files->ca,
        .token_file = token_file,
        .timeout_ms = 30000,
    };
    struct zca_error err = {0};
    zca_auto(zca_record_list) struct zca_record_list records = {0};
    struct zca_record_filter filter = {0};
    const struct zca_remote *remote = remote_table();
    struct zca_client *client = remote->client_open(&settings, &err);

    assert_non_null(client);
    assert_true(remote->list(client, &filter, &records, &err));

    assert_int_not_equal(access(keys, F_OK), 0);
    remote->client_close(client);
    free(authority_stop(authority));
    tls_files_free(files);
    scratch_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(environment_opens_no_file_and_no_detour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
