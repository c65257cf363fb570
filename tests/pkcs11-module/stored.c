/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pkcs11-module/stored.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static CK_BBOOL yes = CK_TRUE;

bool stored_process(struct scene *scene, bool (*step)(const void *argument), const void *argument)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool ok = bed_initialise(scene) == CKR_OK && step(argument);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ---- sessions ---- */

/* The only token of its model. */
static CK_SLOT_ID find_slot(CK_TOKEN_INFO *out_info)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = ZCA_COUNT(slots);
    if (C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return CK_UNAVAILABLE_INFORMATION;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        if (C_GetTokenInfo(slots[i], out_info) == CKR_OK &&
            memcmp(out_info->model, "zca scratch     ", sizeof(out_info->model)) == 0) {
            return slots[i];
        }
    }
    return CK_UNAVAILABLE_INFORMATION;
}

CK_FLAGS stored_flags(void)
{
    CK_TOKEN_INFO info = {0};
    (void)find_slot(&info); /* without one there are no flags */
    return info.flags;
}

CK_RV stored_init(const char *so_pin, const char *label)
{
    CK_TOKEN_INFO info;
    CK_UTF8CHAR padded[32];
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, label, strlen(label));
    return C_InitToken(find_slot(&info), (CK_UTF8CHAR *)so_pin, strlen(so_pin), padded);
}

CK_SESSION_HANDLE stored_session(CK_FLAGS flags)
{
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session = 0;
    CK_RV rv = C_OpenSession(find_slot(&info), CKF_SERIAL_SESSION | flags, NULL, NULL, &session);
    return rv == CKR_OK ? session : 0;
}

CK_SESSION_HANDLE stored_login(const char *pin)
{
    CK_SESSION_HANDLE session = stored_session(CKF_RW_SESSION);
    CK_RV rv = session ? C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin))
                       : CKR_SESSION_HANDLE_INVALID;
    return rv == CKR_OK ? session : 0;
}

/* ---- objects ---- */

CK_OBJECT_HANDLE stored_data(CK_SESSION_HANDLE session, const char *label, bool is_private)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BBOOL private = is_private ? CK_TRUE : CK_FALSE;
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,   &class,        sizeof(class)  },
        {CKA_TOKEN,   &yes,          sizeof(yes)    },
        {CKA_PRIVATE, &private,      sizeof(private)},
        {CKA_LABEL,   (void *)label, strlen(label)  },
        {CKA_VALUE,   (void *)label, strlen(label)  },
    };
    CK_RV rv = C_CreateObject(session, attributes, ZCA_COUNT(attributes), &object);
    return rv == CKR_OK ? object : 0;
}

static size_t find(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG count,
                   CK_OBJECT_HANDLE *out_first)
{
    size_t num_found = 0;
    CK_ULONG num_now = 0;
    CK_OBJECT_HANDLE handles[64];
    *out_first = 0;
    if (C_FindObjectsInit(session, attributes, count) != CKR_OK) {
        return 0;
    }
    do {
        CK_RV rv = C_FindObjects(session, handles, ZCA_COUNT(handles), &num_now);
        num_now = rv == CKR_OK ? num_now : 0;
        *out_first = num_found == 0 && num_now != 0 ? handles[0] : *out_first;
        num_found += num_now;
    } while (num_now != 0);
    return C_FindObjectsFinal(session) == CKR_OK ? num_found : 0;
}

size_t stored_count(CK_SESSION_HANDLE session, const char *label)
{
    CK_OBJECT_HANDLE first = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_TOKEN, &yes,          sizeof(yes)              },
        {CKA_LABEL, (void *)label, label ? strlen(label) : 0},
    };
    return find(session, attributes, label ? 2 : 1, &first);
}

CK_OBJECT_HANDLE stored_find(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, const char *label)
{
    CK_OBJECT_HANDLE first = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class,        sizeof(class)},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    return find(session, attributes, 2, &first) != 0 ? first : 0;
}

CK_RV stored_set_label(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, const char *label)
{
    CK_ATTRIBUTE attribute = {CKA_LABEL, (void *)label, strlen(label)};
    return C_SetAttributeValue(session, object, &attribute, 1);
}

/* ---- keys ---- */

static CK_ULONG bits = 2048;
static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct {
    CK_MECHANISM_TYPE generation;
    CK_ATTRIBUTE attribute;
} key_rows[] = {
    {CKM_EC_KEY_PAIR_GEN,         {CKA_EC_PARAMS, p256, sizeof(p256)}      },
    {CKM_RSA_PKCS_KEY_PAIR_GEN,   {CKA_MODULUS_BITS, &bits, sizeof(bits)}  },
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, {CKA_EC_PARAMS, ed25519, sizeof(ed25519)}},
};

bool stored_pair(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE generation, const char *label,
                 bool is_private)
{
    CK_BBOOL private = is_private ? CK_TRUE : CK_FALSE;
    CK_MECHANISM mechanism = {.mechanism = generation};
    CK_OBJECT_HANDLE handles[2];
    CK_ATTRIBUTE private_part[] = {
        {CKA_TOKEN,   &yes,          sizeof(yes)    },
        {CKA_LABEL,   (void *)label, strlen(label)  },
        {CKA_SIGN,    &yes,          sizeof(yes)    },
        {CKA_PRIVATE, &private,      sizeof(private)},
    };
    for (size_t i = 0; i < ZCA_COUNT(key_rows); i++) {
        CK_ATTRIBUTE public_part[] = {
            {CKA_TOKEN,  &yes,          sizeof(yes)  },
            {CKA_LABEL,  (void *)label, strlen(label)},
            {CKA_VERIFY, &yes,          sizeof(yes)  },
            key_rows[i].attribute,
        };
        if (key_rows[i].generation == generation) {
            return C_GenerateKeyPair(session, &mechanism, public_part, ZCA_COUNT(public_part),
                                     private_part, ZCA_COUNT(private_part), &handles[0],
                                     &handles[1]) == CKR_OK;
        }
    }
    return false;
}

bool stored_pair_works(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, const char *label)
{
    uint8_t data[32] = "thirty-two bytes to be signed..";
    uint8_t signature[512];
    CK_ULONG len = sizeof(signature);
    CK_MECHANISM given = {.mechanism = mechanism};
    CK_OBJECT_HANDLE private_key = stored_find(session, CKO_PRIVATE_KEY, label);
    CK_OBJECT_HANDLE public_key = stored_find(session, CKO_PUBLIC_KEY, label);
    return C_SignInit(session, &given, private_key) == CKR_OK &&
           C_Sign(session, data, sizeof(data), signature, &len) == CKR_OK &&
           C_VerifyInit(session, &given, public_key) == CKR_OK &&
           C_Verify(session, data, sizeof(data), signature, len) == CKR_OK;
}
