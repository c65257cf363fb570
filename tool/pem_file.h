/* SPDX-License-Identifier: Apache-2.0 */
/* What a PEM file made for a server holds. */
#ifndef ZCA_TOOL_PEM_FILE_H
#define ZCA_TOOL_PEM_FILE_H

#include <sys/types.h>

#include "core/chain.h"
#include "core/reference.h"

struct zca_pem_file {
    mode_t mode;
    struct zca_reference reference; /* the first one; uri NULL: none */
    struct zca_chain *chain;        /* all certificates; NULL: none */
    bool has_plain_key;
    struct zca_buffer plain_key; /* DER of the first that is not encrypted; empty: none. Secret. */
};

/** zca_pem_file_read fills `out_file`, which the caller clears; unchanged on failure. A file without any
 * block is empty.
 * err   file errors; ZCA_ERR_INVALID: a block of the file cannot be read, or is a certificate that is none. */
ZCA_NODISCARD bool zca_pem_file_read(const char *path, struct zca_pem_file *out_file,
                                     struct zca_error *err);
void zca_pem_file_clear(struct zca_pem_file *file);
ZCA_DEFINE_AUTO_CLEAR(zca_pem_file, struct zca_pem_file, zca_pem_file_clear);

#endif
