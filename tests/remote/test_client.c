/* SPDX-License-Identifier: Apache-2.0 */
/* The table and its guard. The socket function of this program stands in front of the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/remote/remote_table.h"

static const struct zca_client_settings settings = {
    .authority = "test",
    .dialect = "orgca",
    .url = "http://127.0.0.1:1", /* nobody listens */
    .organization = "org-1",
    .token_file = "/nowhere/token",
};

/* Called from inside the network code when it is not NULL. */
static void (*inside)(void);
static struct zca_client *second;
static struct zca_error second_err;

int socket(int domain, int type, int protocol)
{
    void (*call)(void) = inside;
    inside = NULL;
    if (call) {
        call();
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

static void fetch_crl(struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer crl = {0};
    assert_false(remote_table()->crl_fetch(client, &crl, err));
    assert_null(crl.data);
}

static void fetch_with_second(void)
{
    fetch_crl(second, &second_err);
}

static void operation_inside_an_operation_is_busy(void **state)
{
    (void)state;
    const struct zca_remote *remote = remote_table();
    struct zca_error err = {0};
    struct zca_client *first = remote->client_open(&settings, &err);
    second = remote->client_open(&settings, &err);
    assert_non_null(first);
    assert_non_null(second);
    inside = fetch_with_second;
    fetch_crl(first, &err);
    assert_int_equal(err.reason, ZCA_ERR_UNAVAILABLE);
    assert_int_equal(second_err.reason, ZCA_ERR_BUSY);
    fetch_crl(second, &second_err); /* the guard is down again */
    assert_int_equal(second_err.reason, ZCA_ERR_UNAVAILABLE);
    remote->client_close(first);
    remote->client_close(second);
}

static void dialects_have_honest_capabilities(void **state)
{
    (void)state;
    const struct zca_remote *remote = remote_table();
    assert_int_equal(remote->abi, ZCA_REMOTE_ABI);
    assert_int_equal(remote->capabilities("quickztna"), ZCA_CAP_SERVER_KEYGEN | ZCA_CAP_LIST |
                                                            ZCA_CAP_REVOKE | ZCA_CAP_CA_INIT |
                                                            ZCA_CAP_LOGIN);
    assert_true((remote->capabilities("orgca") & ZCA_CAP_TBS_SIGN) != 0);
    assert_true((remote->capabilities("orgca") & ZCA_CAP_IDEMPOTENT) != 0);
    assert_int_equal(remote->capabilities("nonsense"), 0);
}

static void unknown_dialect_is_a_configuration_error(void **state)
{
    (void)state;
    struct zca_error err = {0};
    struct zca_client_settings odd = settings;
    odd.dialect = "nonsense";
    assert_null(remote_table()->client_open(&odd, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "nonsense"));
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    remote_table()->client_close(NULL);
    remote_table()->client_forget(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operation_inside_an_operation_is_busy),
        cmocka_unit_test(dialects_have_honest_capabilities),
        cmocka_unit_test(unknown_dialect_is_a_configuration_error),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
