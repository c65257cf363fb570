/* SPDX-License-Identifier: Apache-2.0 */
/* Each text names the way round, because the tool that shows it does not know one. */
#include "provider/cold/refusal.h"

#include "provider/cold/error.h"

struct refusal_row {
    const char *what;
    const char *why;
};

static const struct refusal_row rows[] = {
    [ZCA_REFUSE_EXPORT] =
        {"the private key of",
                             "does not leave; 'openssl pkey -in URI -out FILE' writes a PEM file that stands for "
         "it"                                                                                                               },
    [ZCA_REFUSE_DECRYPT] =
        {"the key of",         "is at the authority and only signs; decrypt with the key of an identity"},
    [ZCA_REFUSE_DERIVE] =
        {"the key of",         "is at the authority and only signs; derive with the key of an identity" },
};

int zca_refusal_report(const struct zca_keydata *keydata, enum zca_refusal refusal)
{
    struct zca_error err = {0};
    (void)zca_error_set(&err, ZCA_ERR_UNSUPPORTED, "%s '%s' %s", rows[refusal].what, keydata->uri,
                        rows[refusal].why); /* reported next */
    return ZCA_FAIL(keydata->provider, &err);
}
