/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/certificate.h"
#include "core/csr.h"
#include "core/identity.h"
#include "core/keystore.h"
#include "tests/core/scene.h"

static void begin(struct scene *scene, const char *dialect, const char *more, const char *uri)
{
    scene_configure(scene, dialect, more);
    scene_plan(scene, "");
    scene_open(scene, uri);
}

static struct zca_key *key_or_new(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_key *key = zca_identity_key_or_new(scene->identity, &err);
    check_ok(key, err);
    return key;
}

static struct zca_chain *chain_or_enrol(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_chain *chain = zca_identity_chain_or_enrol(scene->identity, &err);
    check_ok(chain, err);
    return chain;
}

/* ---- opening ---- */

static void identity_has_the_settings_of_its_section(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain",
          "[identity web]\nkey-type = RSA-2048\nkeystore = memory\nauto-enrol = csr\nttl = 2d\n"
          "common-name = Web\ndns = a.example, b.example\nip = 192.0.2.1\nreuse-key = yes\n"
          "allow-plain-key = yes\nbinding = m1\nprofile = server\n",
          "zca://web");
    const struct zca_identity *identity = scene->identity;
    assert_string_equal(zca_identity_get_name(identity), "web");
    assert_string_equal(zca_identity_get_uri(identity), "zca://corp/web");
    assert_ptr_equal(zca_identity_get_library(identity), scene->library);
    assert_string_equal(zca_authority_get_name(zca_identity_get_authority(identity)), "corp");
    assert_string_equal(zca_identity_get_key_type(identity)->name, "RSA-2048");
    assert_int_equal(zca_identity_get_keystore(identity), ZCA_KEYSTORE_MEMORY);
    assert_int_equal(zca_identity_get_auto_enrol(identity), ZCA_AUTO_ENROL_CSR);
    assert_int_equal(zca_identity_get_ttl_s(identity), 172800);
    assert_string_equal(zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME), "Web");
    assert_string_equal(zca_identity_get_text(identity, ZCA_IDENTITY_BINDING), "m1");
    assert_string_equal(zca_identity_get_text(identity, ZCA_IDENTITY_PROFILE), "server");
    assert_string_equal(zca_identity_get_list(identity, ZCA_IDENTITY_DNS)[1], "b.example");
    assert_string_equal(zca_identity_get_list(identity, ZCA_IDENTITY_IP)[0], "192.0.2.1");
    assert_true(zca_identity_get_flag(identity, ZCA_IDENTITY_REUSE_KEY));
    assert_true(zca_identity_get_flag(identity, ZCA_IDENTITY_PLAIN_KEY));
}

static void identity_without_section_has_the_defaults(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "", "zca://corp/web");
    const struct zca_identity *identity = scene->identity;
    assert_string_equal(zca_identity_get_key_type(identity)->name, "P-256");
    assert_int_equal(zca_identity_get_keystore(identity), ZCA_KEYSTORE_FILE);
    assert_int_equal(zca_identity_get_auto_enrol(identity), ZCA_AUTO_ENROL_LOAD);
    assert_int_equal(zca_identity_get_ttl_s(identity), 0);
    assert_string_equal(zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME), "web");
    assert_null(zca_identity_get_text(identity, ZCA_IDENTITY_BINDING));
    assert_null(zca_identity_get_list(identity, ZCA_IDENTITY_DNS));
    assert_null(zca_identity_get_list(identity, ZCA_IDENTITY_IP));
    assert_false(zca_identity_get_flag(identity, ZCA_IDENTITY_REUSE_KEY));
    assert_false(zca_identity_get_flag(identity, ZCA_IDENTITY_PLAIN_KEY));
    assert_false(zca_identity_get_offline(identity));
    assert_int_equal(zca_identity_get_wait_ms(identity), 5000); /* the scene's remote-timeout */
}

static void identity_of_a_uri_that_asks_for_more(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "[identity web]\nttl = 2d\n",
          "zca://corp/web?ttl=1h&wait=2&offline=yes&csr=/tmp/x.csr");
    assert_int_equal(zca_identity_get_ttl_s(scene->identity), 3600);
    assert_int_equal(zca_identity_get_wait_ms(scene->identity), 2000);
    assert_true(zca_identity_get_offline(scene->identity));
    assert_string_equal(zca_identity_get_csr_file(scene->identity), "/tmp/x.csr");
    assert_string_equal(zca_identity_get_uri(scene->identity), "zca://corp/web");
}

static void identity_section_with_authority_is_preferred(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain",
          "machine = m7\ntimeout = 3s\n"
          "[authority other]\nurl = https://127.0.0.1:1\ndialect = plain\n"
          "[identity web]\nprofile = plain\n"
          "[identity corp/web]\nprofile = of-corp\n",
          "zca://corp/web");
    assert_string_equal(zca_identity_get_text(scene->identity, ZCA_IDENTITY_PROFILE), "of-corp");
    assert_string_equal(zca_identity_get_text(scene->identity, ZCA_IDENTITY_BINDING), "m7");
    assert_int_equal(zca_identity_get_wait_ms(scene->identity), 3000);
}

#define OTHER "[authority other]\nurl = https://127.0.0.1:1\ndialect = plain\n"

static void identity_section_of_another_authority_is_not_used(void **state)
{
    struct scene *scene = *state;

    static const struct {
        const char *more, *uri, *profile;
    } rows[] = {
        {OTHER "[identity web]\nauthority = other\nprofile = p\n", "zca://corp/web",  NULL},
        {OTHER "[identity web]\nauthority = other\nprofile = p\n", "zca://other/web", "p" },
        {OTHER "[identity web]\nauthority = other\nprofile = p\n", "zca://web",       "p" },
        {OTHER "[identity other/web]\nprofile = p\n",              "zca://corp/web",  NULL},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        begin(scene, "plain", rows[i].more, rows[i].uri);
        const char *profile = zca_identity_get_text(scene->identity, ZCA_IDENTITY_PROFILE);
        assert_string_equal(profile ? profile : "none", rows[i].profile ? rows[i].profile : "none");
    }
}

static void identity_section_without_authority_is_of_the_default_one(void **state)
{
    struct scene *scene = *state;
    const char *more = OTHER "[identity web]\nprofile = p\n";
    scene_configure(scene, "plain", more);
    zca_auto(zca_buffer) struct zca_buffer config = {.len = 0};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    scene_read(scene, "zca.conf", &config);
    check_ok(zca_buffer_format(&text, &err, "[zca]\ndefault-authority = other\n%s",
                               (const char *)config.data + strlen("[zca]\n")),
             err);
    scene_write(scene, "zca.conf", (const char *)text.data);
    scene_open(scene, "zca://other/web");
    assert_string_equal(zca_identity_get_text(scene->identity, ZCA_IDENTITY_PROFILE), "p");
    scene_open(scene, "zca://corp/web");
    assert_null(zca_identity_get_text(scene->identity, ZCA_IDENTITY_PROFILE));
}

static void identity_that_looks_like_a_host_asks_for_it(void **state)
{
    struct scene *scene = *state;

    static const struct {
        const char *uri;
        bool host;
    } rows[] = {
        {"zca://www.example.com",                                                       true },
        {"zca://WWW.Example.com",                                                       true },
        {"zca://*.example.com",                                                         true },
        {"zca://a-b.c1",                                                                true },
        {"zca://1.a",                                                                   true },
        {"zca://web",                                                                   false},
        {"zca://-a.example.com",                                                        false},
        {"zca://a-.example.com",                                                        false},
        {"zca://a..example.com",                                                        false},
        {"zca://www.example.com.",                                                      false},
        {"zca://a_b.example.com",                                                       false},
        {"zca://ann@example.com",                                                       false},
        {"zca://192.0.2.1",                                                             false},
        {"zca://a.*.example.com",                                                       false},
        {"zca://*.com*",                                                                false},
        {"zca://a0123456789012345678901234567890123456789012345678901234567890123.com", false},
    };

    scene_configure(scene, "plain", "");
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        scene_open(scene, rows[i].uri);
        const char *const *names = zca_identity_get_list(scene->identity, ZCA_IDENTITY_DNS);
        assert_int_equal(names != NULL, rows[i].host);
        if (names) {
            assert_string_equal(names[0], rows[i].uri + strlen("zca://"));
            assert_null(names[1]);
        }
    }
}

static void refused_to_open(struct scene *scene, const char *text, enum zca_reason reason)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(text, &err);
    check_ok(uri, err);
    check_refused(zca_identity_open(scene->library, uri, &err), err, reason);
}

static void identity_that_cannot_be_opened_says_why(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "", "zca://corp/web");
    refused_to_open(scene, "zca://corp/", ZCA_ERR_INVALID);
    refused_to_open(scene, "zca://nobody/web", ZCA_ERR_NOT_FOUND);
}

/* ---- keys ---- */

static void key_is_missing_until_somebody_makes_it(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "", "zca://corp/web");
    check_refused(zca_identity_key(scene->identity, &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "corp/web"));
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    zca_auto(zca_key) struct zca_key *again = key_or_new(scene);
    zca_auto(zca_key) struct zca_key *found = zca_identity_key(scene->identity, &err);
    check_ok(found, err);
    assert_true(zca_span_equal(zca_key_get_public(found), zca_key_get_public(key)));
    assert_true(zca_span_equal(zca_key_get_public(found), zca_key_get_public(again)));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void key_has_the_type_of_the_settings(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "[identity web]\nkey-type = Ed25519\n", "zca://corp/web");
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    assert_string_equal(zca_key_get_type(key)->name, "Ed25519");
}

static void damaged_key_is_not_replaced(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.len = 0};
    begin(scene, "plain", "", "zca://corp/web");
    zca_key_free(key_or_new(scene));
    scene_write(scene, "state/keys/corp/web.key", "damaged");
    check_refused(zca_identity_key_or_new(scene->identity, &err), err, ZCA_ERR_SEALED);
    scene_read(scene, "state/keys/corp/web.key", &bytes);
    check_text(bytes, "damaged");
}

/* Writes the public key to a file of its own. */
static int make_key(struct scene *scene, void *argument)
{
    zca_auto(text) char *file = NULL;
    zca_auto(zca_buffer) struct zca_buffer hex = {.len = 0};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(scene->identity, NULL);
    if (!key || !zca_hex_encode(zca_key_get_public(key), '\0', &hex, NULL) ||
        asprintf(&file, "key.%d", *(const int *)argument) < 0) {
        return 1;
    }
    scene_write(scene, file, (const char *)hex.data);
    return 0;
}

static void key_made_by_64_processes_is_one(void **state)
{
    enum { NUM = 64 };
    struct scene *scene = *state;
    int pids[NUM];
    begin(scene, "plain", "", "zca://corp/web");
    scene_close(scene);
    for (int i = 0; i < NUM; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            scene_open(scene, "zca://corp/web?wait=60");
            _exit(make_key(scene, &i));
        }
    }
    for (int i = 0; i < NUM; i++) {
        int status = 1;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    zca_auto(zca_buffer) struct zca_buffer first = {.len = 0};
    scene_read(scene, "key.0", &first);
    for (int i = 1; i < NUM; i++) {
        zca_auto(zca_buffer) struct zca_buffer other = {.len = 0};
        zca_auto(text) char *file = NULL;
        assert_true(asprintf(&file, "key.%d", i) > 0);
        scene_read(scene, file, &other);
        assert_true(zca_span_equal(zca_buffer_span(&first), zca_buffer_span(&other)));
    }
}

static void key_of_an_authority_that_makes_keys_comes_with_the_certificate(void **state)
{
    struct scene *scene = *state;
    begin(scene, "keygen", "", "zca://corp/web");
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    assert_int_equal(zca_key_get_origin(key), ZCA_KEY_MADE_BY_AUTHORITY);
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_check_pair(scene);
}

static void key_of_an_authority_that_makes_keys_needs_permission(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "keygen", "[identity web]\nauto-enrol = csr\n", "zca://corp/web");
    check_refused(zca_identity_key_or_new(scene->identity, &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "zca cert web"));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

/* ---- certificates ---- */

static void certificate_is_requested_once(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "", "zca://corp/web");
    zca_auto(zca_chain) struct zca_chain *chain = chain_or_enrol(scene);
    scene_open(scene, "zca://corp/web");
    zca_auto(zca_chain) struct zca_chain *again = chain_or_enrol(scene);
    assert_true(zca_span_equal(zca_chain_get_der(chain, 0), zca_chain_get_der(again, 0)));
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_check_pair(scene);
}

static void stored_certificate_needs_neither_network_nor_remote(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "", "zca://corp/web");
    zca_auto(zca_chain) struct zca_chain *chain = chain_or_enrol(scene);
    zca_auto(zca_buffer) struct zca_buffer config = {.len = 0};
    scene_read(scene, "zca.conf", &config);
    char *option = strstr((char *)config.data, "remote-library = ");
    assert_non_null(option);
    memcpy(option, "remote-library = /nowhere/", strlen("remote-library = /nowhere/"));
    scene_write(scene, "zca.conf", (const char *)config.data);
    scene_open(scene, "zca://corp/web");
    zca_auto(zca_chain) struct zca_chain *again = chain_or_enrol(scene);
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    assert_true(zca_chain_matches(again, key));
}

static void certificate_without_permission_is_not_requested(void **state)
{
    static const char *const permissions[] = {"no", "csr"};
    struct scene *scene = *state;
    for (size_t i = 0; i < ZCA_COUNT(permissions); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(text) char *more = NULL;
        assert_true(asprintf(&more, "[identity web]\nauto-enrol = %s\n", permissions[i]) > 0);
        begin(scene, "plain", more, "zca://corp/web");
        check_refused(zca_identity_chain_or_enrol(scene->identity, &err), err, ZCA_ERR_NOT_FOUND);
        assert_non_null(strstr(err.message, "zca cert web"));
        assert_int_equal(scene_count(scene, "open"), 0);
    }
}

static void certificate_offline_is_not_requested(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "", "zca://corp/web?offline=yes");
    check_refused(zca_identity_chain_or_enrol(scene->identity, &err), err, ZCA_ERR_UNAVAILABLE);
    assert_int_equal(scene_count(scene, "open"), 0);
}

static void certificate_of_another_key_is_replaced(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *key_file = scene_path(scene, "state/keys/corp/web.key");
    begin(scene, "plain", "", "zca://corp/web");
    zca_auto(zca_chain) struct zca_chain *chain = chain_or_enrol(scene);
    assert_int_equal(unlink(key_file), 0);
    zca_auto(zca_chain) struct zca_chain *still = chain_or_enrol(scene); /* speaks for itself */
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_true(zca_span_equal(zca_chain_get_der(chain, 0), zca_chain_get_der(still, 0)));
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    zca_auto(zca_chain) struct zca_chain *fresh = chain_or_enrol(scene);
    assert_true(zca_chain_matches(fresh, key));
    assert_int_equal(scene_count(scene, "submit"), 2);
}

static void certificates_are_those_of_the_chain(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *stored = NULL;
    begin(scene, "plain", "", "zca://corp/web");
    check_refused(zca_identity_certificates(scene->identity, &stored, &err), err,
                  ZCA_ERR_NOT_FOUND);
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_identity_chain_or_enrol(scene->identity, &err);
    check_ok(chain, err);
    check_ok(zca_identity_certificates(scene->identity, &stored, &err), err);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    check_ok(zca_der_certificate(sk_X509_value(stored, 0), &der, &err), err);
    assert_true(zca_span_equal(zca_chain_get_der(chain, 0), zca_buffer_span(&der)));
}

/* ---- captured requests ---- */

static struct zca_buffer request_for(struct scene *scene, struct zca_key *key, const char *name)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer der = {.len = 0};
    const char *const names[] = {name, NULL};
    struct zca_csr_names wanted = {.common_name = name, .dns_names = names};
    zca_auto(X509_REQ) X509_REQ *csr = zca_csr_new(scene->library, key, &wanted, &err);
    check_ok(csr && zca_der_request(csr, &der, &err), err);
    return der;
}

static void captured_request_is_sent_though_a_certificate_is_valid(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "", "zca://corp/web");
    zca_chain_free(chain_or_enrol(scene));
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    zca_auto(zca_buffer) struct zca_buffer der = request_for(scene, key, "new.example");
    check_ok(zca_identity_capture(scene->identity, zca_buffer_span(&der), &err), err);
    struct stat status;
    zca_auto(text) char *path = scene_path(scene, "state/orders/corp/web.csr");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_identity_chain_or_enrol(scene->identity, &err);
    check_ok(chain, err);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_chain_certificates(chain, scene->library, NULL, &err);
    assert_int_equal(X509_check_host(sk_X509_value(certificates, 0), "new.example", 0, 0, NULL), 1);
    scene_check_clean(scene);
    assert_int_equal(scene_count(scene, "submit"), 2);
}

static void captured_request_without_permission_changes_nothing(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "", "zca://corp/web");
    zca_chain_free(chain_or_enrol(scene));
    begin(scene, "plain", "[identity web]\nauto-enrol = no\n", "zca://corp/web");
    zca_auto(zca_key) struct zca_key *key = key_or_new(scene);
    zca_auto(zca_buffer) struct zca_buffer der = request_for(scene, key, "new.example");
    check_ok(zca_identity_capture(scene->identity, zca_buffer_span(&der), &err), err);
    zca_chain_free(chain_or_enrol(scene));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void captured_request_of_another_key_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "", "zca://corp/web");
    zca_auto(zca_key) struct zca_key *other =
        zca_key_generate(scene->library, zca_key_type_find("P-256"), &err);
    check_ok(other, err);
    zca_auto(zca_buffer) struct zca_buffer der = request_for(scene, other, "web.example");
    check_refused(zca_identity_capture(scene->identity, zca_buffer_span(&der), &err), err,
                  ZCA_ERR_NOT_FOUND); /* there is no key at all */
    zca_key_free(key_or_new(scene));
    check_refused(zca_identity_capture(scene->identity, zca_buffer_span(&der), &err), err,
                  ZCA_ERR_INVALID);
    check_refused(zca_identity_capture(scene->identity, zca_span_text("no request"), &err), err,
                  ZCA_ERR_INVALID);
    assert_false(scene_exists(scene, "state/orders/corp/web.csr"));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(identity_has_the_settings_of_its_section),
        SCENE(identity_without_section_has_the_defaults),
        SCENE(identity_of_a_uri_that_asks_for_more),
        SCENE(identity_section_with_authority_is_preferred),
        SCENE(identity_section_of_another_authority_is_not_used),
        SCENE(identity_section_without_authority_is_of_the_default_one),
        SCENE(identity_that_looks_like_a_host_asks_for_it),
        SCENE(identity_that_cannot_be_opened_says_why),
        SCENE(key_is_missing_until_somebody_makes_it),
        SCENE(key_has_the_type_of_the_settings),
        SCENE(damaged_key_is_not_replaced),
        SCENE(key_made_by_64_processes_is_one),
        SCENE(key_of_an_authority_that_makes_keys_comes_with_the_certificate),
        SCENE(key_of_an_authority_that_makes_keys_needs_permission),
        SCENE(certificate_is_requested_once),
        SCENE(stored_certificate_needs_neither_network_nor_remote),
        SCENE(certificate_without_permission_is_not_requested),
        SCENE(certificate_offline_is_not_requested),
        SCENE(certificate_of_another_key_is_replaced),
        SCENE(certificates_are_those_of_the_chain),
        SCENE(captured_request_is_sent_though_a_certificate_is_valid),
        SCENE(captured_request_without_permission_changes_nothing),
        SCENE(captured_request_of_another_key_is_refused),
    };
    return cmocka_run_group_tests_name("core/identity", tests, NULL, NULL);
}
