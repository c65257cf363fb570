/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises and keeps CertificationRequestInfo (RFC 2986, 4.1). */
#include "provider/cold/capture.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/tbs.h"
#include "core/identity.h"
#include "provider/cold/error.h"

static bool keep(const struct zca_keydata *keydata, struct zca_span tbs, struct zca_span algorithm,
                 struct zca_span signature, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(keydata->uri, err);
    zca_auto(zca_identity) struct zca_identity *identity =
        uri ? zca_identity_open(keydata->provider->library, uri, err) : NULL;
    return identity && zca_tbs_complete(tbs, algorithm, signature, &der, err) &&
           zca_identity_capture(identity, zca_buffer_span(&der), err);
}

/* The DER of the AlgorithmIdentifier that goes with the signature. */
static bool read_algorithm(const struct zca_signed *finished, struct zca_buffer *out_der,
                           struct zca_error *err)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
        OSSL_PARAM_construct_end()};
    if (!finished->get_params(finished->context, params)) { /* tells the size */
        return zca_error_set_crypto(err, "asking for the signature's algorithm");
    }
    if (!zca_buffer_resize(out_der, params[0].return_size, err)) {
        return false;
    }
    params[0].data = out_der->data;
    params[0].data_size = out_der->len;
    return finished->get_params(finished->context, params) ||
           zca_error_set_crypto(err, "asking for the signature's algorithm");
}

void zca_capture_request(const struct zca_keydata *keydata, const struct zca_signed *finished)
{
    struct zca_span tbs = zca_span_of(finished->tbs, finished->tbs_len);
    if (!zca_tbs_is_request(tbs)) {
        return;
    }
    zca_auto(errno) int saved_errno = errno;
    zca_auto(zca_buffer) struct zca_buffer algorithm = {0};
    struct zca_error err = {0};
    zca_library_enter(keydata->provider->library);
    if (!read_algorithm(finished, &algorithm, &err) ||
        !keep(keydata, tbs, zca_buffer_span(&algorithm),
              zca_span_of(finished->signature, finished->signature_len), &err)) {
        (void)zca_error_context(&err, "keeping the request of '%s' for its enrolment",
                                keydata->uri); /* returns false */
        zca_provider_warn(keydata->provider, &err);
    }
}
