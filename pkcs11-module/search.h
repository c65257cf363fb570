/* SPDX-License-Identifier: Apache-2.0 */
/* What a C_FindObjectsInit asks for, read out of its template once. */
#ifndef ZCA_PKCS11_MODULE_SEARCH_H
#define ZCA_PKCS11_MODULE_SEARCH_H

#include "base/buffer.h"
#include "pkcs11-module/template.h"

struct zca_search {
    struct zca_template template; /* borrowed */
    bool has_class;
    CK_OBJECT_CLASS class;
    bool has_id; /* CKA_ID */
    struct zca_span id;
    bool names_one; /* CKA_ID or CKA_UNIQUE_ID: older generations match, too */
    bool
        is_open; /* zca_token_is_open when it began: private objects are seen, and a certificate may be requested */
};

#endif
