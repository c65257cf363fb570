/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca ca init and zca ca show. Making a CA is explicit: where the API knows one action for it, asking
 * twice rotates the CA and everything issued before stops verifying.
 */
#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tool/authority.h"
#include "tool/command.h"
#include "tool/output.h"

static bool format_name(const X509_NAME *name, struct zca_buffer *out_text, struct zca_error *err)
{
    zca_auto(BIO) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "printing a name");
    }
    long len = BIO_get_mem_data(bio, &text);
    return zca_buffer_append(out_text, zca_span_of(text, (size_t)len), err);
}

static bool say_certificate(struct zca_library *library, const X509 *certificate,
                            struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer fingerprint = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer subject = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    int64_t expires_at_s = 0;
    char expiry[ZCA_RFC3339_SIZE];
    if (!context || !zca_der_certificate(certificate, &der, err) ||
        !zca_fingerprint(context, zca_buffer_span(&der), &fingerprint, err) ||
        !format_name(X509_get_subject_name(certificate), &subject, err) ||
        !zca_clock_from_asn1(X509_get0_notAfter(certificate), &expires_at_s, err)) {
        return false;
    }
    zca_tool_time(expires_at_s, expiry);
    zca_tool_say("Subject: %s", (const char *)subject.data);
    zca_tool_say("Fingerprint (SHA-256): %s", (const char *)fingerprint.data);
    zca_tool_say("Expires: %s", expiry);
    return true;
}

/* Which file holds them: the configured one, else the pinned one. */
static bool say_file(const struct zca_authority *authority, struct zca_error *err)
{
    const char *issuer = zca_authority_get_text(authority, ZCA_AUTHORITY_ISSUER);
    zca_auto(text) char *pinned =
        zca_library_path(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                         zca_authority_get_name(authority), "ca.pem", "", err);
    if (!pinned) {
        return false;
    }
    zca_tool_say("File: %s", issuer ? issuer : pinned);
    return true;
}

static bool say_certificates(const struct zca_authority *authority,
                             const STACK_OF(X509) * certificates, struct zca_error *err)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        if (!say_certificate(zca_authority_get_library(authority), sk_X509_value(certificates, i),
                             err)) {
            return false;
        }
    }
    return say_file(authority, err);
}

static bool report_existing(const struct zca_authority *authority, const char *how,
                            struct zca_error *err)
{
    return zca_error_set(err, ZCA_ERR_CONFLICT,
                         "authority '%s' has a CA%s; with --rotate it is replaced, and what it "
                         "issued stops verifying",
                         zca_authority_get_name(authority), how);
}

/* Where the API has one action for making and replacing, and no way to ask, its list tells. */
static bool check_nothing_issued(struct zca_authority *authority, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {.records = NULL};
    const struct zca_record_filter one = {.max = 1};
    if (!zca_tool_ask_list(authority, &one, &list, err)) {
        return zca_error_context(err, "looking whether there is a CA");
    }
    if (list.num_records > 0) {
        return report_existing(authority,
                               ", because it has issued certificates: save the CA's certificate "
                               "to a file and set option issuer",
                               err);
    }
    zca_tool_warn("'%s' cannot say whether there is a CA; if there is one, it is replaced now",
                  zca_authority_get_name(authority));
    return true;
}

/* A CA that exists is not replaced by accident. */
static bool check_first(struct zca_authority *authority, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *known = NULL;
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    unsigned capabilities = 0;
    if (zca_authority_certificates(authority, false, &known, &failure)) {
        return report_existing(authority, ": 'zca ca show' prints it", err);
    }
    bool none = failure.reason == ZCA_ERR_NOT_FOUND || failure.reason == ZCA_ERR_NOT_INITIALISED ||
                failure.reason == ZCA_ERR_UNSUPPORTED;
    if (!none) {
        *err = failure;
        return false;
    }
    return zca_authority_capabilities(authority, &capabilities, err) &&
           ((capabilities & ZCA_CAP_CHAIN) != 0 || check_nothing_issued(authority, err));
}

bool zca_tool_ca_init(struct zca_tool *tool, struct zca_error *err)
{
    const char *name = zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY);
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(tool->library, name, err);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    bool rotate = zca_arguments_has(tool->arguments, ZCA_TOOL_ROTATE);
    if (!authority || (!rotate && !check_first(authority, err))) {
        return false;
    }
    if (!zca_authority_pin(authority, true, &certificates, err)) {
        return zca_error_context(err, "make the CA");
    }
    zca_tool_say("CA of '%s' made; 'zca ca init --rotate' would replace it",
                 zca_authority_get_name(authority));
    return say_certificates(authority, certificates, err);
}

/* Compares what is pinned with what the authority says now, where it can say it. */
static bool check_current(struct zca_authority *authority, const X509 *pinned,
                          struct zca_error *err)
{
    unsigned capabilities = 0;
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(X509_STACK) STACK_OF(X509) *current = NULL;
    OSSL_LIB_CTX *context = zca_library_context(zca_authority_get_library(authority), err);
    if (!context || !zca_authority_capabilities(authority, &capabilities, err)) {
        return false;
    }
    if ((capabilities & ZCA_CAP_CHAIN) == 0) {
        return true;
    }
    if (!zca_tool_ask_ca(authority, &pem, &failure)) {
        zca_tool_warn("not compared with the authority: %s", failure.message);
        return true;
    }
    current = zca_pem_parse_certificates(context, zca_buffer_span(&pem), err);
    if (!current) {
        return false;
    }
    return X509_cmp(sk_X509_value(current, 0), pinned) == 0 ||
           zca_error_set(err, ZCA_ERR_VERIFY,
                         "authority '%s' has another CA now: when that is right, accept it with "
                         "'zca ca show --trust'",
                         zca_authority_get_name(authority));
}

bool zca_tool_ca_show(struct zca_tool *tool, struct zca_error *err)
{
    const char *name = zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY);
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(tool->library, name, err);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    bool trust = zca_arguments_has(tool->arguments, ZCA_TOOL_TRUST);
    if (!authority) {
        return false;
    }
    bool ok = trust ? zca_authority_pin(authority, false, &certificates, err)
                    : zca_authority_certificates(authority, false, &certificates, err);
    return ok && say_certificates(authority, certificates, err) &&
           (trust || check_current(authority, sk_X509_value(certificates, 0), err));
}
