/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/buffer.h"
#include "tests/base/check.h"

struct pair {
    const char *bytes;
    const char *text;
};

/* RFC 4648, section 10 */
static const struct pair base64_pairs[] = {
    {"",       ""        },
    {"f",      "Zg=="    },
    {"fo",     "Zm8="    },
    {"foo",    "Zm9v"    },
    {"foob",   "Zm9vYg=="},
    {"fooba",  "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void base64_matches_the_vectors_of_rfc_4648(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    for (size_t i = 0; i < ZCA_COUNT(base64_pairs); i++) {
        const struct pair *pair = &base64_pairs[i];
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
        check_ok(zca_base64_encode(zca_span_text(pair->bytes), false, &text, &err), err);
        check_text(text, pair->text);
        check_ok(zca_base64_decode(zca_span_text(pair->text), &bytes, &err), err);
        check_text(bytes, pair->bytes);
    }
}

static void base64_round_trips_in_both_alphabets(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    uint8_t all[256];
    for (size_t i = 0; i < sizeof(all); i++) {
        all[i] = (uint8_t)(255 - i);
    }
    for (size_t len = 0; len <= sizeof(all); len++) {
        for (int url = 0; url < 2; url++) {
            zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
            zca_auto(zca_buffer) struct zca_buffer bytes = ZCA_SECRET_BUFFER;
            check_ok(zca_base64_encode(zca_span_of(all, len), url == 1, &text, &err), err);
            const char *foreign = url == 1 ? "+/=" : "-_";
            assert_true(len == 0 || !strpbrk((const char *)text.data, foreign));
            check_ok(zca_base64_decode(zca_buffer_span(&text), &bytes, &err), err);
            assert_int_equal(bytes.len, len);
            assert_true(len == 0 || memcmp(bytes.data, all, len) == 0);
        }
    }
}

static void base64_appends(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_buffer_append_text(&text, "x:", &err), err);
    check_ok(zca_base64_encode(zca_span_text("foo"), false, &text, &err), err);
    check_text(text, "x:Zm9v");
    check_ok(zca_base64_decode(zca_span_text("Zm9v"), &text, &err), err);
    check_text(text, "x:Zm9vfoo");
}

static void base64_decode_of_wrong_text_is_refused_and_appends_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "Z",     "Zg=",   "Zg===", "=",    "====", "Zm9v=", "Zm9v\n", " Zm9v",    "Zm 9v",
        "Z=m9v", "Zm9v!", "+/+",   "-_+/", "Zh==", "Zm9=",  "Zm9vY",  "Zg==Zg==", "Zm9\xC3",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
        check_refused(zca_base64_decode(zca_span_text(texts[i]), &bytes, &err), err,
                      ZCA_ERR_INVALID);
        assert_int_equal(bytes.len, 0);
    }
}

static void base64_decode_names_the_position_not_the_text(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    assert_false(zca_base64_decode(zca_span_text("c2VjcmV0IQ!"), &bytes, &err));
    assert_non_null(strstr(err.message, "position 10"));
    assert_null(strstr(err.message, "c2Vj"));
}

static void base64_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.limit = 5};
    check_refused(zca_base64_encode(zca_span_text("foob"), false, &out, &err), err,
                  ZCA_ERR_INVALID);
    check_refused(zca_base64_decode(zca_span_text("Zm9vYmFy"), &out, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(out.len, 0);
}

static void hex_encode_has_two_forms(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    struct zca_span bytes = zca_span_of("\x00\xab\xff", 3);
    check_ok(zca_hex_encode(bytes, '\0', &text, &err), err);
    check_text(text, "00abff");
    zca_buffer_clear(&text);
    check_ok(zca_hex_encode(bytes, ':', &text, &err), err);
    check_text(text, "00:AB:FF");
    check_ok(zca_hex_encode(zca_span_of(NULL, 0), ':', &text, &err), err);
    check_text(text, "00:AB:FF");
    check_ok(zca_hex_encode(zca_span_of("\x01", 1), ':', &text, &err), err);
    check_text(text, "00:AB:FF01");
}

static void hex_decode_takes_either_case_and_colons(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
    check_ok(zca_hex_decode(zca_span_text("00aBfF"), &bytes, &err), err);
    check_ok(zca_hex_decode(zca_span_text("00:Ab:ff"), &bytes, &err), err);
    check_ok(zca_hex_decode(zca_span_text(""), &bytes, &err), err);
    assert_int_equal(bytes.len, 6);
    assert_memory_equal(bytes.data, "\x00\xab\xff\x00\xab\xff", 6);
}

static void hex_decode_of_wrong_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0", "0g", "g0", ":00", "00:", "00::11", "0:0", "00 11", "0x00", "001"};
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
        check_refused(zca_hex_decode(zca_span_text(texts[i]), &bytes, &err), err, ZCA_ERR_INVALID);
        assert_int_equal(bytes.len, 0);
    }
}

static void hex_past_the_limit_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.limit = 3};
    check_refused(zca_hex_encode(zca_span_text("ab"), '\0', &out, &err), err, ZCA_ERR_INVALID);
    check_refused(zca_hex_decode(zca_span_text("00112233"), &out, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(out.len, 0);
}

/* ---- JSON ---- */

static void json_quote_escapes_what_must_be(void **state)
{
    (void)state;
    static const char plain[] = "a \"b\" c\\d\n\x01\x7f \xc3\xa9 \xf0\x9f\x94\x91";
    static const char bad[] = "x\xc3(\xff\xe2\x82";
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer repaired = {.len = 0};
    check_ok(zca_json_quote(zca_span_text(plain), &text, &err), err);
    check_text(text, "\"a \\\"b\\\" c\\\\d\\u000a\\u0001\x7f \xc3\xa9 \xf0\x9f\x94\x91\"");
    check_ok(zca_json_quote(zca_span_text(bad), &repaired, &err), err);
    check_text(repaired, "\"x?(???\"");
}

static void json_quote_past_the_limit_appends_nothing(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.limit = 6};
    check_ok(zca_buffer_append_text(&text, "ab", &err), err);
    check_refused(zca_json_quote(zca_span_text("abc"), &text, &err), err, ZCA_ERR_INVALID);
    check_text(text, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_matches_the_vectors_of_rfc_4648),
        cmocka_unit_test(base64_round_trips_in_both_alphabets),
        cmocka_unit_test(base64_appends),
        cmocka_unit_test(base64_decode_of_wrong_text_is_refused_and_appends_nothing),
        cmocka_unit_test(base64_decode_names_the_position_not_the_text),
        cmocka_unit_test(base64_past_the_limit_is_refused),
        cmocka_unit_test(hex_encode_has_two_forms),
        cmocka_unit_test(hex_decode_takes_either_case_and_colons),
        cmocka_unit_test(hex_decode_of_wrong_text_is_refused),
        cmocka_unit_test(hex_past_the_limit_is_refused),
        cmocka_unit_test(json_quote_escapes_what_must_be),
        cmocka_unit_test(json_quote_past_the_limit_appends_nothing),
    };
    return cmocka_run_group_tests_name("base/encoding", tests, NULL, NULL);
}
