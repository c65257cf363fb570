/* SPDX-License-Identifier: Apache-2.0 */
/* Request heads: each row of the tables is one test; a refused head names the status it gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/http_head.h"

#define HOST "Host: ca.example\r\n"
#define GET "GET /api/health HTTP/1.1\r\n"
#define POST "POST /api/auth/login HTTP/1.1\r\n" HOST

struct refusal {
    const char *name;
    long status;
    struct zca_span head;
};

/* Heads may hold NUL bytes: the length is that of the literal. */
#define REFUSED(name, status, text)                                                                \
    {                                                                                              \
        name, status,                                                                              \
        {                                                                                          \
            (const uint8_t *)(text), sizeof(text) - 1                                              \
        }                                                                                          \
    }

static const struct refusal refusals[] = {
    REFUSED("content_length_twice_is_refused", 400,
            POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
    REFUSED("content_length_twice_differing_is_refused", 400,
            POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
    REFUSED("content_length_with_plus_is_refused", 400, POST "Content-Length: +5\r\n\r\n"),
    REFUSED("content_length_negative_is_refused", 400, POST "Content-Length: -5\r\n\r\n"),
    REFUSED("content_length_list_is_refused", 400, POST "Content-Length: 5, 5\r\n\r\n"),
    REFUSED("content_length_hexadecimal_is_refused", 400, POST "Content-Length: 0x5\r\n\r\n"),
    REFUSED("content_length_empty_is_refused", 400, POST "Content-Length:\r\n\r\n"),
    REFUSED("content_length_with_inner_space_is_refused", 400, POST "Content-Length: 5 5\r\n\r\n"),
    REFUSED("content_length_2_64_is_refused", 400,
            POST "Content-Length: 18446744073709551616\r\n\r\n"),
    REFUSED("content_length_over_limit_is_413", 413, POST "Content-Length: 65537\r\n\r\n"),
    REFUSED("content_length_far_over_limit_is_413", 413,
            POST "Content-Length: 9223372036854775808\r\n\r\n"),
    REFUSED("length_and_transfer_encoding_is_refused", 400,
            POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
    REFUSED("transfer_encoding_and_length_is_refused", 400,
            POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
    REFUSED("transfer_encoding_is_501", 501, POST "Transfer-Encoding: chunked\r\n\r\n"),
    REFUSED("transfer_encoding_identity_is_501", 501, POST "Transfer-Encoding: identity\r\n\r\n"),
    REFUSED("transfer_encoding_obscured_is_refused", 501,
            POST "Transfer-Encoding: xchunked\r\n\r\n"),
    REFUSED("space_before_colon_is_refused", 400, POST "Content-Length : 5\r\n\r\n"),
    REFUSED("tab_before_colon_is_refused", 400, POST "Content-Length\t: 5\r\n\r\n"),
    REFUSED("header_without_colon_is_refused", 400, POST "Authorization\r\n\r\n"),
    REFUSED("header_without_name_is_refused", 400, POST ": value\r\n\r\n"),
    REFUSED("nul_in_header_value_is_refused", 400, POST "X-A: a\0b\r\n\r\n"),
    REFUSED("nul_in_header_name_is_refused", 400, POST "X-\0A: ab\r\n\r\n"),
    REFUSED("control_byte_in_value_is_refused", 400, POST "X-A: a\x01z\r\n\r\n"),
    REFUSED("delete_byte_in_value_is_refused", 400, POST "X-A: a\x7fz\r\n\r\n"),
    REFUSED("control_byte_in_method_is_refused", 400, "G\x01T / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("control_byte_in_target_is_refused", 400, "GET /\x1b HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("host_twice_is_refused", 400, GET HOST HOST "\r\n"),
    REFUSED("host_twice_in_other_case_is_refused", 400, GET HOST "hOST: other\r\n\r\n"),
    REFUSED("host_missing_is_refused", 400, GET "\r\n"),
    REFUSED("host_empty_is_refused", 400, GET "Host:\r\n\r\n"),
    REFUSED("host_with_path_is_refused", 400, GET "Host: a/b\r\n\r\n"),
    REFUSED("host_with_user_is_refused", 400, GET "Host: a@b\r\n\r\n"),
    REFUSED("authorization_twice_is_refused", 400,
            GET HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n"),
    REFUSED("folded_header_is_refused", 400, GET HOST "X-A: a\r\n b\r\n\r\n"),
    REFUSED("folded_header_with_tab_is_refused", 400, GET HOST "X-A: a\r\n\tb\r\n\r\n"),
    REFUSED("folded_first_header_is_refused", 400, GET " X-A: a\r\n" HOST "\r\n"),
    REFUSED("bare_cr_in_value_is_refused", 400, GET HOST "X-A: a\rb\r\n\r\n"),
    REFUSED("bare_cr_as_line_end_is_refused", 400, GET "Host: a\rX-A: b\r\n\r\n"),
    REFUSED("bare_lf_as_line_end_is_refused", 400, GET "Host: a\nX-A: b\r\n\r\n"),
    REFUSED("bare_lf_everywhere_is_refused", 400, "GET / HTTP/1.1\nHost: a\n\n"),
    REFUSED("lower_case_version_is_refused", 400, "GET / http/1.1\r\n" HOST "\r\n"),
    REFUSED("version_0_9_is_refused", 400, "GET /\r\n\r\n"),
    REFUSED("version_2_is_505", 505, "GET / HTTP/2.0\r\n" HOST "\r\n"),
    REFUSED("version_1_2_is_505", 505, "GET / HTTP/1.2\r\n" HOST "\r\n"),
    REFUSED("version_with_three_digits_is_refused", 400, "GET / HTTP/1.10\r\n" HOST "\r\n"),
    REFUSED("other_protocol_is_refused", 400, "GET / HTTQ/1.1\r\n" HOST "\r\n"),
    REFUSED("absolute_form_is_refused", 400, "GET http://other/ HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("authority_form_is_refused", 400, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("asterisk_form_is_refused", 400, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("empty_target_is_refused", 400, "GET  HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("double_space_is_refused", 400, "GET  / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("double_space_before_version_is_refused", 400, "GET /  HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("tab_in_request_line_is_refused", 400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("tab_before_version_is_refused", 400, "GET /\tHTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("space_after_version_is_refused", 400, "GET / HTTP/1.1 \r\n" HOST "\r\n"),
    REFUSED("leading_empty_line_is_refused", 400, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("leading_space_is_refused", 400, " GET / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("unknown_method_is_501", 501, "BREW / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("lower_case_method_is_501", 501, "get / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("fragment_is_refused", 400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoded_slash_is_refused", 400, "GET /a%2fb HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoded_nul_is_refused", 400, "GET /a%00b HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoded_line_feed_is_refused", 400, "GET /a%0ab HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoded_bad_utf8_is_refused", 400, "GET /a%c0%af HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoded_surrogate_is_refused", 400, "GET /%ed%a0%80 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("cut_encoding_is_refused", 400, "GET /a%2 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("encoding_without_digits_is_refused", 400, "GET /a%zz HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("raw_high_byte_in_target_is_refused", 400, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("unknown_expectation_is_417", 417, POST "Expect: tea\r\n\r\n"),
    REFUSED("incomplete_head_is_refused", 400, GET HOST),
    REFUSED("bytes_after_the_head_are_refused", 400, GET HOST "\r\nGET / HTTP/1.1\r\n" HOST "\r\n"),
    REFUSED("nothing_is_refused", 400, ""),
    REFUSED("empty_lines_are_refused", 400, "\r\n\r\n"),
};

static void refusal_has_its_status(void **state)
{
    const struct refusal *refusal = *state;
    struct zca_http_head head = {0};
    struct zca_error err = {0};

    assert_false(zca_http_head_parse(refusal->head, &head, &err));
    assert_int_equal(err.reason, ZCA_ERR_INVALID);
    assert_int_equal(err.http_status, refusal->status);
    assert_null(head.path);
}

static struct zca_http_head parse(const char *text)
{
    struct zca_http_head head = {0};
    struct zca_error err = {0};
    if (!zca_http_head_parse(zca_span_text(text), &head, &err)) {
        fail_msg("refused with %ld: %s", err.http_status, err.message);
    }
    return head;
}

static void plain_get_is_read(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse("GET /api/db/machines?org_id=a%20b&x=/ HTTP/1.1\r\nhost: 127.0.0.1:8443\r\n\r\n");

    assert_string_equal(head.method, "GET");
    assert_string_equal(head.path, "/api/db/machines");
    assert_string_equal(head.query, "org_id=a%20b&x=/");
    assert_string_equal(head.fields[ZCA_HTTP_HOST], "127.0.0.1:8443");
    assert_int_equal(head.content_length, 0);
    assert_true(head.keep_alive);
    assert_null(head.fields[ZCA_HTTP_AUTHORIZATION]);
}

static void fields_lose_surrounding_space_only(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse(POST "authorization: \t Bearer  a b \t \r\nX-API-KEY:\r\n"
                   "Content-Length: 65536 \r\nCookie: a\r\n\r\n");

    assert_string_equal(head.fields[ZCA_HTTP_AUTHORIZATION], "Bearer  a b");
    assert_string_equal(head.fields[ZCA_HTTP_API_KEY], "");
    assert_int_equal(head.content_length, 65536);
}

static void fields_we_ignore_may_repeat(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse(GET HOST "Accept: a\r\nAccept: b\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n");

    assert_string_equal(head.path, "/api/health");
}

static void path_is_decoded_once(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse("GET /a%20b/%25c3/%C3%A9 HTTP/1.1\r\n" HOST "\r\n");

    assert_string_equal(head.path, "/a b/%c3/\xc3\xa9");
}

static void connection_close_ends_keep_alive(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head = parse(GET HOST "Connection: close\r\n\r\n");

    assert_false(head.keep_alive);
}

static void version_1_0_needs_no_host_and_closes(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");

    assert_false(head.keep_alive);
    assert_null(head.fields[ZCA_HTTP_HOST]);
}

static void expectation_is_seen(void **state)
{
    (void)state;
    zca_auto(zca_http_head) struct zca_http_head head =
        parse(POST "Content-Length: 9\r\nExpect: 100-Continue\r\n\r\n");

    assert_true(head.expect_continue);
}

/* A head of exactly `len` bytes, made long by one header value. */
static struct zca_buffer long_head(size_t len)
{
    static const char start[] = GET HOST "X-A: ";
    struct zca_buffer text = {0};
    assert_true(zca_buffer_append_text(&text, start, NULL));
    assert_true(zca_buffer_resize(&text, len, NULL));
    memset(text.data + sizeof start - 1, 'a', len - (sizeof start - 1));
    memcpy(text.data + len - 4, "\r\n\r\n", 4);
    return text;
}

static void largest_head_is_read_and_one_byte_more_is_431(void **state)
{
    (void)state;
    zca_auto(zca_buffer) struct zca_buffer fits = long_head(ZCA_HTTP_HEAD_LIMIT);
    zca_auto(zca_buffer) struct zca_buffer large = long_head(ZCA_HTTP_HEAD_LIMIT + 1);
    zca_auto(zca_http_head) struct zca_http_head head = {0};
    struct zca_error err = {0};

    assert_true(zca_http_head_parse(zca_buffer_span(&fits), &head, &err));
    zca_http_head_clear(&head);
    assert_false(zca_http_head_parse(zca_buffer_span(&large), &head, &err));
    assert_int_equal(err.http_status, 431);
}

static bool parse_lines(size_t num_lines, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    zca_auto(zca_http_head) struct zca_http_head head = {0};
    assert_true(zca_buffer_append_text(&text, GET HOST, NULL));
    for (size_t i = 1; i < num_lines; i++) {
        assert_true(zca_buffer_append_text(&text, "X-A: a\r\n", NULL));
    }
    assert_true(zca_buffer_append_text(&text, "\r\n", NULL));
    return zca_http_head_parse(zca_buffer_span(&text), &head, err);
}

static void most_lines_are_read_and_one_more_is_431(void **state)
{
    (void)state;
    struct zca_error err = {0};

    assert_true(parse_lines(ZCA_HTTP_LINES_LIMIT, &err));
    assert_false(parse_lines(ZCA_HTTP_LINES_LIMIT + 1, &err));
    assert_int_equal(err.http_status, 431);
}

static bool parse_target(size_t len, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    zca_auto(zca_http_head) struct zca_http_head head = {0};
    assert_true(zca_buffer_append_text(&text, "GET ", NULL));
    assert_true(zca_buffer_resize(&text, 4 + len, NULL));
    memset(text.data + 4, '/', len);
    assert_true(zca_buffer_append_text(&text, " HTTP/1.1\r\n" HOST "\r\n", NULL));
    return zca_http_head_parse(zca_buffer_span(&text), &head, err);
}

static void longest_target_is_read_and_one_byte_more_is_414(void **state)
{
    (void)state;
    struct zca_error err = {0};

    assert_true(parse_target(ZCA_HTTP_TARGET_LIMIT, &err));
    assert_false(parse_target(ZCA_HTTP_TARGET_LIMIT + 1, &err));
    assert_int_equal(err.http_status, 414);
}

static void no_prefix_of_a_good_head_is_read(void **state)
{
    (void)state;
    static const char good[] = POST "Content-Length: 12\r\nX-Api-Key: k\r\n\r\n";
    for (size_t len = 0; len < sizeof good - 1; len++) {
        zca_auto(zca_http_head) struct zca_http_head head = {0};
        struct zca_error err = {0};

        assert_false(zca_http_head_parse(zca_span_of(good, len), &head, &err));
    }
}

#define NUM_REFUSALS (sizeof refusals / sizeof refusals[0])

static int run_refusals(void)
{
    struct CMUnitTest tests[NUM_REFUSALS];
    for (size_t i = 0; i < NUM_REFUSALS; i++) {
        tests[i] = (struct CMUnitTest){
            .name = refusals[i].name,
            .test_func = refusal_has_its_status,
            .initial_state = (void *)(uintptr_t)&refusals[i], /* only read */
        };
    }
    return cmocka_run_group_tests_name("refusals", tests, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_get_is_read),
        cmocka_unit_test(fields_lose_surrounding_space_only),
        cmocka_unit_test(fields_we_ignore_may_repeat),
        cmocka_unit_test(path_is_decoded_once),
        cmocka_unit_test(connection_close_ends_keep_alive),
        cmocka_unit_test(version_1_0_needs_no_host_and_closes),
        cmocka_unit_test(expectation_is_seen),
        cmocka_unit_test(largest_head_is_read_and_one_byte_more_is_431),
        cmocka_unit_test(most_lines_are_read_and_one_more_is_431),
        cmocka_unit_test(longest_target_is_read_and_one_byte_more_is_414),
        cmocka_unit_test(no_prefix_of_a_good_head_is_read),
    };
    int failures = run_refusals();
    return failures + cmocka_run_group_tests(tests, NULL, NULL);
}
