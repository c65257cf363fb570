/* SPDX-License-Identifier: Apache-2.0 */
/* The request that a user's own tool made: one DER file, kept until it is answered. */
#include "core/captured.h"

#include "base/file.h"
#include "base/log.h"
#include "base/openssl_auto.h"
#include "base/pem.h"

static const size_t max_request = 64 * 1024;

bool zca_captured_load(struct zca_identity *identity, struct zca_buffer *out_der,
                       struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer bytes = {.len = 0};
    zca_auto(text) char *path = zca_identity_order_path(identity, ".csr", err);
    OSSL_LIB_CTX *context = NULL;
    if (!path) {
        return false;
    }
    if (!zca_file_load(path, max_request, &bytes, NULL, &failure)) {
        return failure.reason == ZCA_ERR_NOT_FOUND ||
               zca_error_set(err, failure.reason, "captured request: %s", failure.message);
    }
    context = zca_library_context(zca_identity_get_library(identity), err);
    zca_auto(X509_REQ) X509_REQ *csr =
        context ? zca_pem_parse_request(context, zca_buffer_span(&bytes), err) : NULL;
    if (context && !csr) {
        zca_log(ZCA_LOG_DEBUG, "the captured request '%s' is damaged and dropped", path);
        return zca_file_remove(path, err);
    }
    return csr && zca_der_request(csr, out_der, err);
}

bool zca_captured_drop(struct zca_identity *identity, struct zca_error *err)
{
    zca_auto(text) char *path = zca_identity_order_path(identity, ".csr", err);
    return path && zca_file_remove(path, err);
}

bool zca_captured_drop_known(struct zca_identity *identity, struct zca_span request,
                             struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer captured = {.len = 0};
    if (!zca_captured_load(identity, &captured, NULL)) {
        return true; /* not readable, and so a matter of its reader */
    }
    return captured.len == 0 || !zca_span_equal(zca_buffer_span(&captured), request) ||
           zca_captured_drop(identity, err);
}
