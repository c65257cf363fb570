/* SPDX-License-Identifier: Apache-2.0 */
/* Paths and patterns, and what happens before a handler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/response.h"
#include "server/routes.h"

static void pattern_matches_itself_only(void **state)
{
    (void)state;
    assert_true(zca_route_matches("/api/health", "/api/health"));
    assert_false(zca_route_matches("/api/health", "/api/health/"));
    assert_false(zca_route_matches("/api/health", "/api/healthy"));
    assert_false(zca_route_matches("/api/health", "/api"));
    assert_false(zca_route_matches("/api/health", "/API/health"));
    assert_false(zca_route_matches("/api/health", "//api/health"));
    assert_false(zca_route_matches("/api/health", ""));
}

static void star_matches_one_segment_that_is_not_empty(void **state)
{
    (void)state;
    assert_true(zca_route_matches("/api/db/*", "/api/db/machines"));
    assert_true(zca_route_matches("/api/ca/*/crl.pem", "/api/ca/7/crl.pem"));
    assert_false(zca_route_matches("/api/db/*", "/api/db/"));
    assert_false(zca_route_matches("/api/db/*", "/api/db"));
    assert_false(zca_route_matches("/api/db/*", "/api/db/machines/1"));
    assert_false(zca_route_matches("/api/ca/*/crl.pem", "/api/ca//crl.pem"));
}

static void split_gives_what_the_stars_stand_for(void **state)
{
    (void)state;
    char path[] = "/api/ca/org 1/crl/x.pem";
    const char *arguments[ZCA_ROUTE_ARGUMENTS] = {0};

    zca_route_split("/api/ca/*/crl/*", path, arguments);

    assert_string_equal(arguments[0], "org 1");
    assert_string_equal(arguments[1], "x.pem");
    assert_null(arguments[2]);
}

static void unknown_path_has_no_route(void **state)
{
    (void)state;
    struct zca_route_match match = zca_route_find("GET", "/api/nothing");

    assert_null(match.route);
    assert_int_equal(match.methods, 0);
    assert_ptr_equal(match.style, &zca_response_style);
}

static void known_path_names_its_methods(void **state)
{
    (void)state;
    struct zca_route_match match = zca_route_find("DELETE", "/api/health");

    assert_null(match.route);
    assert_int_equal(match.methods, zca_response_method_bit("GET"));
}

static void every_method_of_the_tables_has_a_bit(void **state)
{
    (void)state;
    static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
    unsigned all = 0;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        unsigned bit = zca_response_method_bit(methods[i]);
        assert_int_not_equal(bit, 0);
        assert_int_equal(all & bit, 0);
        all |= bit;
    }
    assert_int_equal(zca_response_method_bit("BREW"), 0);
}

static void response_head_names_what_is_allowed(void **state)
{
    (void)state;
    struct zca_http_response response = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    const struct zca_response_head head = {
        .request_id = "r1",
        .allow = zca_response_method_bit("GET") | zca_response_method_bit("DELETE"),
    };
    zca_response_error(&response, 405, "METHOD_NOT_ALLOWED", "no");

    assert_true(zca_response_format_head(&response, &head, &text, NULL));

    const char *written = (const char *)text.data;
    assert_memory_equal(written, "HTTP/1.1 405 Method Not Allowed\r\n", 33);
    assert_non_null(strstr(written, "\r\nAllow: GET, DELETE\r\n"));
    assert_non_null(strstr(written, "\r\nConnection: close\r\n\r\n"));
    assert_non_null(strstr(written, "\r\nX-Request-Id: r1\r\n"));
    assert_null(strstr(written, "Retry-After"));
    zca_response_clear(&response);
}

static void error_envelope_is_as_documented(void **state)
{
    (void)state;
    struct zca_http_response response = {0};

    zca_response_error(&response, 404, "NOT_FOUND", "a \"b\"");

    assert_int_equal(response.status, 404);
    assert_string_equal((const char *)response.body.data,
                        "{\"success\":false,\"data\":null,\"error\":{\"code\":\"NOT_FOUND\","
                        "\"message\":\"a \\\"b\\\"\"}}");
    zca_response_clear(&response);
}

static void success_envelope_is_as_documented(void **state)
{
    (void)state;
    struct zca_http_response response = {0};

    zca_response_success(&response, 201, NULL);

    assert_int_equal(response.status, 201);
    assert_string_equal((const char *)response.body.data,
                        "{\"success\":true,\"data\":null,\"error\":null}");
    zca_response_clear(&response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pattern_matches_itself_only),
        cmocka_unit_test(star_matches_one_segment_that_is_not_empty),
        cmocka_unit_test(split_gives_what_the_stars_stand_for),
        cmocka_unit_test(unknown_path_has_no_route),
        cmocka_unit_test(known_path_names_its_methods),
        cmocka_unit_test(every_method_of_the_tables_has_a_bit),
        cmocka_unit_test(response_head_names_what_is_allowed),
        cmocka_unit_test(error_envelope_is_as_documented),
        cmocka_unit_test(success_envelope_is_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
