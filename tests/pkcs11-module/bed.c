/* SPDX-License-Identifier: Apache-2.0 */
/* The module in a test's own directory. */
#include "tests/pkcs11-module/bed.h"

#include <stdio.h>
#include <string.h>

int bed_setup(void **state)
{
    return scene_setup(state);
}

int bed_teardown(void **state)
{
    (void)C_Finalize(NULL); /* some tests have done it */
    return scene_teardown(state);
}

void bed_configure(struct scene *scene, const char *lines, const char *dialect,
                   const char *sections)
{
    zca_auto(text) char *text = NULL;
    assert_true(asprintf(&text,
                         "[zca]\nstate-dir = %s/state\nruntime-dir = %s/run\n"
                         "remote-library = %s\nremote-timeout = 5s\nlog = none\n" ZCA_BED_LINE
                         "\n%s\n"
                         "[authority corp]\nurl = https://127.0.0.1:1\ndialect = %s\n%s",
                         scene->directory, scene->directory, ZCA_FAKE_REMOTE, lines, dialect,
                         sections) > 0);
    scene_write(scene, "zca.conf", text);
}

CK_RV bed_initialise(struct scene *scene)
{
    zca_auto(text) char *config = NULL;
    assert_true(asprintf(&config, "config=%s/zca.conf", scene->directory) > 0);
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = config};
    return C_Initialize(&arguments);
}

void bed_start(struct scene *scene)
{
    bed_configure(scene, "scratch-token = yes\n", "plain", "[identity web]\n");
    scene_plan(scene, "submit: ok\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
}

CK_SLOT_ID bed_slot(const char *label)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = ZCA_COUNT(slots);
    assert_int_equal(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        assert_int_equal(C_GetTokenInfo(slots[i], &info), CKR_OK);
        size_t len = strlen(label);
        if (memcmp(info.label, label, len) == 0 &&
            (len == sizeof(info.label) || info.label[len] == ' ')) {
            return slots[i];
        }
    }
    fail_msg("no token '%s'", label);
    return 0;
}

CK_SESSION_HANDLE bed_open(const char *label, CK_FLAGS flags)
{
    CK_SESSION_HANDLE session = 0;
    assert_int_equal(
        C_OpenSession(bed_slot(label), CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
    return session;
}

static void login(CK_SESSION_HANDLE session, CK_USER_TYPE user, const char *pin)
{
    assert_int_equal(C_Login(session, user, (CK_UTF8CHAR *)pin, strlen(pin)), CKR_OK);
}

CK_SESSION_HANDLE bed_scratch(void)
{
    CK_UTF8CHAR label[32];
    memset(label, ' ', sizeof(label));
    memcpy(label, "scratch", strlen("scratch"));
    assert_int_equal(
        C_InitToken(bed_slot("zca scratch"), (CK_UTF8CHAR *)BED_SO_PIN, strlen(BED_SO_PIN), label),
        CKR_OK);
    CK_SESSION_HANDLE session = bed_open("scratch", CKF_RW_SESSION);
    login(session, CKU_SO, BED_SO_PIN);
    assert_int_equal(C_InitPIN(session, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN)), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    login(session, CKU_USER, BED_PIN);
    return session;
}

size_t bed_find(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                CK_OBJECT_HANDLE *out_handles, size_t max)
{
    size_t num_found = 0;
    CK_ULONG num_now = 0;
    assert_int_equal(C_FindObjectsInit(session, (CK_ATTRIBUTE *)attributes, count), CKR_OK);
    do {
        CK_OBJECT_HANDLE handle = 0;
        assert_int_equal(C_FindObjects(session, &handle, 1, &num_now), CKR_OK);
        if (num_now == 1 && num_found < max) {
            out_handles[num_found] = handle;
        }
        num_found += num_now;
    } while (num_now == 1);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
    return num_found;
}

CK_RV bed_look(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_ULONG *out_count)
{
    CK_OBJECT_HANDLE handles[8];
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class,        sizeof(class)},
        {CKA_LABEL, (void *)"web", 3            },
    };
    *out_count = 0;
    CK_RV rv = C_FindObjectsInit(session, attributes, ZCA_COUNT(attributes));
    if (rv != CKR_OK) {
        return rv;
    }
    rv = C_FindObjects(session, handles, ZCA_COUNT(handles), out_count);
    CK_RV ended = C_FindObjectsFinal(session);
    return rv == CKR_OK ? ended : rv;
}

CK_OBJECT_HANDLE bed_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    CK_OBJECT_HANDLE handle = 0;
    const CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &class, sizeof(class)}
    };
    assert_int_equal(bed_find(session, attributes, 1, &handle, 1), 1);
    return handle;
}

/* ---- keys ---- */

static CK_BBOOL yes = CK_TRUE;
static CK_ULONG bits = 2048;
static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static uint8_t ed25519[] = {0x06, 0x03, 0x2b, 0x65, 0x70};

static const struct {
    CK_MECHANISM_TYPE mechanism;
    CK_ATTRIBUTE attribute;
} key_rows[] = {
    {CKM_EC_KEY_PAIR_GEN,         {CKA_EC_PARAMS, p256, sizeof(p256)}      },
    {CKM_RSA_PKCS_KEY_PAIR_GEN,   {CKA_MODULUS_BITS, &bits, sizeof(bits)}  },
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, {CKA_EC_PARAMS, ed25519, sizeof(ed25519)}},
};

void bed_generate(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, bool is_token,
                  CK_OBJECT_HANDLE *out_public, CK_OBJECT_HANDLE *out_private)
{
    CK_BBOOL token = is_token ? CK_TRUE : CK_FALSE;
    CK_MECHANISM given = {.mechanism = mechanism};
    for (size_t i = 0; i < ZCA_COUNT(key_rows); i++) {
        if (key_rows[i].mechanism == mechanism) {
            CK_ATTRIBUTE public_part[] = {
                key_rows[i].attribute,
                {CKA_VERIFY, &yes,   sizeof(yes)  },
                {CKA_TOKEN,  &token, sizeof(token)},
            };
            CK_ATTRIBUTE private_part[] = {
                {CKA_SIGN,  &yes,   sizeof(yes)  },
                {CKA_TOKEN, &token, sizeof(token)},
            };
            assert_int_equal(C_GenerateKeyPair(session, &given, public_part, ZCA_COUNT(public_part),
                                               private_part, ZCA_COUNT(private_part), out_public,
                                               out_private),
                             CKR_OK);
            return;
        }
    }
    fail_msg("no key pair mechanism 0x%lx", mechanism);
}

void bed_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
               struct zca_buffer *out_value)
{
    CK_ATTRIBUTE attribute = {.type = type};
    size_t before = out_value->len;
    assert_int_equal(C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    assert_true(zca_buffer_resize(out_value, before + attribute.ulValueLen, NULL));
    attribute.pValue = out_value->data + before;
    assert_int_equal(C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
}

EVP_PKEY *bed_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    bed_value(session, object, CKA_PUBLIC_KEY_INFO, &der);
    const uint8_t *at = der.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)der.len);
    assert_non_null(key);
    return key;
}
