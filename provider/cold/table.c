/* SPDX-License-Identifier: Apache-2.0 */
/* The table of zca-core.so. */
#include "base/gate.h"
#include "provider/cold.h"
#include "provider/cold/capture.h"
#include "provider/cold/early.h"
#include "provider/cold/loan.h"
#include "provider/cold/new_key.h"
#include "provider/cold/overlay.h"
#include "provider/cold/parameters.h"
#include "provider/cold/plain.h"
#include "provider/cold/reference.h"
#include "provider/cold/refusal.h"
#include "provider/cold/remote_signature.h"
#include "provider/cold/store.h"

/* Before anybody has the table: reports nothing. Of threads that come together the first one's library stays. */
static bool begin(struct zca_provider *provider)
{
    struct zca_library *none = NULL;
    struct zca_library *library = zca_parameters_library(provider);
    if (library && !atomic_compare_exchange_strong(&provider->library, &none, library)) {
        zca_library_free(library);
    }
    return library;
}

static void end(struct zca_provider *provider)
{
    zca_overlay_free(atomic_load(&provider->overlay));
    zca_library_free(provider->library);
    if (provider->borrowed) { /* last: keys are made of its functions */
        (void)provider->upcalls.provider_free((const OSSL_CORE_HANDLE *)provider->borrowed,
                                              0); /* is true */
    }
}

static const struct zca_cold table = {
    .abi = ZCA_COLD_ABI,
    .version = ZCA_VERSION,
    .begin = begin,
    .end = end,
    .load_early = zca_early_load,
    .overlay_get = zca_overlay_make,
    .gate_enter = zca_gate_enter,
    .gate_leave = zca_gate_leave,
    .identity_key_ref = zca_key_ref,
    .identity_key_free = zca_key_free,
    .key_load = zca_loan_take,
    .key_decode = zca_reference_decode,
    .key_encode = zca_reference_encode,
    .key_encode_plain = zca_plain_encode,
    .key_encode_text = zca_plain_encode_text,
    .refuse = zca_refusal_report,
    .new_key_set = zca_new_key_set,
    .new_key_named = zca_new_key_named,
    .new_key_make = zca_new_key_make,
    .new_key_free = zca_new_key_free,
    .capture = zca_capture_request,
    .remote_new = zca_remote_signature_new,
    .remote_dup = zca_remote_signature_dup,
    .remote_free = zca_remote_signature_free,
    .remote_update = zca_remote_signature_update,
    .remote_sign = zca_remote_signature_sign,
    .remote_allows = zca_remote_signature_allows,
    .store_open = zca_store_open,
    .store_set_params = zca_store_set_params,
    .store_load = zca_store_load,
    .store_eof = zca_store_eof,
    .store_close = zca_store_close,
};

ZCA_EXPORT const struct zca_cold *zca_cold_table(void)
{
    return &table;
}
