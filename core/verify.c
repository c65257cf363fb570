/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of what an authority returned (RFC 5280, 6.1 and 4.2). Trust begins at the authority's own
 * certificates and nowhere else; they may be intermediates, so a path may end at one that is
 * not self-signed. Text from certificates is quoted without control characters.
 */
#include "core/verify.h"

#include <limits.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/openssl_auto.h"
#include "core/naming.h"
#include "core/quote.h"

static const int64_t lifetime_slack_s = 3600; /* authorities back-date and round */
static const int security_level = 2;          /* 112 bits: no SHA-1, no RSA under 2048 */

static int64_t seconds_of(const ASN1_TIME *time)
{
    int64_t time_s = 0;
    return zca_clock_from_asn1(time, &time_s, NULL) ? time_s : INT64_MIN;
}

/* ---- key ---- */

static bool verify_key(const X509 *leaf, struct zca_span public_key, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
    bool same = len > 0 && zca_span_equal(zca_span_of(der, (size_t)len), public_key);
    OPENSSL_free(der);
    zca_auto(text) char *subject = same ? NULL : zca_quote_subject(leaf);
    return same || zca_error_set(err, ZCA_ERR_VERIFY,
                                 "the certificate of '%s' holds another key than asked for",
                                 zca_quoted(subject));
}

/* ---- not a CA ---- */

static bool verify_end_entity(X509 *leaf, struct zca_error *err)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    zca_auto(text) char *subject = zca_quote_subject(leaf);
    if (X509_get_version(leaf) != X509_VERSION_3) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' has version %ld instead of 3",
                             zca_quoted(subject), X509_get_version(leaf) + 1);
    }
    if ((flags & EXFLAG_INVALID) != 0) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' has extensions that cannot be read",
                             zca_quoted(subject));
    }
    bool signs_certificates =
        (flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_KEY_CERT_SIGN) != 0;
    if ((flags & EXFLAG_CA) != 0 || signs_certificates) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' is a CA certificate, which nobody asked for",
                             zca_quoted(subject));
    }
    return true;
}

/* ---- dates ---- */

bool zca_verify_valid_now(const X509 *certificate, struct zca_error *err)
{
    int64_t now_s = zca_clock_now_s();
    int64_t before_s = seconds_of(X509_get0_notBefore(certificate));
    int64_t after_s = seconds_of(X509_get0_notAfter(certificate));
    char when[ZCA_RFC3339_SIZE];
    if (before_s == INT64_MIN || after_s == INT64_MIN || after_s < before_s) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the certificate's dates make no sense");
    }
    if (before_s > now_s + ZCA_CLOCK_SKEW_S) {
        zca_clock_format(before_s * 1000, when);
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate is not valid before %s, in %lld s: check the clock",
                             when, (long long)(before_s - now_s));
    }
    if (now_s > after_s) {
        zca_clock_format(after_s * 1000, when);
        return zca_error_set(err, ZCA_ERR_EXPIRED, "the certificate is not valid after %s", when);
    }
    return true;
}

static bool verify_lifetime(const X509 *leaf, long ttl_s, struct zca_error *err)
{
    int64_t life_s =
        seconds_of(X509_get0_notAfter(leaf)) - seconds_of(X509_get0_notBefore(leaf)) + 1;
    if (ttl_s > 0 && life_s > ttl_s + lifetime_slack_s) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate lives %lld s, longer than the %ld s asked for",
                             (long long)life_s, ttl_s);
    }
    if (ttl_s > 0 && life_s < ttl_s) {
        zca_log(ZCA_LOG_DEBUG, "verify: the certificate lives %lld s of the %ld s asked for",
                (long long)life_s, ttl_s);
    }
    return true;
}

/* ---- chain ---- */

static X509_STORE *make_store(const STACK_OF(X509) * anchors)
{
    zca_auto(X509_STORE) X509_STORE *store = X509_STORE_new();
    for (int i = 0; store && i < sk_X509_num(anchors); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(anchors, i)) != 1) {
            return NULL;
        }
    }
    return zca_steal(store);
}

static void set_parameters(X509_STORE_CTX *operation, const X509 *leaf)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(operation);
    int64_t now_s = zca_clock_now_s();
    int64_t before_s = seconds_of(X509_get0_notBefore(leaf)); /* checked: at most the skew ahead */
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(before_s > now_s ? before_s : now_s));
    (void)X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN); /* cannot fail */
    X509_VERIFY_PARAM_set_auth_level(parameters, security_level);
}

static bool refuse_chain(X509_STORE_CTX *operation, struct zca_error *err)
{
    int code = X509_STORE_CTX_get_error(operation);
    const X509 *culprit = X509_STORE_CTX_get_current_cert(operation);
    zca_auto(text) char *subject = zca_quote_subject(culprit);
    bool other_ca = code == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                    code == X509_V_ERR_CERT_SIGNATURE_FAILURE;
    return zca_error_set(err, ZCA_ERR_VERIFY, "chain: certificate %d ('%s'): %s%s",
                         X509_STORE_CTX_get_error_depth(operation) + 1, zca_quoted(subject),
                         X509_verify_cert_error_string(code),
                         other_ca ? "; if the CA was renewed, run 'zca ca show --trust'" : "");
}

static bool take_path(X509_STORE_CTX *operation, STACK_OF(X509) * *out_path, struct zca_error *err)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get1_chain(operation);
    if (!path) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "verifying a chain");
    }
    int last = sk_X509_num(path) - 1;
    if (last > 0 && X509_self_signed(sk_X509_value(path, last), 0) == 1) {
        X509_free(sk_X509_pop(path)); /* who trusts the root has it */
    }
    *out_path = path;
    return true;
}

/* X509_cmp compares the encodings. */
static bool is_at(const STACK_OF(X509) * path, int index, const X509 *certificate)
{
    const X509 *found = sk_X509_value(path, index);
    return found && X509_cmp(found, certificate) == 0;
}

/* What was sent must be a line, each certificate issued by the next, also above the anchors. Links that are those of the
 * verified path were verified with it. */
static bool verify_line(STACK_OF(X509) * chain, const STACK_OF(X509) * path, struct zca_error *err)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        X509 *subject = sk_X509_value(chain, i);
        X509 *issuer = sk_X509_value(chain, i + 1);
        if (is_at(path, i, subject) && is_at(path, i + 1, issuer)) {
            continue;
        }
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (X509_check_issued(issuer, subject) != X509_V_OK || !key ||
            X509_verify(subject, key) != 1) {
            zca_auto(text) char *quoted = zca_quote_subject(issuer);
            return zca_error_set(err, ZCA_ERR_VERIFY,
                                 "chain: certificate %d ('%s') does not belong to it", i + 2,
                                 zca_quoted(quoted));
        }
    }
    return true;
}

static bool verify_chain(OSSL_LIB_CTX *context, STACK_OF(X509) * chain,
                         const STACK_OF(X509) * anchors, STACK_OF(X509) * *out_path,
                         struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(X509_STORE) X509_STORE *store = make_store(anchors);
    zca_auto(X509_STORE_CTX) X509_STORE_CTX *operation =
        store ? X509_STORE_CTX_new_ex(context, NULL) : NULL;
    X509 *leaf = sk_X509_value(chain, 0);
    if (!operation || X509_STORE_CTX_init(operation, store, leaf, chain) != 1) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "verifying a chain");
    }
    set_parameters(operation, leaf);
    if (X509_verify_cert(operation) != 1) {
        return refuse_chain(operation, err);
    }
    return verify_line(chain, X509_STORE_CTX_get0_chain(operation), err) &&
           (!out_path || take_path(operation, out_path, err));
}

/* ---- public ---- */

bool zca_verify_issued(struct zca_library *library, STACK_OF(X509) * chain,
                       const struct zca_expectation *expectation, STACK_OF(X509) * *out_path,
                       struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context) {
        return false;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    if (!leaf) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the authority returned no certificate");
    }
    return verify_key(leaf, expectation->public_key, err) && verify_end_entity(leaf, err) &&
           zca_naming_check(leaf, expectation, err) && zca_verify_valid_now(leaf, err) &&
           verify_lifetime(leaf, expectation->ttl_s, err) &&
           verify_chain(context, chain, expectation->anchors, out_path, err);
}

bool zca_verify_chain(struct zca_library *library, STACK_OF(X509) * chain,
                      const STACK_OF(X509) * anchors, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    return context && verify_chain(context, chain, anchors, NULL, err);
}
