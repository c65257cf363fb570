/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URIs of arbitrary text, of both schemes. What is accepted names only what may be a file name, and its canonical
 * form is read as the same; what is refused has a reason and a message.
 */
#include <string.h>

#include "base/buffer.h"
#include "core/library.h"
#include "core/pkcs11_uri.h"
#include "core/uri.h"
#include "tests/fuzz/demand.h"

static bool same_text(const char *left, const char *right)
{
    return left && right ? strcmp(left, right) == 0 : left == right;
}

static void check_canonical(const struct zca_uri *uri)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *text = zca_uri_format(uri, &err);
    demand(text);
    zca_auto(zca_uri) struct zca_uri *again = zca_uri_parse(text, &err);
    demand(again && same_text(again->authority, uri->authority) &&
           same_text(again->name, uri->name));
    zca_auto(text) char *text_again = zca_uri_format(again, &err);
    demand(same_text(text, text_again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    demand(zca_buffer_append(&text, zca_span_of(data, len), &err));
    if (memchr(text.data, 0, len)) {
        return 0;
    }
    bool is_pkcs11 = zca_pkcs11_uri_is((const char *)text.data);
    zca_auto(zca_uri) struct zca_uri *uri =
        is_pkcs11 ? zca_pkcs11_uri_parse((const char *)text.data, &err)
                  : zca_uri_parse((const char *)text.data, &err);
    if (!uri) {
        demand(err.reason == ZCA_ERR_INVALID && err.message[0] != '\0');
        return 0;
    }
    demand(len <= 2048);
    demand(!is_pkcs11 || (uri->name && uri->type <= ZCA_URI_CERT));
    demand(!uri->authority || zca_name_valid(uri->authority));
    demand(!uri->name || zca_name_valid(uri->name));
    demand(uri->ttl_s >= 0 && uri->ttl_s <= 315360000);
    demand(uri->wait_s >= -1 && uri->wait_s <= 600);
    demand(uri->type <= ZCA_URI_CRL);
    check_canonical(uri);
    return 0;
}
