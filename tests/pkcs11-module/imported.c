/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of standards' examples. */
#include "tests/pkcs11-module/imported.h"

#include <string.h>

void imported_bytes(const char *digits, struct zca_buffer *out_bytes)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_hex_decode(zca_span_text(digits), out_bytes, &err), err);
}

static CK_OBJECT_HANDLE create(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                               CK_ATTRIBUTE_TYPE permission, CK_KEY_TYPE type, CK_ATTRIBUTE curve,
                               struct zca_buffer *value)
{
    CK_BBOOL yes = CK_TRUE;
    CK_OBJECT_HANDLE handle = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,                                           &class,      sizeof(class)},
        {CKA_KEY_TYPE,                                        &type,       sizeof(type) },
        {permission,                                          &yes,        sizeof(yes)  },
        {class == CKO_PRIVATE_KEY ? CKA_VALUE : CKA_EC_POINT, value->data, value->len   },
        curve,
    };
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &handle), CKR_OK);
    return handle;
}

CK_OBJECT_HANDLE imported_p256(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                               CK_ATTRIBUTE_TYPE permission, const char *digits)
{
    static uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    zca_auto(zca_buffer) struct zca_buffer value = {0};
    if (class == CKO_PUBLIC_KEY) {
        imported_bytes("0441", &value); /* an OCTET STRING */
    }
    imported_bytes(digits, &value);
    return create(session, class, permission, CKK_EC,
                  (CK_ATTRIBUTE){CKA_EC_PARAMS, curve, sizeof(curve)}, &value);
}

CK_OBJECT_HANDLE imported_ed25519(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                                  CK_ATTRIBUTE_TYPE permission, const char *digits)
{
    static uint8_t curve[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
    zca_auto(zca_buffer) struct zca_buffer value = {0};
    imported_bytes(digits, &value);
    return create(session, class, permission, CKK_EC_EDWARDS,
                  (CK_ATTRIBUTE){CKA_EC_PARAMS, curve, sizeof(curve)}, &value);
}
