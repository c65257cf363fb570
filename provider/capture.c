/* SPDX-License-Identifier: Apache-2.0 */
/* Recognises and keeps CertificationRequestInfo (RFC 2986, 4.1). */
#include "provider/capture.h"

#include <string.h>

#include "base/tbs.h"
#include "core/identity.h"
#include "provider/error.h"

/* SEQUENCE { INTEGER 0, SEQUENCE ...: version and subject. A TBSCertificate goes on with [0] or another
 * integer, TLS signs text or random bytes. */
static const uint8_t version_and_name[] = {0x02, 0x01, 0x00, 0x30};

bool zca_capture_wanted(const struct zca_keydata *keydata, struct zca_span tbs)
{
    if (!keydata->uri || keydata->authority || tbs.len < 16 || tbs.data[0] != 0x30) {
        return false;
    }
    size_t header = tbs.data[1] < 0x80 ? 2 : 2 + (size_t)(tbs.data[1] & 0x7F);
    return header + sizeof(version_and_name) <= tbs.len &&
           memcmp(tbs.data + header, version_and_name, sizeof(version_and_name)) == 0;
}

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

void zca_capture_request(const struct zca_keydata *keydata, struct zca_span tbs,
                         struct zca_span algorithm, struct zca_span signature)
{
    struct zca_error err = {0};
    if (zca_tbs_classify(tbs) != ZCA_TBS_REQUEST) {
        return;
    }
    zca_library_enter(keydata->provider->library);
    if (!keep(keydata, tbs, algorithm, signature, &err)) {
        (void)zca_error_context(&err, "keeping the request of '%s' for its enrolment",
                                keydata->uri); /* returns false */
        zca_provider_warn(keydata->provider, &err);
    }
}
