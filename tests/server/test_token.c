/* SPDX-License-Identifier: Apache-2.0 */
/* Access tokens that are not ours, and the life of refresh tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "server/account.h"
#include "server/identifier.h"
#include "server/password.h"
#include "server/refusal.h"
#include "server/token.h"
#include "world.h"

#define NOW_S 1000000

static void make(struct world *world, struct zca_buffer *out)
{
    assert_true(zca_token_sign(zca_state_token_key(world->server.state), world->users[ADMIN],
                               "admin@alpha.test", NOW_S, ZCA_TOKEN_LIFETIME_S, out, NULL));
}

static bool verify(struct world *world, const char *text, int64_t now_s)
{
    struct zca_token_claims claims = {0};
    return zca_token_verify(zca_state_token_key(world->server.state), text, now_s, &claims, NULL);
}

static void token_carries_its_claims(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    struct zca_token_claims claims = {0};
    make(world, &text);
    assert_true(zca_token_verify(zca_state_token_key(world->server.state), (const char *)text.data,
                                 NOW_S, &claims, NULL));
    assert_string_equal(claims.user_id, world->users[ADMIN]);
    assert_string_equal(claims.email, "admin@alpha.test");
    assert_int_equal(claims.issued_at_s, NOW_S);
    assert_int_equal(claims.expires_at_s, NOW_S + 3600);
}

static void token_ends_after_an_hour(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    make(world, &text);
    assert_true(verify(world, (const char *)text.data, NOW_S + 3599));
    assert_false(verify(world, (const char *)text.data, NOW_S + 3600));
}

static void every_changed_character_is_noticed(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    make(world, &text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t kept = text.data[i];
        text.data[i] = kept == 'A' ? 'B' : 'A';
        assert_false(verify(world, (const char *)text.data, NOW_S));
        text.data[i] = kept;
    }
    assert_true(verify(world, (const char *)text.data, NOW_S));
}

static const char *const forged[] = {
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.",
    /* HS256 */
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    /* ES256 with a signature of zeros: r = s = 0 */
    ("eyJhbGciOiJFUzI1NiJ9.e30."
     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
};

static void forged_tokens_are_refused(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < ZCA_COUNT(forged); i++) {
        assert_false(verify(world, forged[i], 0));
    }
}

static void token_survives_a_restart(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    make(world, &text);
    world_reopen(world);
    assert_true(verify(world, (const char *)text.data, NOW_S));
}

/* ---- refresh tokens ---- */

static void start_family(struct world *world, struct zca_buffer *out)
{
    assert_true(zca_refresh_token_start(zca_state_ledger(world->server.state), world->users[ADMIN],
                                        1000, out, NULL));
}

static bool rotate(struct world *world, const struct zca_buffer *from, int64_t now_ms,
                   struct zca_buffer *out)
{
    char user_id[ZCA_UUID_SIZE] = "";
    struct zca_error err = {0};
    bool ok = zca_refresh_token_rotate(zca_state_ledger(world->server.state),
                                       (const char *)from->data, now_ms, user_id, out, &err);
    assert_true(ok || zca_refusal_is(&err, ZCA_REFUSE_INVALID_TOKEN));
    assert_string_equal(user_id, ok ? world->users[ADMIN] : "");
    return ok;
}

static void refresh_token_works_once(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    zca_auto(zca_buffer) struct zca_buffer second = {0};
    zca_auto(zca_buffer) struct zca_buffer third = {0};
    start_family(world, &first);
    assert_true(rotate(world, &first, 2000, &second));
    assert_true(rotate(world, &second, 3000, &third));
    assert_false(zca_span_equal(zca_buffer_span(&second), zca_buffer_span(&third)));
}

static void reuse_ends_the_family_and_no_other(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    zca_auto(zca_buffer) struct zca_buffer second = {0};
    zca_auto(zca_buffer) struct zca_buffer other = {0};
    zca_auto(zca_buffer) struct zca_buffer unused = {0};
    start_family(world, &first);
    start_family(world, &other);
    assert_true(rotate(world, &first, 2000, &second));
    assert_false(rotate(world, &first, 3000, &unused));
    assert_false(rotate(world, &second, 4000, &unused));
    assert_true(rotate(world, &other, 5000, &unused));
}

static void refresh_token_ends_after_30_days(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    zca_auto(zca_buffer) struct zca_buffer unused = {0};
    start_family(world, &first);
    assert_false(rotate(world, &first, 1000 + INT64_C(30) * 24 * 3600 * 1000, &unused));
}

/* ---- passwords and serials ---- */

static void password_is_checked_by_its_own_parameters(void **state)
{
    (void)state;
    zca_auto(zca_buffer) struct zca_buffer stored = {0};
    assert_true(zca_password_hash(zca_span_text("correct"), &stored, NULL));
    assert_memory_equal(stored.data, "scrypt$32768$8$1$", 17);
    assert_true(zca_password_check(zca_span_text("correct"), (const char *)stored.data));
    assert_false(zca_password_check(zca_span_text("wrong"), (const char *)stored.data));
    assert_false(zca_password_check(zca_span_text("correct"), NULL));
    assert_false(zca_password_check(zca_span_text("correct"), "scrypt$1$1$1$$"));
}

/* 2019: serials of 63 random bits. Here the top bit is clear, and each other one is set about half
 * the time: four standard deviations for 20,000 draws. */
static void serials_are_random_in_every_bit(void **state)
{
    (void)state;

    enum { NUM = 20000, SLACK = 283 };

    static int set[128];
    for (int i = 0; i < NUM; i++) {
        zca_auto(zca_buffer) struct zca_buffer serial = {0};
        assert_true(zca_serial_make(&serial, NULL));
        assert_int_equal(serial.len, 16);
        for (int bit = 0; bit < 128; bit++) {
            set[bit] += serial.data[bit / 8] >> (7 - bit % 8) & 1;
        }
    }
    assert_int_equal(set[0], 0);
    for (int bit = 1; bit < 128; bit++) {
        assert_in_range(set[bit], NUM / 2 - SLACK * 5 / 4, NUM / 2 + SLACK * 5 / 4);
    }
}

static void serial_text_keeps_leading_zeros(void **state)
{
    (void)state;
    static const uint8_t small[] = {0, 0, 0x0a};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    assert_true(zca_serial_text(zca_span_of(small, sizeof(small)), &text, NULL));
    assert_string_equal((const char *)text.data, "0000000000000000000000000000000a");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(token_carries_its_claims),
        CASE(token_ends_after_an_hour),
        CASE(every_changed_character_is_noticed),
        CASE(forged_tokens_are_refused),
        CASE(token_survives_a_restart),
        CASE(refresh_token_works_once),
        CASE(reuse_ends_the_family_and_no_other),
        CASE(refresh_token_ends_after_30_days),
        cmocka_unit_test(password_is_checked_by_its_own_parameters),
        cmocka_unit_test(serials_are_random_in_every_bit),
        cmocka_unit_test(serial_text_keeps_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
