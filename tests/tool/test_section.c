/* SPDX-License-Identifier: Apache-2.0 */
/* One option changes, every other byte stays, and OpenSSL's parser reads back what was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/conf.h>

#include "tool/section.h"

static void assert_becomes(const char *text, const char *wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.len = 0};
    assert_true(zca_section_set(text, "authority a", "url", "https://x", &out, &err));
    assert_string_equal((const char *)out.data, wanted);
}

static void section_is_added_to_empty_text(void **state)
{
    (void)state;
    assert_becomes("", "[authority a]\nurl = https://x\n");
}

static void section_is_added_behind_the_rest(void **state)
{
    (void)state;
    assert_becomes("# c\n[zca]\nlog = none\n",
                   "# c\n[zca]\nlog = none\n\n[authority a]\nurl = https://x\n");
}

static void missing_newline_is_added(void **state)
{
    (void)state;
    assert_becomes("[zca]\nlog = none", "[zca]\nlog = none\n\n[authority a]\nurl = https://x\n");
    assert_becomes("[authority a]", "[authority a]\nurl = https://x\n");
}

static void line_is_replaced_in_place(void **state)
{
    (void)state;
    assert_becomes("[authority a]\n  url=old # c\ntrust = t\n[zca]\nurl = no\n",
                   "[authority a]\nurl = https://x\ntrust = t\n[zca]\nurl = no\n");
}

static void line_is_added_to_the_end_of_its_section(void **state)
{
    (void)state;
    assert_becomes("[authority a]\ntrust = t\n\n# about zca\n[zca]\nlog = none\n",
                   "[authority a]\ntrust = t\n\n# about zca\nurl = https://x\n[zca]\nlog = none\n");
}

static void other_section_of_similar_name_is_left_alone(void **state)
{
    (void)state;
    assert_becomes("[authority ab]\nurl = b\n",
                   "[authority ab]\nurl = b\n\n[authority a]\nurl = https://x\n");
}

static void commented_line_is_left_alone(void **state)
{
    (void)state;
    assert_becomes("[authority a]\n# url = old\n", "[authority a]\n# url = old\nurl = https://x\n");
}

static void continued_line_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.len = 0};
    assert_false(zca_section_set("[a]\nurl = one \\\ntwo\n", "a", "url", "x", &out, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFIG);
    assert_int_equal(out.len, 0);
}

static void control_character_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.len = 0};
    assert_false(zca_section_set("", "a", "url", "x\n[zca]\nremote = off", &out, &err));
    assert_int_equal(err.reason, ZCA_ERR_INVALID);
    assert_int_equal(out.len, 0);
}

static void assert_read_back(const char *value)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer out = {.len = 0};
    long line = -1;
    assert_true(zca_section_set("[a]\nx = y\n", "a", "value", value, &out, &err));
    BIO *bio = BIO_new_mem_buf(out.data, (int)out.len);
    CONF *conf = NCONF_new(NULL);
    assert_true(NCONF_load_bio(conf, bio, &line) > 0);
    assert_string_equal(NCONF_get_string(conf, "a", "value"), value);
    assert_string_equal(NCONF_get_string(conf, "a", "x"), "y");
    NCONF_free(conf);
    BIO_free(bio);
}

static void value_is_read_back_by_openssl(void **state)
{
    (void)state;
    assert_read_back("https://[::1]:8443/base?x=1&y=2");
    assert_read_back("two words");
    assert_read_back("a # b");
    assert_read_back("a \"b\" 'c'");
    assert_read_back("$HOME ${x} $(y)");
    assert_read_back("back\\slash\\");
    assert_read_back(" blanks at both ends ");
    assert_read_back("\xc3\xa4\xc3\xb6");
    assert_read_back("");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_is_added_to_empty_text),
        cmocka_unit_test(section_is_added_behind_the_rest),
        cmocka_unit_test(missing_newline_is_added),
        cmocka_unit_test(line_is_replaced_in_place),
        cmocka_unit_test(line_is_added_to_the_end_of_its_section),
        cmocka_unit_test(other_section_of_similar_name_is_left_alone),
        cmocka_unit_test(commented_line_is_left_alone),
        cmocka_unit_test(continued_line_is_refused),
        cmocka_unit_test(control_character_is_refused),
        cmocka_unit_test(value_is_read_back_by_openssl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
