/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "core/csr.h"
#include "core/verify.h"
#include "tests/core/scene.h"

static const char *const two_names[] = {"web.example", "www.example", NULL};

/* What was asked for, and the answer to it. */
struct answer {
    struct scene *scene;
    struct zca_key *key;
    X509_REQ *request;
    STACK_OF(X509) * anchors;
    STACK_OF(X509) * chain;
    struct zca_expectation expectation;
};

static void push(STACK_OF(X509) * stack, X509 *certificate)
{
    assert_true(X509_up_ref(certificate) == 1 && sk_X509_push(stack, certificate) > 0);
}

static void prepare(struct answer *answer, struct scene *scene, const char *const *dns_names)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = dns_names};
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
    *answer = (struct answer){.scene = scene};
    answer->key = zca_key_generate(scene->library, zca_key_type_find("P-256"), &err);
    check_ok(answer->key, err);
    answer->request = zca_csr_new(scene->library, answer->key, &names, &err);
    check_ok(answer->request, err);
    answer->request = forge_received(answer->request);
    answer->anchors = sk_X509_new_null();
    answer->chain = sk_X509_new_null();
    push(answer->anchors, scene->ca.certificate);
    answer->expectation = (struct zca_expectation){
        .public_key = zca_key_get_public(answer->key),
        .request = answer->request,
        .anchors = answer->anchors,
    };
}

static void answer_with(struct answer *answer, const struct forge_ca *ca, long ttl_s,
                        unsigned flaws)
{
    X509 *leaf = forge_answer(ca, answer->request, ttl_s, flaws);
    push(answer->chain, leaf);
    X509_free(leaf);
}

static void answer_clear(struct answer *answer)
{
    zca_key_free(answer->key);
    X509_REQ_free(answer->request);
    zca_x509_stack_free(answer->anchors);
    zca_x509_stack_free(answer->chain);
}

static bool verify(struct answer *answer, struct zca_error *err)
{
    return zca_verify_issued(answer->scene->library, answer->chain, &answer->expectation, NULL,
                             err);
}

static void check_answer(struct scene *scene, long ttl_s, unsigned flaws, const char *text)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, scene, two_names);
    answer.expectation.ttl_s = ttl_s;
    answer_with(&answer, &scene->ca, ttl_s, flaws);
    bool ok = verify(&answer, &err);
    if (ok != !text || (text && !strstr(err.message, text))) {
        fail_msg("flaws %x: %s (wanted: %s)", flaws, err.message, text ? text : "acceptance");
    }
    answer_clear(&answer);
}

/* ---- one row each ---- */

static const struct {
    unsigned flaws;
    const char *text; /* NULL: accepted */
} rows[] = {
    {0,                NULL                              },
    {FORGE_SKEWED,     NULL                              },
    {FORGE_OTHER_KEY,  "another key"                     },
    {FORGE_OTHER_NAME, "other names: its CN is"          },
    {FORGE_TWO_NAMES,  "other names: its CN is 'second"  },
    {FORGE_EXTRA_NAME, "nobody asked for 'extra.example'"},
    {FORGE_LESS_NAMES, "missing is 'web.example'"        },
    {FORGE_CA,         "is a CA certificate"             },
    {FORGE_CERT_SIGN,  "is a CA certificate"             },
    {FORGE_EXPIRED,    "not valid after"                 },
    {FORGE_FUTURE,     "not valid before"                },
    {FORGE_VERSION_1,  "version 1"                       },
    {FORGE_SHA1,       "chain"                           },
};

static void each_flaw_is_named(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        check_answer(*state, 0, rows[i].flaws, rows[i].text);
    }
}

static void longer_life_than_asked_is_refused(void **state)
{
    check_answer(*state, 3600, 0, NULL);
    check_answer(*state, 3600, FORGE_LONG_LIFE, "longer than the 3600 s");
    check_answer(*state, 0, FORGE_LONG_LIFE, NULL);
}

static void expired_answer_has_its_own_reason(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, two_names);
    answer_with(&answer, &answer.scene->ca, 0, FORGE_EXPIRED);
    check_refused(verify(&answer, &err), err, ZCA_ERR_EXPIRED);
    answer_clear(&answer);
}

/* ---- names ---- */

static void common_name_as_alternative_name_adds_nothing(void **state)
{
    static const char *const own[] = {"web.example", NULL};
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, NULL);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = forge_names(own);
    EVP_PKEY *key = X509_REQ_get0_pubkey(answer.request);
    struct forge_order order = {.common_name = "web.example", .names = names, .key = key};
    zca_auto(X509) X509 *leaf = forge_issue(&answer.scene->ca, &order);
    push(answer.chain, leaf);
    check_ok(verify(&answer, &err), err);
    answer_clear(&answer);
}

static void case_of_host_names_does_not_matter(void **state)
{
    static const char *const shouted[] = {"WEB.example", "www.EXAMPLE", NULL};
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, two_names);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = forge_names(shouted);
    EVP_PKEY *key = X509_REQ_get0_pubkey(answer.request);
    struct forge_order order = {.common_name = "web.example", .names = names, .key = key};
    zca_auto(X509) X509 *leaf = forge_issue(&answer.scene->ca, &order);
    push(answer.chain, leaf);
    check_ok(verify(&answer, &err), err);
    answer_clear(&answer);
}

static void names_may_shrink_where_none_can_be_had(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = two_names};
    prepare(&answer, *state, two_names);
    answer_with(&answer, &answer.scene->ca, 0, FORGE_LESS_NAMES);
    answer.expectation.request = NULL;
    answer.expectation.names = &names;
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    answer.expectation.names_may_shrink = true;
    check_ok(verify(&answer, &err), err);
    answer_clear(&answer);
}

static void other_common_name_is_refused_also_then(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = two_names};
    prepare(&answer, *state, two_names);
    answer_with(&answer, &answer.scene->ca, 0, FORGE_LESS_NAMES | FORGE_OTHER_NAME);
    answer.expectation.request = NULL;
    answer.expectation.names = &names;
    answer.expectation.names_may_shrink = true;
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    answer_clear(&answer);
}

static void quoted_names_hold_no_control_characters(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, two_names);
    EVP_PKEY *key = X509_REQ_get0_pubkey(answer.request);
    struct forge_order order = {.common_name = "evil\033[2J\nname", .key = key};
    zca_auto(X509) X509 *leaf = forge_issue(&answer.scene->ca, &order);
    push(answer.chain, leaf);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "'evil?[2J?name'"));
    answer_clear(&answer);
}

static void missing_common_name_is_refused(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, NULL);
    struct forge_order order = {.key = X509_REQ_get0_pubkey(answer.request)};
    zca_auto(X509) X509 *leaf = forge_issue(&answer.scene->ca, &order);
    push(answer.chain, leaf);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "0 CNs instead of 1"));
    answer_clear(&answer);
}

/* A request by alternative names only: authorities may repeat one of them as CN, no other. */
static void unasked_common_name_may_only_repeat(void **state)
{
    static const char *const wanted[] = {"web.example", "other.example"};
    for (size_t i = 0; i < ZCA_COUNT(wanted); i++) {
        struct answer answer;
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_csr_names names = {.dns_names = two_names};
        prepare(&answer, *state, NULL);
        X509_REQ_free(answer.request);
        answer.request =
            forge_received(zca_csr_new(answer.scene->library, answer.key, &names, &err));
        check_ok(answer.request, err);
        answer.expectation.request = answer.request;
        zca_auto(GENERAL_NAMES) GENERAL_NAMES *alternative = forge_names(two_names);
        struct forge_order order = {.common_name = wanted[i],
                                    .names = alternative,
                                    .key = X509_REQ_get0_pubkey(answer.request)};
        zca_auto(X509) X509 *leaf = forge_issue(&answer.scene->ca, &order);
        push(answer.chain, leaf);
        assert_int_equal(verify(&answer, &err), i == 0);
        answer_clear(&answer);
    }
}

/* ---- purposes ---- */

static X509_REQ *request_with_usage(struct answer *answer, const char *usage)
{
    X509_REQ *request = X509_REQ_new();
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_ext_key_usage, usage);
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    assert_true(extension && sk_X509_EXTENSION_push(extensions, extension) > 0);
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_key_pkey(answer->key, NULL);
    assert_true(X509_REQ_set_pubkey(request, key) == 1 &&
                X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request), "CN", MBSTRING_ASC,
                                           (const unsigned char *)"web.example", -1, -1, 0) == 1 &&
                X509_REQ_add_extensions(request, extensions) == 1);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return request;
}

static void check_usage(struct scene *scene, const char *asked, const char *granted, unsigned flaws,
                        bool wanted)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, scene, NULL);
    X509_REQ_free(answer.request);
    answer.request = request_with_usage(&answer, asked);
    answer.expectation.request = answer.request;
    X509_REQ *other = granted ? request_with_usage(&answer, granted) : NULL;
    struct forge_order order = {
        .common_name = "web.example",
        .key = X509_REQ_get0_pubkey(answer.request),
        .flaws = flaws,
    };
    X509 *leaf =
        other ? forge_answer(&scene->ca, other, 0, flaws) : forge_issue(&scene->ca, &order);
    push(answer.chain, leaf);
    X509_free(leaf);
    X509_REQ_free(other);
    if (verify(&answer, &err) != wanted) {
        fail_msg("asked %s, granted %s: %s", asked, granted ? granted : "none", err.message);
    }
    answer_clear(&answer);
}

static void purposes_may_shrink_but_not_grow(void **state)
{
    check_usage(*state, "serverAuth", "serverAuth", 0, true);
    check_usage(*state, "serverAuth,clientAuth", "serverAuth", 0, true);
    check_usage(*state, "serverAuth", "serverAuth,clientAuth", 0, false);
    check_usage(*state, "serverAuth", "serverAuth", FORGE_WIDE_USAGE, false);
    check_usage(*state, "serverAuth", NULL, 0, false);
}

/* ---- chains ---- */

static void intermediate_is_accepted_and_root_left_out(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct forge_ca issuing;
    zca_auto(X509_STACK) STACK_OF(X509) *path = NULL;
    forge_ca_make(&issuing, "Issuing", &scene->ca);
    prepare(&answer, scene, two_names);
    answer_with(&answer, &issuing, 0, 0);
    push(answer.chain, issuing.certificate);
    push(answer.chain, scene->ca.certificate);
    check_ok(zca_verify_issued(scene->library, answer.chain, &answer.expectation, &path, &err),
             err);
    assert_int_equal(sk_X509_num(path), 2);
    assert_int_equal(X509_cmp(sk_X509_value(path, 1), issuing.certificate), 0);
    answer_clear(&answer);
    forge_ca_clear(&issuing);
}

/* The authority's certificates complete a chain that it did not send. */
static void missing_intermediate_comes_from_the_anchors(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct forge_ca issuing;
    zca_auto(X509_STACK) STACK_OF(X509) *path = NULL;
    forge_ca_make(&issuing, "Issuing", &scene->ca);
    prepare(&answer, scene, two_names);
    push(answer.anchors, issuing.certificate);
    answer_with(&answer, &issuing, 0, 0);
    check_ok(zca_verify_issued(scene->library, answer.chain, &answer.expectation, &path, &err),
             err);
    assert_int_equal(sk_X509_num(path), 2);
    answer_clear(&answer);
    forge_ca_clear(&issuing);
}

/* An anchor may be an intermediate; what is sent above it must still belong to the line. */
static void anchor_may_be_an_intermediate(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct forge_ca issuing;
    forge_ca_make(&issuing, "Issuing", &scene->ca);
    prepare(&answer, scene, two_names);
    X509_free(sk_X509_pop(answer.anchors));
    push(answer.anchors, issuing.certificate);
    answer_with(&answer, &issuing, 0, 0);
    check_ok(verify(&answer, &err), err);
    push(answer.chain, issuing.certificate);
    push(answer.chain, scene->ca.certificate);
    check_ok(verify(&answer, &err), err);
    answer_clear(&answer);
    forge_ca_clear(&issuing);
}

static void stranger_in_the_chain_is_refused(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct forge_ca stranger;
    forge_ca_make(&stranger, "Stranger", NULL);
    prepare(&answer, scene, two_names);
    answer_with(&answer, &scene->ca, 0, 0);
    push(answer.chain, stranger.certificate);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "CN=Stranger"));
    answer_clear(&answer);
    forge_ca_clear(&stranger);
}

static void other_ca_of_the_same_name_is_refused(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, scene, two_names);
    answer_with(&answer, &scene->rogue, 0, 0);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "zca ca show --trust"));
    push(answer.chain, scene->rogue.certificate); /* sent along, still not trusted */
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    answer_clear(&answer);
}

static void leaf_as_issuer_is_refused(void **state)
{
    struct scene *scene = *state;
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "mail.example", .key = key};
    struct forge_ca pretender = {.certificate = forge_issue(&scene->ca, &order), .key = key};
    prepare(&answer, scene, two_names);
    answer_with(&answer, &pretender, 0, 0);
    push(answer.chain, pretender.certificate);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    answer_clear(&answer);
    forge_ca_clear(&pretender);
}

static void no_certificate_is_refused(void **state)
{
    struct answer answer;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    prepare(&answer, *state, two_names);
    check_refused(verify(&answer, &err), err, ZCA_ERR_VERIFY);
    answer_clear(&answer);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(each_flaw_is_named),
        SCENE(longer_life_than_asked_is_refused),
        SCENE(expired_answer_has_its_own_reason),
        SCENE(common_name_as_alternative_name_adds_nothing),
        SCENE(case_of_host_names_does_not_matter),
        SCENE(names_may_shrink_where_none_can_be_had),
        SCENE(other_common_name_is_refused_also_then),
        SCENE(quoted_names_hold_no_control_characters),
        SCENE(missing_common_name_is_refused),
        SCENE(unasked_common_name_may_only_repeat),
        SCENE(purposes_may_shrink_but_not_grow),
        SCENE(intermediate_is_accepted_and_root_left_out),
        SCENE(missing_intermediate_comes_from_the_anchors),
        SCENE(anchor_may_be_an_intermediate),
        SCENE(stranger_in_the_chain_is_refused),
        SCENE(other_ca_of_the_same_name_is_refused),
        SCENE(leaf_as_issuer_is_refused),
        SCENE(no_certificate_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
