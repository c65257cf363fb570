/* SPDX-License-Identifier: Apache-2.0 */
/* Which names a request's certificate gets, under an organisation's list of domains. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/openssl_auto.h"
#include "server/refusal.h"
#include "server/subject.h"

#define LONG_NAME "a-name-that-is-too-long-for-a-common-name-and-good-for-all-else.corp.test"

static const struct zca_policy policy = {.org = {.allowed_domains = (char *)"corp.test"}};

static void assert_title(const struct zca_subject_input *input, const char *title)
{
    zca_auto(zca_subject) struct zca_subject subject = {0};
    struct zca_error err = {0};
    if (!zca_subject_make(&policy, input, &subject, &err)) {
        fail_msg("'%s': %s", title, err.message);
    }
    assert_string_equal(subject.title, title);
}

static void assert_refused(const struct zca_subject_input *input)
{
    zca_auto(zca_subject) struct zca_subject subject = {0};
    struct zca_error err = {0};
    assert_false(zca_subject_make(&policy, input, &subject, &err));
    assert_true(zca_refusal_is(&err, ZCA_REFUSE_NAME));
}

static void nothing_asked_is_unknown_in_any_domain(void **state)
{
    (void)state;
    const struct zca_subject_input plain = {.plain = true};
    const struct zca_subject_input leaf = {0};
    const struct zca_subject_input asked = {.common_name = "unknown", .plain = true};
    assert_title(&plain, "unknown");
    assert_title(&leaf, "unknown");
    assert_refused(&asked);
}

static void first_dns_name_is_the_common_name(void **state)
{
    (void)state;
    static const char *const two[] = {"a.corp.test", "b.corp.test", NULL};
    static const char *const longest[] = {LONG_NAME, NULL};
    static const char *const foreign[] = {"a.corp.test", "evil.test", NULL};
    static const char *const foreign_first[] = {"evil.test", NULL};
    const struct zca_subject_input good = {.dns_names = two};
    const struct zca_subject_input too_long = {.dns_names = longest};
    const struct zca_subject_input bad = {.dns_names = foreign};
    const struct zca_subject_input bad_first = {.dns_names = foreign_first};
    assert_title(&good, "a.corp.test");
    assert_title(&too_long, "unknown");
    assert_refused(&bad);
    assert_refused(&bad_first);
}

/* ---- with a CSR ---- */

static void add_attribute(X509_REQ *request, const char *attribute, const char *text)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), attribute,
                                                MBSTRING_UTF8, (const uint8_t *)text, -1, -1, 0),
                     1);
}

static void subject_of_a_csr_wins_and_loses_its_mailbox(void **state)
{
    (void)state;
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new();
    zca_auto(zca_subject) struct zca_subject subject = {0};
    const struct zca_csr csr = {.request = request};
    const struct zca_subject_input input = {.common_name = "other.corp.test", .csr = &csr};
    add_attribute(request, "CN", "web.corp.test");
    add_attribute(request, "emailAddress", "ceo@victim.test");
    add_attribute(request, "UID", "root");
    assert_true(zca_subject_make(&policy, &input, &subject, NULL));
    assert_string_equal(subject.title, "web.corp.test");
    assert_int_equal(X509_NAME_entry_count(subject.name), 1);
    assert_int_equal(sk_GENERAL_NAME_num(subject.names), 1);
}

static void foreign_subject_of_a_csr_is_refused(void **state)
{
    (void)state;
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new();
    const struct zca_csr csr = {.request = request};
    const struct zca_subject_input input = {.csr = &csr};
    add_attribute(request, "CN", "www.victim.test.");
    assert_refused(&input);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_asked_is_unknown_in_any_domain),
        cmocka_unit_test(first_dns_name_is_the_common_name),
        cmocka_unit_test(subject_of_a_csr_wins_and_loses_its_mailbox),
        cmocka_unit_test(foreign_subject_of_a_csr_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
