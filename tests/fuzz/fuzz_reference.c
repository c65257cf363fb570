/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key references of arbitrary bytes. What is accepted is written and read as the same; what is
 * refused has a reason and leaves nothing behind.
 */
#include <string.h>

#include <openssl/err.h>

#include "core/reference.h"
#include "core/uri.h"
#include "tests/fuzz/demand.h"

static bool same_bytes(const struct zca_buffer *left, const struct zca_buffer *right)
{
    return zca_span_equal(zca_buffer_span(left), zca_buffer_span(right));
}

static void check_again(const struct zca_reference *reference)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    zca_auto(zca_reference) struct zca_reference again = {.uri = NULL};
    demand(zca_reference_format(reference, &der, &err));
    demand(zca_reference_parse(zca_buffer_span(&der), &again, &err));
    demand(strcmp(again.uri, reference->uri) == 0);
    demand(same_bytes(&again.public_key, &reference->public_key));
    demand(same_bytes(&again.sealed, &reference->sealed));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    bool ok = zca_reference_parse(zca_span_of(data, len), &reference, &err);
    demand(ERR_peek_error() == 0);
    if (!ok) {
        demand(err.reason == ZCA_ERR_INVALID && err.message[0] != '\0');
        demand(!reference.uri && !reference.public_key.data && !reference.sealed.data);
        return 0;
    }
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(reference.uri, &err);
    demand(uri && !uri->csr_file && !uri->offline && uri->type == ZCA_URI_ANY);
    check_again(&reference);
    return 0;
}
