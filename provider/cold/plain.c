/* SPDX-License-Identifier: Apache-2.0 */
/* An anonymous key belongs to the application: it is written as if zca were not there. */
#include "provider/cold/plain.h"

#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "provider/cold/error.h"
#include "provider/cold/overlay.h"

int zca_plain_encode(const struct zca_keydata *keydata, const struct zca_writing *writing)
{
    struct zca_functions functions = {0};
    if (!zca_overlay_encoder(keydata->provider, keydata->kind, writing->form, &functions)) {
        return 0;
    }
    OSSL_FUNC_encoder_set_ctx_params_fn *set =
        ZCA_ENCODER(set_ctx_params, SET_CTX_PARAMS, &functions);
    void *inner = ZCA_ENCODER(newctx, NEWCTX, &functions)(keydata->overlay->provctx);
    int encoded = inner && (!writing->params || !set || set(inner, writing->params)) &&
                  ZCA_ENCODER(encode, ENCODE, &functions)(inner, writing->out, keydata->inner, NULL,
                                                          writing->selection, writing->passphrase,
                                                          writing->passphrase_argument);
    if (inner) {
        ZCA_ENCODER(freectx, FREECTX, &functions)(inner);
    }
    return encoded;
}

/* One line in place of the private values, then the public ones. */
int zca_plain_encode_text(const struct zca_keydata *keydata, const struct zca_writing *writing)
{
    const struct zca_provider *provider = keydata->provider;
    const char *where = keydata->authority ? "at the authority" : "held by zca";
    zca_auto(text) char *line = NULL;
    struct zca_writing public = *writing;
    size_t written = 0;
    if (asprintf(&line, "Private-Key: %s, %s\n", where, keydata->uri) < 0) {
        line = NULL; /* undefined after a failure */
        return 0;
    }
    public.selection = OSSL_KEYMGMT_SELECT_PUBLIC_KEY | OSSL_KEYMGMT_SELECT_ALL_PARAMETERS;
    return provider->upcalls.bio_write_ex &&
           provider->upcalls.bio_write_ex(writing->out, line, strlen(line), &written) &&
           written == strlen(line) && zca_plain_encode(keydata, &public);
}
