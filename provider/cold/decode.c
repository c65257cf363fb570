/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/cold/decode.h"

static _Thread_local struct zca_decode *innermost;

void zca_decode_begin(struct zca_decode *decode)
{
    decode->outer = innermost;
    innermost = decode;
}

void zca_decode_end(const struct zca_decode *decode)
{
    innermost = decode->outer;
}

bool zca_decode_fail(const struct zca_error *err)
{
    if (innermost) {
        innermost->failure = *err;
    }
    return innermost;
}

bool zca_decode_failed(void)
{
    return innermost->failure.reason != ZCA_ERR_NONE;
}
