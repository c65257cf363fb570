/* SPDX-License-Identifier: Apache-2.0 */
/* The end of operations. */
#include "pkcs11-module/operation.h"

void zca_operation_end(struct zca_operation *operation)
{
    operation->mechanism = NULL;
    operation->is_multipart = operation->is_one_shot = false;
    zca_buffer_clear(&operation->message);
}

void zca_operation_drop_context(struct zca_operation *operation)
{
    EVP_PKEY_CTX_free(zca_steal(operation->context));
}

void zca_operation_forget(struct zca_operation *operation)
{
    zca_operation_drop_context(operation);
    zca_object_free(zca_steal(operation->key));
}

void zca_operation_clear(struct zca_operation *operation)
{
    zca_operation_end(operation);
    zca_operation_forget(operation);
    EVP_MD_CTX_free(zca_steal(operation->digest));
    operation->digest_name = NULL;
}
