/* SPDX-License-Identifier: Apache-2.0 */
/* Walking DER (X.690) without decoding it: one element after the other, each within the one around it. */
#ifndef ZCA_BASE_DER_H
#define ZCA_BASE_DER_H

#include <stdbool.h>

#include "base/buffer.h"

struct zca_der_element {
    struct zca_span whole;   /* with tag and length; borrowed */
    struct zca_span content; /* without */
    int tag;                 /* V_ASN1_...; -1: not of the universal class */
};

/** zca_der_take takes the element at the front of `rest`, which then begins behind it. False, and both
 * unchanged, where there is none or it does not fit; libcrypto's error queue then has an entry. */
bool zca_der_take(struct zca_span *rest, struct zca_der_element *out_element);

/** zca_der_take_of is zca_der_take for an element that must have `tag`. */
bool zca_der_take_of(struct zca_span *rest, int tag, struct zca_der_element *out_element);

#endif
