/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "tests/base/check.h"

ZCA_DEFINE_AUTO(ASN1_TIME, ASN1_TIME, ASN1_TIME_free);

struct pair {
    const char *text;
    int64_t time_ms;
};

static void clock_format_writes_rfc_3339(void **state)
{
    (void)state;
    static const struct pair rows[] = {
        {"1970-01-01T00:00:00.000Z", 0              },
        {"1969-12-31T23:59:59.999Z", -1             },
        {"2026-03-17T12:34:56.789Z", 1773750896789  },
        {"2000-02-29T00:00:00.001Z", 951782400001   },
        {"9999-12-31T23:59:59.999Z", 253402300799999},
        {"0000-01-01T00:00:00.000Z", -62167219200000},
        {"invalid",                  253402300800000},
        {"invalid",                  -62167219200001},
        {"invalid",                  INT64_MAX      },
        {"invalid",                  INT64_MIN      },
    };
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        char text[ZCA_RFC3339_SIZE];
        zca_clock_format(rows[i].time_ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void clock_parse_reads_rfc_3339(void **state)
{
    (void)state;
    static const struct pair rows[] = {
        {"1970-01-01T00:00:00Z",           0              },
        {"2026-03-17T12:34:56.789Z",       1773750896789  },
        {"2026-03-17t12:34:56.789z",       1773750896789  },
        {"2026-03-17 12:34:56.789Z",       1773750896789  },
        {"2026-03-17T12:34:56.7Z",         1773750896700  },
        {"2026-03-17T12:34:56.789123456Z", 1773750896789  },
        {"2026-03-17T13:34:56.789+01:00",  1773750896789  },
        {"2026-03-17T07:04:56.789-05:30",  1773750896789  },
        {"2016-12-31T23:59:60Z",           1483228800000  },
        {"2024-02-29T00:00:00Z",           1709164800000  },
        {"0000-01-01T00:00:00Z",           -62167219200000},
    };
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        int64_t time_ms = 1;
        check_ok(zca_clock_parse(rows[i].text, &time_ms, &err), err);
        assert_true(time_ms == rows[i].time_ms);
    }
}

static void clock_parse_of_wrong_text_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026-03-17",
        "2026-03-17T12:34:56",
        "2026-03-17T12:34Z",
        "2026-3-17T12:34:56Z",
        "2026-13-17T12:34:56Z",
        "2026-00-17T12:34:56Z",
        "2026-02-29T12:34:56Z",
        "2026-04-31T12:34:56Z",
        "2026-03-00T12:34:56Z",
        "2026-03-17T24:00:00Z",
        "2026-03-17T12:60:00Z",
        "2026-03-17T12:34:61Z",
        "2026-03-17T12:34:56.Z",
        "2026-03-17T12:34:56,5Z",
        "2026-03-17T12:34:56+0100",
        "2026-03-17T12:34:56+24:00",
        "2026-03-17T12:34:56Zx",
        " 2026-03-17T12:34:56Z",
        "+026-03-17T12:34:56Z",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        int64_t time_ms = 7;
        check_refused(zca_clock_parse(texts[i], &time_ms, &err), err, ZCA_ERR_INVALID);
        assert_int_equal(time_ms, 7);
    }
}

/* The first and the last day of each month, of all years that RFC 3339 can write. */
static void clock_parse_agrees_with_timegm(void **state)
{
    (void)state;
    static const struct tm no_time = {.tm_mday = 0};
    for (int month = 0; month < 10000 * 12; month++) {
        for (int day = 0; day < 2; day++) {
            struct zca_error err = {.reason = ZCA_ERR_NONE};
            int64_t time_ms = 0;
            char text[ZCA_RFC3339_SIZE];
            struct tm when = no_time;
            when.tm_year = month / 12 - 1900;
            when.tm_mon = month % 12 + (1 - day);
            when.tm_mday = day; /* 0: the last of the month before */
            when.tm_sec = month % 60;
            time_t seconds = timegm(&when);
            zca_clock_format((int64_t)seconds * 1000, text);
            if (strcmp(text, "invalid") != 0) {
                check_ok(zca_clock_parse(text, &time_ms, &err), err);
                assert_true(time_ms == (int64_t)seconds * 1000);
            }
        }
    }
}

static void clock_from_asn1_reads_both_forms(void **state)
{
    (void)state;
    static const struct pair rows[] = {
        {"260317123456Z",   1773750896},
        {"20260317123456Z", 1773750896},
        {"500101000000Z",   -631152000},
        {"491231235959Z",   2524607999},
        {"20500101000000Z", 2524608000},
    };
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(ASN1_TIME) ASN1_TIME *time = ASN1_TIME_new();
        int64_t time_s = 0;
        assert_int_equal(ASN1_TIME_set_string(time, rows[i].text), 1);
        check_ok(zca_clock_from_asn1(time, &time_s, &err), err);
        assert_true(time_s == rows[i].time_ms);
    }
}

static void clock_from_asn1_of_nothing_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(ASN1_TIME) ASN1_TIME *time = ASN1_TIME_new();
    int64_t time_s = 7;
    assert_int_equal(ASN1_STRING_set(time, "2603171234", -1), 1);
    check_refused(zca_clock_from_asn1(time, &time_s, &err), err, ZCA_ERR_INVALID);
    check_refused(zca_clock_from_asn1(NULL, &time_s, &err), err, ZCA_ERR_INVALID);
    assert_int_equal(time_s, 7);
}

static void clocks_agree_and_advance(void **state)
{
    (void)state;
    int64_t before_ms = zca_clock_now_ms();
    int64_t start_ms = zca_clock_monotonic_ms();
    struct timespec pause = {.tv_nsec = 20000000};
    nanosleep(&pause, NULL);
    assert_true(zca_clock_now_s() - before_ms / 1000 <= 10);
    assert_true(zca_clock_now_s() >= before_ms / 1000);
    int64_t elapsed_ms = zca_clock_monotonic_ms() - start_ms;
    assert_true(elapsed_ms >= 20 && elapsed_ms < 10000);
    assert_true(zca_clock_now_s() - time(NULL) <= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_format_writes_rfc_3339),
        cmocka_unit_test(clock_parse_reads_rfc_3339),
        cmocka_unit_test(clock_parse_of_wrong_text_is_refused),
        cmocka_unit_test(clock_parse_agrees_with_timegm),
        cmocka_unit_test(clock_from_asn1_reads_both_forms),
        cmocka_unit_test(clock_from_asn1_of_nothing_is_refused),
        cmocka_unit_test(clocks_agree_and_advance),
    };
    return cmocka_run_group_tests_name("base/clock", tests, NULL, NULL);
}
