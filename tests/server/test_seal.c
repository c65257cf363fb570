/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: every wrong key, cut and exchange is noticed, and a lost key is never replaced. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "server/seal.h"
#include "world.h"

static void sealed_secret_opens_again(void **state)
{
    struct world *world = *state;
    const struct zca_seal *seal = zca_state_seal(world->server.state);
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    assert_true(zca_seal_close_secret(seal, "a", zca_span_text("secret"), &sealed, NULL));
    assert_null(memmem(sealed.data, sealed.len, "secret", 6));
    assert_true(zca_seal_open_secret(seal, "a", zca_buffer_span(&sealed), &secret, NULL));
    assert_string_equal((const char *)secret.data, "secret");
}

static void same_secret_is_sealed_differently_each_time(void **state)
{
    struct world *world = *state;
    const struct zca_seal *seal = zca_state_seal(world->server.state);
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    zca_auto(zca_buffer) struct zca_buffer second = {0};
    assert_true(zca_seal_close_secret(seal, "a", zca_span_text("secret"), &first, NULL));
    assert_true(zca_seal_close_secret(seal, "a", zca_span_text("secret"), &second, NULL));
    assert_false(zca_span_equal(zca_buffer_span(&first), zca_buffer_span(&second)));
}

static void other_purpose_does_not_open(void **state)
{
    struct world *world = *state;
    const struct zca_seal *seal = zca_state_seal(world->server.state);
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    struct zca_error err = {0};
    assert_true(zca_seal_close_secret(seal, "ca-key:1", zca_span_text("secret"), &sealed, NULL));
    assert_false(zca_seal_open_secret(seal, "ca-key:2", zca_buffer_span(&sealed), &secret, &err));
    assert_int_equal(err.reason, ZCA_ERR_SEALED);
    assert_int_equal(secret.len, 0);
}

static void every_flipped_or_missing_byte_is_noticed(void **state)
{
    struct world *world = *state;
    const struct zca_seal *seal = zca_state_seal(world->server.state);
    zca_auto(zca_buffer) struct zca_buffer sealed = {0};
    zca_auto(zca_buffer) struct zca_buffer secret = ZCA_SECRET_BUFFER;
    assert_true(zca_seal_close_secret(seal, "a", zca_span_text("secret"), &sealed, NULL));
    for (size_t i = 0; i < sealed.len; i++) {
        sealed.data[i] ^= 1;
        assert_false(zca_seal_open_secret(seal, "a", zca_buffer_span(&sealed), &secret, NULL));
        sealed.data[i] ^= 1;
        assert_false(zca_seal_open_secret(seal, "a", zca_span_of(sealed.data, i), &secret, NULL));
    }
}

static void sealing_key_is_for_the_owner_only(void **state)
{
    struct world *world = *state;
    char *path = zca_path_join(world->directory, "sealing-key", "", NULL);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(status.st_size, 32);
    free(path);
}

static void refuse_to_open(struct world *world, const struct zca_state_options *options)
{
    struct zca_error err = {0};
    (void)world;
    assert_null(zca_state_open(options, &err));
    assert_int_equal(err.reason, ZCA_ERR_SEALED);
}

static void lost_sealing_key_is_not_replaced(void **state)
{
    struct world *world = *state;
    char *path = zca_path_join(world->directory, "sealing-key", "", NULL);
    struct zca_state_options options = {.directory = world->directory};
    assert_int_equal(unlink(path), 0);
    refuse_to_open(world, &options);
    assert_int_equal(access(path, F_OK), -1);
    free(path);
}

static void wrong_sealing_key_is_refused(void **state)
{
    struct world *world = *state;
    static const char other[] = "0123456789abcdef0123456789abcdef";
    static const char cut[] = "0123456789abcdef";
    char *path = zca_path_join(world->directory, "sealing-key", "", NULL);
    struct zca_state_options options = {.directory = world->directory};
    assert_true(zca_file_store(path, 0600, zca_span_text(other), NULL));
    refuse_to_open(world, &options);
    assert_true(zca_file_store(path, 0600, zca_span_text(cut), NULL));
    refuse_to_open(world, &options);
    free(path);
}

static void passphrase_opens_only_itself(void **state)
{
    struct world *world = *state;
    char *directory = zca_path_join(world->directory, "second", "", NULL);
    char *path = zca_path_join(world->directory, "passphrase", "", NULL);
    struct zca_state_options options = {.directory = directory, .passphrase_file = path};
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_true(zca_file_store(path, 0600, zca_span_text("correct horse\n"), NULL));
    struct zca_state *opened = zca_state_open(&options, NULL);
    assert_non_null(opened);
    zca_state_close(opened);
    opened = zca_state_open(&options, NULL);
    assert_non_null(opened);
    zca_state_close(opened);
    assert_true(zca_file_store(path, 0600, zca_span_text("wrong horse\n"), NULL));
    refuse_to_open(world, &options);
    free(directory);
    free(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sealed_secret_opens_again),         CASE(same_secret_is_sealed_differently_each_time),
        CASE(other_purpose_does_not_open),       CASE(every_flipped_or_missing_byte_is_noticed),
        CASE(sealing_key_is_for_the_owner_only), CASE(lost_sealing_key_is_not_replaced),
        CASE(wrong_sealing_key_is_refused),      CASE(passphrase_opens_only_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
