/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificates and the CRL of an authority: configured, pinned at first use, or fetched
 * over its verified connection. Pinned means: another CA later is an error, not a surprise.
 */
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/gate.h"
#include "base/log.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/anchor.h"
#include "core/authority.h"
#include "core/verify.h"

static const size_t max_pinned = 256 * 1024;
static const size_t max_crl = 64 * 1024 * 1024;

static char *state_path(const struct zca_authority *authority, const char *file,
                        struct zca_error *err)
{
    return zca_library_path(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                            zca_authority_get_name(authority), file, "", err);
}

/* ---- checks ---- */

static bool check_certificate(X509 *certificate, struct zca_error *err)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    if ((flags & EXFLAG_INVALID) != 0 || (flags & EXFLAG_CA) == 0) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "it is not a CA certificate (CA:TRUE)");
    }
    if ((flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) == 0) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "its key usage does not allow certificates");
    }
    if ((flags & EXFLAG_SS) != 0 && X509_self_signed(certificate, 1) != 1) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "its own signature does not verify");
    }
    return zca_verify_valid_now(certificate, err);
}

static bool check_link(X509 *certificate, X509 *issuer, struct zca_error *err)
{
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    return (X509_check_issued(issuer, certificate) == X509_V_OK && key &&
            X509_verify(certificate, key) == 1) ||
           zca_error_set(err, ZCA_ERR_VERIFY, "the next one did not issue it");
}

/* Issuing CA first, each issued by the next. */
static bool check_certificates(STACK_OF(X509) * certificates, const char *origin,
                               struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(error_mark) int mark = ERR_set_mark();
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *certificate = sk_X509_value(certificates, i);
        X509 *issuer = sk_X509_value(certificates, i + 1); /* NULL behind the last */
        if (!check_certificate(certificate, err) ||
            (issuer && !check_link(certificate, issuer, err))) {
            return zca_error_context(err, "CA certificate %d of %s", i + 1, origin);
        }
    }
    return true;
}

static STACK_OF(X509) * parse_certificates(const struct zca_authority *authority,
                                           struct zca_span pem, const char *origin,
                                           struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(zca_authority_get_library(authority), err);
    if (!context) {
        return NULL;
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(context, pem, err);
    if (!certificates) {
        zca_error_context(err, "CA certificates of %s", origin);
        return NULL;
    }
    return check_certificates(certificates, origin, err) ? zca_steal(certificates) : NULL;
}

static STACK_OF(X509) * read_certificates(const struct zca_authority *authority, const char *path,
                                          struct zca_error *err)
{
    struct stat status;
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer origin = {.len = 0};
    if (!zca_file_load(path, max_pinned, &pem, &status, err) ||
        !zca_buffer_format(&origin, err, "'%s'", path)) {
        return NULL;
    }
    STACK_OF(X509) *certificates =
        parse_certificates(authority, zca_buffer_span(&pem), (const char *)origin.data, err);
    if (certificates) {
        zca_anchors_keep(zca_authority_get_library(authority), path, &status, certificates);
    }
    return certificates;
}

/* Of what was checked when it was read, only the dates can have become wrong. */
static bool check_dates(const STACK_OF(X509) * certificates, const char *path,
                        struct zca_error *err)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        if (!zca_verify_valid_now(sk_X509_value(certificates, i), err)) {
            return zca_error_context(err, "CA certificate %d of '%s'", i + 1, path);
        }
    }
    return true;
}

static STACK_OF(X509) * load_certificates(const struct zca_authority *authority, const char *path,
                                          struct zca_error *err)
{
    struct stat status;
    zca_auto(X509_STACK) STACK_OF(X509) *known =
        stat(path, &status) == 0
            ? zca_anchors_find(zca_authority_get_library(authority), path, &status)
            : NULL;
    if (!known) {
        return read_certificates(authority, path, err);
    }
    return check_dates(known, path, err) ? zca_steal(known) : NULL;
}

/* ---- certificates ---- */

static bool ask_certificates(struct zca_authority *authority, bool created,
                             struct zca_buffer *out_pem, struct zca_error *err)
{
    struct zca_library *library = zca_authority_get_library(authority);
    const struct zca_remote *remote = zca_library_remote(library, err);
    struct zca_client *client = remote ? zca_authority_client(authority, err) : NULL;
    if (!client || !zca_library_network_begin(library, err)) {
        return false;
    }
    bool ok =
        created ? remote->ca_init(client, out_pem, err) : remote->ca_fetch(client, out_pem, err);
    zca_library_network_end(library);
    return ok;
}

static STACK_OF(X509) *
    fetch_certificates(struct zca_authority *authority, bool created, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer origin = {.len = 0};
    if (!ask_certificates(authority, created, &pem, err) ||
        !zca_buffer_format(&origin, err, "authority '%s'", zca_authority_get_name(authority))) {
        return NULL;
    }
    return parse_certificates(authority, zca_buffer_span(&pem), (const char *)origin.data, err);
}

typedef bool store_file(const char *path, mode_t mode, struct zca_span bytes,
                        struct zca_error *err);

static bool pin_certificates(const struct zca_authority *authority,
                             const STACK_OF(X509) * certificates, store_file *store,
                             struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(text) char *path = state_path(authority, "ca.pem", err);
    return path && zca_pem_format_certificates(certificates, &pem, err) &&
           zca_library_prepare(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                               zca_authority_get_name(authority), err) &&
           store(path, 0644, zca_buffer_span(&pem), err);
}

static bool check_can_fetch(struct zca_authority *authority, bool offline, struct zca_error *err)
{
    unsigned capabilities = 0;
    const char *name = zca_authority_get_name(authority);
    if (offline) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                             "the CA certificate of authority '%s' is not here yet and the network "
                             "is off: run 'zca ca show --authority %s' or set option issuer",
                             name, name);
    }
    if (!zca_authority_capabilities(authority, &capabilities, err)) {
        return false;
    }
    if ((capabilities & ZCA_CAP_CHAIN) == 0) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                             "authority '%s' (%s) cannot return its CA certificate: run 'zca ca "
                             "init --authority %s', or save it to a file and set option issuer",
                             name, zca_authority_get_dialect(authority), name);
    }
    return true;
}

/* First use: what came over the verified connection becomes the pinned file, unless another
 * process was faster; then its file counts. */
static STACK_OF(X509) *
    fetch_and_pin(struct zca_authority *authority, const char *path, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = fetch_certificates(authority, false, err);
    if (!certificates) {
        return NULL;
    }
    if (pin_certificates(authority, certificates, zca_file_store_new, &failure)) {
        return zca_steal(certificates);
    }
    if (failure.reason == ZCA_ERR_CONFLICT) {
        return load_certificates(authority, path, err);
    }
    if (err) {
        *err = failure;
    }
    return NULL;
}

static STACK_OF(X509) *
    find_certificates(struct zca_authority *authority, bool offline, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const char *configured = zca_authority_get_text(authority, ZCA_AUTHORITY_ISSUER);
    if (configured) {
        return load_certificates(authority, configured, err);
    }
    zca_auto(text) char *pinned = state_path(authority, "ca.pem", err);
    if (!pinned) {
        return NULL;
    }
    STACK_OF(X509) *certificates = load_certificates(authority, pinned, &failure);
    if (certificates) {
        return certificates;
    }
    if (failure.reason != ZCA_ERR_NOT_FOUND) {
        if (err) {
            *err = failure;
        }
        return NULL;
    }
    return check_can_fetch(authority, offline, err) ? fetch_and_pin(authority, pinned, err) : NULL;
}

bool zca_authority_certificates(struct zca_authority *authority, bool offline,
                                STACK_OF(X509) * *out_certificates, struct zca_error *err)
{
    STACK_OF(X509) *certificates = find_certificates(authority, offline, err);
    if (!certificates) {
        return false;
    }
    *out_certificates = certificates;
    return true;
}

bool zca_authority_pin(struct zca_authority *authority, bool created,
                       STACK_OF(X509) * *out_certificates, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = fetch_certificates(authority, created, err);
    if (!certificates || !pin_certificates(authority, certificates, zca_file_store, err)) {
        return false;
    }
    *out_certificates = zca_steal(certificates);
    return true;
}

/* ---- CRL ---- */

static bool verify_crl(X509_CRL *crl, const STACK_OF(X509) * certificates, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(error_mark) int mark = ERR_set_mark();
    int64_t issued_s = 0;
    if (!zca_clock_from_asn1(X509_CRL_get0_lastUpdate(crl), &issued_s, err)) {
        return false;
    }
    if (issued_s > zca_clock_now_s() + ZCA_CLOCK_SKEW_S) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the CRL is dated in the future");
    }
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        X509 *issuer = sk_X509_value(certificates, i);
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (X509_NAME_cmp(X509_get_subject_name(issuer), X509_CRL_get_issuer(crl)) == 0 && key &&
            X509_CRL_verify(crl, key) == 1) {
            return true;
        }
    }
    return zca_error_set(err, ZCA_ERR_VERIFY, "the CRL is not signed by the authority's CA");
}

/* Without a nextUpdate a CRL is never fresh. */
static bool is_fresh(const X509_CRL *crl)
{
    int64_t next_s = 0;
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
    return next && zca_clock_from_asn1(next, &next_s, NULL) && zca_clock_now_s() < next_s;
}

static X509_CRL *parse_crl(const struct zca_authority *authority, struct zca_span bytes,
                           const STACK_OF(X509) * certificates, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(zca_authority_get_library(authority), err);
    zca_auto(X509_CRL) X509_CRL *crl = context ? zca_pem_parse_crl(context, bytes, err) : NULL;
    return crl && verify_crl(crl, certificates, err) ? zca_steal(crl) : NULL;
}

/* The cached CRL when it is good now, else NULL with the reason. */
static X509_CRL *load_crl(const struct zca_authority *authority, const char *path,
                          const STACK_OF(X509) * certificates, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {.len = 0};
    if (!zca_file_load(path, max_crl, &bytes, NULL, err)) {
        return NULL;
    }
    zca_auto(X509_CRL) X509_CRL *crl =
        parse_crl(authority, zca_buffer_span(&bytes), certificates, err);
    if (crl && !is_fresh(crl)) {
        zca_error_set(err, ZCA_ERR_EXPIRED, "the cached CRL '%s' is past its next update", path);
        return NULL;
    }
    return crl ? zca_steal(crl) : NULL;
}

/* A cache that cannot be written costs the next reader a request, no more. */
static void keep_crl(const struct zca_authority *authority, const char *path, X509_CRL *crl)
{
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (len > 0 &&
        (!zca_library_prepare(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                              zca_authority_get_name(authority), &failure) ||
         !zca_file_store(path, 0644, zca_span_of(der, (size_t)len), &failure))) {
        zca_log(ZCA_LOG_DEBUG, "authority '%s': the CRL is not kept: %s",
                zca_authority_get_name(authority), failure.message);
    }
    OPENSSL_free(der);
}

static X509_CRL *fetch_crl(struct zca_authority *authority, const STACK_OF(X509) * certificates,
                           struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {.len = 0};
    struct zca_library *library = zca_authority_get_library(authority);
    const struct zca_remote *remote = zca_library_remote(library, err);
    struct zca_client *client = remote ? zca_authority_client(authority, err) : NULL;
    if (!client || !zca_library_network_begin(library, err)) {
        return NULL;
    }
    bool ok = remote->crl_fetch(client, &bytes, err);
    zca_library_network_end(library);
    return ok ? parse_crl(authority, zca_buffer_span(&bytes), certificates, err) : NULL;
}

X509_CRL *zca_authority_crl(struct zca_authority *authority, bool offline, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    zca_auto(text) char *path = state_path(authority, "crl.der", err);
    if (!path || !zca_authority_certificates(authority, offline, &certificates, err)) {
        return NULL;
    }
    X509_CRL *crl = load_crl(authority, path, certificates, &failure);
    if (crl) {
        return crl;
    }
    if (offline) {
        zca_error_set(err, failure.reason, "%s, and the network is off", failure.message);
        return NULL;
    }
    crl = fetch_crl(authority, certificates, err);
    if (!crl) {
        zca_error_context(err, "CRL of authority '%s'", zca_authority_get_name(authority));
        return NULL;
    }
    keep_crl(authority, path, crl);
    return crl;
}
