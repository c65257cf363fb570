/* SPDX-License-Identifier: Apache-2.0 */
/* Each text names the way round, because the tool that shows it does not know one. */
#include "provider/cold/refusal.h"

#include "provider/cold/error.h"

struct refusal_row {
    const char *what;
    const char *way; /* goes on with the URI */
    const char *end;
};

static const struct refusal_row rows[] = {
    [ZCA_REFUSE_EXPORT] = {"the private key does not leave",
                           "a PEM file that stands for it is written by 'openssl pkey -in ", " -out FILE'"},
    [ZCA_REFUSE_DECRYPT] = {"the key is at the authority and only signs",
                           "decrypt with the key of an identity, not of ",                   ""           },
    [ZCA_REFUSE_DERIVE] = {"the key is at the authority and only signs",
                           "derive with the key of an identity, not of ",                    ""           },
};

int zca_refusal_report(const struct zca_keydata *keydata, enum zca_refusal refusal)
{
    const struct refusal_row *row = &rows[refusal];
    struct zca_error err = {0};
    (void)zca_error_set(&err, ZCA_ERR_UNSUPPORTED, "%s; %s%s%s", row->what, row->way, keydata->uri,
                        row->end); /* reported next */
    return ZCA_FAIL(keydata->provider, &err);
}
