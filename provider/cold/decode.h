/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reference being decoded in this thread. libcrypto takes the errors of the loads within out of its queue, so the
 * decoder reports them itself.
 */
#ifndef ZCA_PROVIDER_COLD_DECODE_H
#define ZCA_PROVIDER_COLD_DECODE_H

#include "base/error.h"

/* Read through the file store, a block is decoded within a decode. */
struct zca_decode {
    struct zca_decode *outer;
    struct zca_error failure; /* of a load within */
};

/** zca_decode_begin makes `decode`, which is zero, the innermost one of this thread; zca_decode_end undoes it. */
void zca_decode_begin(struct zca_decode *decode);
void zca_decode_end(const struct zca_decode *decode);

/** zca_decode_fail keeps the failure of a load in the innermost decode. False: there is none. */
bool zca_decode_fail(const struct zca_error *err);

/** zca_decode_failed tells whether the innermost decode keeps a failure; there is one. */
bool zca_decode_failed(void);

#endif
