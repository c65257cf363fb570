/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures by an authority's own key: what may be signed, how it is asked for, and whether it verifies. */
#include <openssl/err.h>

#include "base/algorithm.h"
#include "base/gate.h"
#include "base/openssl_auto.h"
#include "core/authority.h"

static bool check_can_sign(struct zca_authority *authority, struct zca_error *err)
{
    unsigned capabilities = 0;
    if (!zca_authority_capabilities(authority, &capabilities, err)) {
        return false;
    }
    if ((capabilities & ZCA_CAP_TBS_SIGN) == 0) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "authority '%s' (%s) makes its own certificates and cannot sign "
                             "yours; use 'openssl x509 -in zca://%s/NAME' or 'zca cert NAME'",
                             zca_authority_get_name(authority),
                             zca_authority_get_dialect(authority),
                             zca_authority_get_name(authority));
    }
    return true;
}

static bool check_kind(const struct zca_authority *authority, enum zca_tbs_kind kind,
                       struct zca_error *err)
{
    const struct zca_config *config = zca_library_config(zca_authority_get_library(authority), err);
    if (!config) {
        return false;
    }
    bool blind =
        zca_config_get_boolean(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_BLIND_SIGN]);
    return kind != ZCA_TBS_UNKNOWN || blind ||
           zca_error_set(err, ZCA_ERR_POLICY,
                         "authority '%s' signs certificates, CRLs, OCSP responses and requests "
                         "that it can inspect, not bare digests or other data (option blind-sign)",
                         zca_authority_get_name(authority));
}

/* "sha256" for whatever OpenSSL calls it; NULL for keys that hash themselves. */
static bool wire_digest(EVP_PKEY *key, const char *digest, struct zca_buffer *out_name,
                        struct zca_error *err)
{
    const struct zca_signature_algorithm *row =
        zca_signature_algorithm_find(EVP_PKEY_get_base_id(key), digest);
    if (!row || !row->acceptable) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "the authority's key cannot sign with digest '%s'",
                             digest ? digest : "none");
    }
    for (const char *c = row->digest; c && *c; c++) {
        if (!zca_buffer_format(out_name, err, "%c", *c >= 'A' && *c <= 'Z' ? *c + 32 : *c)) {
            return false;
        }
    }
    return true;
}

static bool verify_signature(OSSL_LIB_CTX *context, EVP_PKEY *key, const char *digest,
                             struct zca_span tbs, struct zca_span signature)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
    return operation &&
           EVP_DigestVerifyInit_ex(operation, NULL, digest, context, NULL, key, NULL) == 1 &&
           EVP_DigestVerify(operation, signature.data, signature.len, tbs.data, tbs.len) == 1;
}

static bool ask_signature(struct zca_authority *authority, const struct zca_sign_request *request,
                          struct zca_buffer *out_signature, struct zca_error *err)
{
    struct zca_library *library = zca_authority_get_library(authority);
    const struct zca_remote *remote = zca_library_remote(library, err);
    struct zca_client *client = remote ? zca_authority_client(authority, err) : NULL;
    if (!client || !zca_library_network_begin(library, err)) {
        return false;
    }
    bool ok = remote->sign(client, request, out_signature, err);
    zca_library_network_end(library);
    return ok;
}

static bool make_request_id(OSSL_LIB_CTX *context, struct zca_buffer *out_id, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer random = {.len = 0};
    return zca_random(context, 16, &random, err) &&
           zca_hex_encode(zca_buffer_span(&random), '\0', out_id, err);
}

static bool sign_with(struct zca_authority *authority, X509 *issuer, const char *digest,
                      struct zca_sign_request *request, struct zca_buffer *out_signature,
                      struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer id = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer name = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer signature = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(zca_authority_get_library(authority), err);
    EVP_PKEY *key = context ? X509_get0_pubkey(issuer) : NULL;
    if (!key || !wire_digest(key, digest, &name, err) || !make_request_id(context, &id, err)) {
        return false;
    }
    request->request_id = (const char *)id.data;
    request->digest = (const char *)name.data; /* NULL when empty */
    if (!ask_signature(authority, request, &signature, err)) {
        return false;
    }
    if (!verify_signature(context, key, digest, request->tbs, zca_buffer_span(&signature))) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "authority '%s' returned a signature that its own certificate does "
                             "not verify; if the CA was renewed, run 'zca ca show --trust'",
                             zca_authority_get_name(authority));
    }
    zca_buffer_move(out_signature, &signature);
    return true;
}

bool zca_authority_sign(struct zca_authority *authority, const char *digest, struct zca_span tbs,
                        struct zca_buffer *out_signature, struct zca_error *err)
{
    struct zca_sign_request request = {.kind = zca_tbs_classify(tbs), .tbs = tbs};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    if (!check_kind(authority, request.kind, err) || !check_can_sign(authority, err) ||
        !zca_authority_certificates(authority, false, &certificates, err)) {
        return false;
    }
    return sign_with(authority, sk_X509_value(certificates, 0), digest, &request, out_signature,
                     err) ||
           zca_error_context(err, "signing with the key of authority '%s'",
                             zca_authority_get_name(authority));
}
