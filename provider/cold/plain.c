/* SPDX-License-Identifier: Apache-2.0 */
/* An anonymous key belongs to the application: it is written as if zca were not there. */
#include "provider/cold/plain.h"

#include "provider/cold/overlay.h"

int zca_plain_encode(const struct zca_keydata *keydata, const struct zca_writing *writing)
{
    struct zca_functions functions = {0};
    if (!zca_overlay_encoder(keydata->provider, keydata->kind, writing->structure, &functions)) {
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
