/* SPDX-License-Identifier: Apache-2.0 */
/* Lengths of validity and names, as tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/openssl_auto.h"
#include "server/policy.h"
#include "server/refusal.h"

static struct zca_policy example_policy(const char *domains)
{
    return (struct zca_policy){
        .org = {.cert_ttl_hours = 24,
                .max_cert_ttl_hours = 720,
                .allowed_domains = (char *)(uintptr_t)domains,
                .allowed_ekus = (char *)"serverAuth clientAuth"}
    };
}

static const struct {
    struct zca_ttl ttl;
    int64_t policy_hours;
    int64_t seconds; /* 0: refused */
    const char *code;
} ttl_rows[] = {
    {{0},                                                                 0,   24 * 3600,  NULL                },
    {{.has_hours = true, .hours = 1},                                     0,   3600,       NULL                },
    {{.has_hours = true, .hours = 720},                                   0,   720 * 3600, NULL                },
    {{.has_hours = true, .hours = 721},                                   0,   720 * 3600, NULL                },
    {{.has_hours = true, .hours = 87600},                                 0,   720 * 3600, NULL                },
    {{.has_hours = true, .hours = 0},                                     0,   0,          "INVALID_TTL"       },
    {{.has_hours = true, .hours = -1},                                    0,   0,          "INVALID_TTL"       },
    {{.has_hours = true, .hours = 87601},                                 0,   0,          "INVALID_TTL"       },
    {{.has_hours = true, .hours = INT64_MAX},                             0,   0,          "INVALID_TTL"       },
    {{.has_seconds = true, .seconds = 59},                                0,   0,          "INVALID_TTL"       },
    {{.has_seconds = true, .seconds = 60},                                0,   60,         NULL                },
    {{.has_seconds = true, .seconds = 90, .has_hours = true, .hours = 5}, 0,   90,         NULL                },
    {{.has_hours = true, .hours = 48},                                    24,  24 * 3600,  NULL                },
    {{.has_hours = true, .hours = 48, .for_machine = true},               24,  0,          "TTL_EXCEEDS_POLICY"},
    {{.has_hours = true, .hours = 24, .for_machine = true},               24,  24 * 3600,  NULL                },
    {{.for_machine = true},                                               12,  12 * 3600,  NULL                },
    {{.has_hours = true, .hours = 800, .for_machine = true},              800, 720 * 3600, NULL                },
};

static void ttl_is_checked_then_capped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(ttl_rows); i++) {
        struct zca_policy policy = example_policy("");
        struct zca_error err = {0};
        int64_t seconds = 0;
        policy.max_ttl_hours = ttl_rows[i].policy_hours;
        bool ok = zca_policy_check_ttl(&ttl_rows[i].ttl, &err) &&
                  zca_policy_cap_ttl(&policy, &ttl_rows[i].ttl, &seconds, &err);
        assert_int_equal(ok, ttl_rows[i].seconds != 0);
        assert_string_equal(err.code, ttl_rows[i].code ? ttl_rows[i].code : "");
        assert_int_equal(ok ? seconds : 0, ttl_rows[i].seconds);
    }
}

static void refusal_names_both_lengths(void **state)
{
    (void)state;
    struct zca_policy policy = example_policy("");
    struct zca_ttl ttl = {.has_hours = true, .hours = 48, .for_machine = true};
    struct zca_error err = {0};
    int64_t seconds = 0;
    policy.max_ttl_hours = 24;
    assert_false(zca_policy_cap_ttl(&policy, &ttl, &seconds, &err));
    assert_string_equal(err.message, "Requested TTL 48h exceeds policy maximum 24h");
    assert_int_equal(err.http_status, 400);
}

static const struct {
    const char *name;
    bool good;
} host_names[] = {
    {"a",                  true },
    {"www.example.com",    true },
    {"*.example.com",      true },
    {"xn--bcher-kva.test", true },
    {"1.example.com",      true },
    {"",                   false},
    {".",                  false},
    {"a..b",               false},
    {"example.com.",       false},
    {".example.com",       false},
    {"-a.example.com",     false},
    {"a-.example.com",     false},
    {"a_b.example.com",    false},
    {"*.com",              false},
    {"*",                  false},
    {"a.*.example.com",    false},
    {"**.example.com",     false},
    {"w*.example.com",     false},
    {"a b.example.com",    false},
    {"ex\xc3\xa4mple.com", false},
};

static void host_names_have_a_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(host_names); i++) {
        if (zca_host_name_check(host_names[i].name) != host_names[i].good) {
            fail_msg("'%s'", host_names[i].name);
        }
    }
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[64] = '\0';
    assert_false(zca_host_name_check(longest));
    longest[63] = '\0';
    assert_true(zca_host_name_check(longest));
}

static GENERAL_NAME *make_name(const char *text)
{
    int type = strncmp(text, "IP:", 3) == 0 ? GEN_IPADD : GEN_DNS;
    type = strncmp(text, "URI:", 4) == 0 ? GEN_URI : type;
    type = strchr(text, '@') ? GEN_EMAIL : type;
    const char *value = strchr(text, ':') && type != GEN_DNS ? strchr(text, ':') + 1 : text;
    return a2i_GENERAL_NAME(NULL, NULL, NULL, type, value, 0);
}

static const struct {
    const char *domains;
    const char *name;
    bool good;
} membership[] = {
    {"",                         "anything.test",         true },
    {"corp.test",                "corp.test",             true },
    {"corp.test",                "CORP.test",             true },
    {"corp.test",                "a.b.corp.test",         true },
    {"corp.test",                "*.corp.test",           true },
    {"corp.test",                "evilcorp.test",         false},
    {"corp.test",                "corp.test.evil.test",   false},
    {"corp.test",                "test",                  false},
    {"a.corp.test",              "*.corp.test",           false},
    {"one.test, two.test",       "x.two.test",            true },
    {"corp.test",                "IP:192.0.2.1",          false},
    {"",                         "IP:192.0.2.1",          true },
    {"192.0.2.0/24",             "IP:192.0.2.200",        true },
    {"192.0.2.0/24",             "IP:192.0.3.1",          false},
    {"192.0.2.128/25 corp.test", "IP:192.0.2.127",        false},
    {"2001:db8::/32",            "IP:2001:db8:1::1",      true },
    {"2001:db8::/32",            "IP:2001:db9::1",        false},
    {"192.0.2.7",                "IP:192.0.2.7",          true },
    {"192.0.2.7",                "IP:192.0.2.8",          false},
    {"192.0.2.0/x",              "IP:8.8.8.8",            false},
    {"192.0.2.0/",               "IP:8.8.8.8",            false},
    {"192.0.2.0/2x",             "IP:192.0.2.1",          false},
    {"192.0.2.0/-0",             "IP:8.8.8.8",            false},
    {"192.0.2.0/33",             "IP:192.0.2.1",          false},
    {"192.0.2.0/24/8",           "IP:192.0.3.1",          false},
    {"192.0.2.0/0",              "IP:8.8.8.8",            true },
    {"192.0.2.0/0",              "IP:2001:db8::1",        false},
    {"corp.test",                "a@corp.test",           true },
    {"corp.test",                "a@other.test",          false},
    {"",                         "URI:https://corp.test", false},
    {"",                         "192.0.2.1",             false}, /* an address as a DNS name */
};

static void names_belong_to_the_organisation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(membership); i++) {
        struct zca_policy policy = example_policy(membership[i].domains);
        GENERAL_NAME *name = make_name(membership[i].name);
        struct zca_error err = {0};
        assert_non_null(name);
        bool good = zca_policy_check_name(&policy, name, &err);
        GENERAL_NAME_free(name);
        if (good != membership[i].good) {
            fail_msg("'%s' in '%s': %s", membership[i].name, membership[i].domains, err.message);
        }
        assert_true(good || zca_refusal_is(&err, ZCA_REFUSE_NAME));
    }
}

/* ---- subjects ---- */

#define DOMAINS "corp.test 192.0.2.0/24 2001:db8::/32"

static const struct {
    const char *domains;
    const char *attribute;
    const char *text;
    bool good;
} subjects[] = {
    {DOMAINS, "CN",               "www.corp.test",                        true },
    {DOMAINS, "CN",               "*.corp.test",                          true },
    {DOMAINS, "CN",               "192.0.2.7",                            true },
    {DOMAINS, "CN",               "2001:db8::1",                          true },
    {DOMAINS, "CN",               "eve@corp.test",                        true },
    {DOMAINS, "CN",               "Some One",                             true },
    {DOMAINS, "CN",               "Corp Inc. Printer: No. 7",             true },
    {DOMAINS, "CN",               "3f2b6c1e-5d0a-4c57-9a50-0d0f3c1e7a11", true },
    {DOMAINS, "CN",               "www.victim.test",                      false},
    {DOMAINS, "CN",               "www.victim.test.",                     false},
    {DOMAINS, "CN",               "www.victim.test ",                     false},
    {DOMAINS, "CN",               " www.victim.test",                     false},
    {DOMAINS, "CN",               "w*.victim.test",                       false},
    {DOMAINS, "CN",               "w*.corp.test",                         false},
    {DOMAINS, "CN",               "a_b.victim.test",                      false},
    {DOMAINS, "CN",               "-a.victim.test",                       false},
    {DOMAINS, "CN",               "a..victim.test",                       false},
    {DOMAINS, "CN",               "www.victim.test:443",                  false},
    {DOMAINS, "CN",               "https://www.victim.test/",             false},
    {DOMAINS, "CN",               "*",                                    false},
    {DOMAINS, "CN",               "victim",                               false},
    {DOMAINS, "CN",               "host_1",                               false},
    {DOMAINS, "CN",               "198.51.100.1",                         false},
    {DOMAINS, "CN",               "2001:db9::1",                          false},
    {DOMAINS, "CN",               "::ffff:192.0.2.7",                     false},
    {DOMAINS, "CN",               "eve@victim.test",                      false},
    {DOMAINS, "CN",               "@corp.test",                           false},
    {"",      "CN",               "www.anything.test",                    true },
    {"",      "CN",               "john_doe",                             true },
    {"",      "CN",               "2001:db8::1",                          true },
    {"",      "CN",               "*",                                    false},
    {"",      "CN",               "w*.anything.test",                     false},
    {DOMAINS, "O",                "Corp, www.victim.test",                true },
    {DOMAINS, "emailAddress",     "eve@corp.test",                        true },
    {DOMAINS, "emailAddress",     "ceo@victim.test",                      false},
    {DOMAINS, "emailAddress",     "ceo@victim.test@corp.test",            true }, /* a mailbox of corp.test */
    {DOMAINS, "emailAddress",     "corp.test",                            false},
    {"",      "emailAddress",     "ceo@anything.test",                    true },
    {"",      "UID",              "root",                                 false},
    {"",      "DC",               "corp",                                 false},
    {"",      "unstructuredName", "www.anything.test",                    false},
    {"",      "serialNumber",     "7",                                    false},
    {"",      "1.2.3.4",          "x",                                    false},
};

static void subjects_claim_no_foreign_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(subjects); i++) {
        struct zca_policy policy = example_policy(subjects[i].domains);
        struct zca_error err = {0};
        zca_auto(X509_NAME) X509_NAME *subject = X509_NAME_new();
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, subjects[i].attribute, MBSTRING_UTF8,
                                                    (const uint8_t *)subjects[i].text, -1, -1, 0),
                         1);
        bool good = zca_policy_check_subject(&policy, subject, &err);
        if (good != subjects[i].good) {
            fail_msg("%s='%s' in '%s': %s", subjects[i].attribute, subjects[i].text,
                     subjects[i].domains, err.message);
        }
        assert_true(good || zca_refusal_is(&err, ZCA_REFUSE_NAME));
    }
}

/* ---- lists ---- */

static const struct {
    const char *list;
    bool good;
} lists[] = {
    {"",                                            true },
    {" , ",                                         true },
    {"corp.test",                                   true },
    {"corp.test, 192.0.2.0/24 2001:db8::/32 other", true },
    {"192.0.2.7",                                   true },
    {"192.0.2.0/x",                                 false},
    {"192.0.2.0/",                                  false},
    {"192.0.2.0/33",                                false},
    {"corp.test 192.0.2.0/24x",                     false},
    {"192.0.2",                                     false},
    {"192.0.2.0.0",                                 false},
    {"2001:db8::/129",                              false},
    {"*.corp.test",                                 false},
    {".corp.test",                                  false},
    {"corp.test.",                                  false},
    {"corp.test;other.test",                        false},
    {"corp.test\tother.test",                       false},
};

static void lists_of_domains_can_be_read_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(lists); i++) {
        struct zca_error err = {0};
        if (zca_policy_check_domains(lists[i].list, &err) != lists[i].good) {
            fail_msg("'%s': %s", lists[i].list, err.message);
        }
        assert_true(lists[i].good || zca_refusal_is(&err, ZCA_REFUSE_VALIDATION));
    }
}

/* Let's Encrypt, 2020: one name was checked as often as there were names. */
static void each_of_many_names_is_checked(void **state)
{
    (void)state;
    struct zca_policy policy = example_policy("corp.test");
    for (int bad = 0; bad < 5; bad++) {
        zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
        for (int i = 0; i < 5; i++) {
            GENERAL_NAME *name = make_name(i == bad ? "evil.test" : "good.corp.test");
            assert_true(sk_GENERAL_NAME_push(names, name) > 0);
        }
        assert_false(zca_policy_check_names(&policy, names, NULL));
    }
}

static void number_of_names_is_bounded(void **state)
{
    (void)state;
    struct zca_policy policy = example_policy("");
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    assert_false(zca_policy_check_names(&policy, names, NULL));
    for (int i = 0; i < 100; i++) {
        assert_true(sk_GENERAL_NAME_push(names, make_name("a.test")) > 0);
    }
    assert_true(zca_policy_check_names(&policy, names, NULL));
    assert_true(sk_GENERAL_NAME_push(names, make_name("a.test")) > 0);
    assert_false(zca_policy_check_names(&policy, names, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ttl_is_checked_then_capped),
        cmocka_unit_test(refusal_names_both_lengths),
        cmocka_unit_test(host_names_have_a_form),
        cmocka_unit_test(names_belong_to_the_organisation),
        cmocka_unit_test(subjects_claim_no_foreign_name),
        cmocka_unit_test(lists_of_domains_can_be_read_whole),
        cmocka_unit_test(each_of_many_names_is_checked),
        cmocka_unit_test(number_of_names_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
