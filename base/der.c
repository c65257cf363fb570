/* SPDX-License-Identifier: Apache-2.0 */
#include "base/der.h"

#include <limits.h>

#include <openssl/asn1.h>

bool zca_der_take(struct zca_span *rest, struct zca_der_element *out_element)
{
    const unsigned char *cursor = rest->data;
    long len = 0;
    int tag = 0;
    int class = 0;
    if (rest->len == 0 || rest->len > LONG_MAX) {
        return false;
    }
    int flags = ASN1_get_object(&cursor, &len, &tag, &class, (long)rest->len);
    if ((flags & 0x80) != 0 || (flags & 1) != 0) { /* broken, or without a length */
        return false;
    }
    size_t whole_len = (size_t)(cursor - rest->data) + (size_t)len;
    out_element->whole = zca_span_of(rest->data, whole_len);
    out_element->content = zca_span_of(cursor, (size_t)len);
    out_element->tag = class == V_ASN1_UNIVERSAL ? tag : -1;
    *rest = zca_span_of(rest->data + whole_len, rest->len - whole_len);
    return true;
}

bool zca_der_take_of(struct zca_span *rest, int tag, struct zca_der_element *out_element)
{
    struct zca_span behind = *rest;
    struct zca_der_element element;
    if (!zca_der_take(&behind, &element) || element.tag != tag) {
        return false;
    }
    *out_element = element;
    *rest = behind;
    return true;
}
