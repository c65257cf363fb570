/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates and mechanisms of arbitrary bytes, in calls of the PKCS#11 module: an input is a list of steps on one
 * session of an identity's token. Values are exactly as long as they say, NULL, or said to be huge. A search that began
 * ends, an attribute that was given has a length, and no error is left in OpenSSL's queue.
 */
#include <ftw.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include "base/file.h"
#include "pkcs11-module/cryptoki.h"
#include "tests/fuzz/demand.h"

#define MAX_ATTRIBUTES 12
#define MAX_OBJECTS 8
#define MAX_RAW 32 /* parameters of bytes are shorter than structures that hold pointers */
#define HUGE_ROOM 65536

struct feed {
    const uint8_t *at;
    size_t left;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE objects[MAX_OBJECTS];
    size_t num_objects;
};

struct template
{
    CK_ATTRIBUTE attributes[MAX_ATTRIBUTES];
    void *values[MAX_ATTRIBUTES];
    CK_ULONG count;
};

struct mechanism {
    CK_MECHANISM given;
    CK_RSA_PKCS_OAEP_PARAMS oaep;
    CK_ECDH1_DERIVE_PARAMS ecdh;
    struct template parts; /* its first value is the parameter's */
};

static char directory[] = "/tmp/zca-fuzz-XXXXXX";
static uint8_t huge_value[HUGE_ROOM];
static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static const CK_ATTRIBUTE_TYPE types[] = {
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_LABEL,
    CKA_VALUE,
    CKA_CERTIFICATE_TYPE,
    CKA_ISSUER,
    CKA_SUBJECT,
    CKA_KEY_TYPE,
    CKA_ID,
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_SIGN,
    CKA_VERIFY,
    CKA_DERIVE,
    CKA_MODULUS,
    CKA_PRIME_1,
    CKA_VALUE_LEN,
    CKA_EXTRACTABLE,
    CKA_EC_POINT,
    CKA_EC_PARAMS,
    CKA_MODULUS_BITS,
    CKA_LOCAL,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_OBJECT_ID,
    CKA_MODIFIABLE,
    CKA_PUBLIC_EXPONENT,
    CKA_APPLICATION,
    CKA_SERIAL_NUMBER,
    CKA_PRIVATE_EXPONENT,
    CKA_PUBLIC_KEY_INFO,
    CKA_ALLOWED_MECHANISMS,
    CKA_ALWAYS_AUTHENTICATE,
};

static const CK_MECHANISM_TYPE mechanisms[] = {
    CKM_ECDSA,           CKM_ECDSA_SHA256,    CKM_EDDSA,         CKM_ECDH1_DERIVE,
    CKM_RSA_PKCS,        CKM_RSA_PKCS_PSS,    CKM_RSA_PKCS_OAEP, CKM_SHA256_RSA_PKCS_PSS,
    CKM_EC_KEY_PAIR_GEN, CKM_SHA256_RSA_PKCS, CKM_AES_KEY_GEN,   CKM_EC_EDWARDS_KEY_PAIR_GEN,
};

/* ---- the module, once ---- */

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void stop_module(void)
{
    (void)C_Finalize(NULL);
    (void)nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static CK_SLOT_ID start_module(void)
{
    zca_auto(text) char *path = NULL;
    zca_auto(text) char *argument = NULL;
    zca_auto(text) char *text = NULL;
    demand(mkdtemp(directory) && atexit(stop_module) == 0);
    demand(asprintf(&path, "%s/zca.conf", directory) > 0 &&
           asprintf(&argument, "config=%s", path) > 0 &&
           asprintf(&text,
                    "[zca]\nstate-dir = %s/state\nruntime-dir = %s/run\nremote = off\n"
                    "log = none\nsecure-memory = 0\n"
                    "[authority corp]\nurl = https://127.0.0.1:1\ndialect = orgca\n"
                    "[identity web]\n",
                    directory, directory) > 0);
    demand(zca_file_store(path, 0600, zca_span_text(text), NULL));
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = argument};
    demand(C_Initialize(&arguments) == CKR_OK);
    CK_SLOT_ID slots[8];
    CK_ULONG count = ZCA_COUNT(slots);
    demand(C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        demand(C_GetTokenInfo(slots[i], &info) == CKR_OK);
        if (memcmp(info.label, "web ", 4) == 0) {
            return slots[i];
        }
    }
    abort();
}

/* ---- values of an input ---- */

static uint8_t take_byte(struct feed *feed)
{
    if (feed->left == 0) {
        return 0;
    }
    feed->left--;
    return *feed->at++;
}

/* copy_value gives memory of exactly this size, so that a sanitizer sees reads behind it. */
static void *copy_value(const void *value, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    demand(copy);
    memcpy(copy, value, len);
    return copy;
}

static void take_plain(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    size_t len = take_byte(feed);
    len = len < feed->left ? len : feed->left;
    attribute->pValue = copy_value(len ? feed->at : p256, len);
    attribute->ulValueLen = len;
    feed->at += len;
    feed->left -= len;
}

static void take_number(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    CK_ULONG number = take_byte(feed);
    attribute->pValue = copy_value(&number, sizeof(number));
    attribute->ulValueLen = sizeof(number);
}

static void take_truth(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    CK_BBOOL truth = take_byte(feed);
    attribute->pValue = copy_value(&truth, sizeof(truth));
    attribute->ulValueLen = sizeof(truth);
}

static void take_curve(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    (void)feed;
    attribute->pValue = copy_value(p256, sizeof(p256));
    attribute->ulValueLen = sizeof(p256);
}

static void take_null(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    attribute->ulValueLen = take_byte(feed);
}

static void take_huge(struct feed *feed, CK_ATTRIBUTE *attribute)
{
    attribute->pValue = huge_value;
    attribute->ulValueLen = CK_UNAVAILABLE_INFORMATION >> (take_byte(feed) % 8);
}

static void (*const takes[])(struct feed *feed, CK_ATTRIBUTE *attribute) = {
    take_plain, take_number, take_truth, take_curve, take_null, take_huge,
};

static void take_value(struct feed *feed, struct template *template)
{
    CK_ATTRIBUTE *attribute = &template->attributes[template->count];
    takes[take_byte(feed) % ZCA_COUNT(takes)](feed, attribute);
    template->values[template->count++] =
        attribute->pValue == huge_value ? NULL : attribute->pValue;
}

static void take_template(struct feed *feed, struct template *out_template)
{
    size_t count = take_byte(feed) % (MAX_ATTRIBUTES + 1);
    *out_template = (struct template){.count = 0};
    for (size_t i = 0; i < count; i++) {
        uint8_t type = take_byte(feed);
        out_template->attributes[i].type =
            type < ZCA_COUNT(types) ? types[type] : (CK_ULONG)type << 8 | take_byte(feed);
        take_value(feed, out_template);
    }
}

static void drop_template(struct template *template)
{
    for (size_t i = 0; i < MAX_ATTRIBUTES; i++) {
        free(template->values[i]);
    }
}

static void set_parameter(CK_MECHANISM *mechanism, void *value, CK_ULONG len)
{
    mechanism->pParameter = value;
    mechanism->ulParameterLen = len;
}

static void take_mechanism(struct feed *feed, struct mechanism *out_mechanism)
{
    uint8_t type = take_byte(feed);
    uint8_t kind = take_byte(feed) % 4;
    *out_mechanism = (struct mechanism){.given.mechanism = type};
    if (type < ZCA_COUNT(mechanisms)) {
        out_mechanism->given.mechanism = mechanisms[type];
    }
    take_value(feed, &out_mechanism->parts);
    const CK_ATTRIBUTE *value = &out_mechanism->parts.attributes[0];
    if (kind == 1 && value->ulValueLen <= MAX_RAW) {
        set_parameter(&out_mechanism->given, value->pValue, value->ulValueLen);
    }
    if (kind == 2) {
        out_mechanism->oaep =
            (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA_1 + take_byte(feed), take_byte(feed), take_byte(feed),
                                      value->pValue, value->ulValueLen};
        set_parameter(&out_mechanism->given, &out_mechanism->oaep, sizeof(out_mechanism->oaep));
    }
    if (kind == 3) {
        out_mechanism->ecdh = (CK_ECDH1_DERIVE_PARAMS){take_byte(feed), take_byte(feed), NULL,
                                                       value->ulValueLen, value->pValue};
        set_parameter(&out_mechanism->given, &out_mechanism->ecdh, sizeof(out_mechanism->ecdh));
    }
}

/* ---- steps ---- */

static CK_OBJECT_HANDLE take_object(struct feed *feed)
{
    uint8_t number = take_byte(feed);
    return number < feed->num_objects ? feed->objects[number] : number;
}

static void keep_object(struct feed *feed, CK_RV rv, CK_OBJECT_HANDLE object)
{
    if (rv != CKR_OK) {
        return;
    }
    demand(object != 0);
    if (feed->num_objects < MAX_OBJECTS) {
        feed->objects[feed->num_objects++] = object;
    } else {
        (void)C_DestroyObject(feed->session, object);
    }
}

static void step_create(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    (void)mechanism;
    CK_OBJECT_HANDLE object = 0;
    CK_RV rv = C_CreateObject(feed->session, template->attributes, template->count, &object);
    keep_object(feed, rv, object);
}

static void step_generate(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    struct template private_part;
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = 0;
    mechanism->given.mechanism = CKM_EC_KEY_PAIR_GEN; /* RSA takes too long */
    take_template(feed, &private_part);
    CK_RV rv =
        C_GenerateKeyPair(feed->session, &mechanism->given, template->attributes, template->count,
                          private_part.attributes, private_part.count, &public_key, &private_key);
    keep_object(feed, rv, public_key);
    keep_object(feed, rv, private_key);
    drop_template(&private_part);
}

static void step_find(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    (void)mechanism;
    CK_OBJECT_HANDLE found[4];
    CK_ULONG count = 0;
    if (C_FindObjectsInit(feed->session, template->attributes, template->count) == CKR_OK) {
        demand(C_FindObjects(feed->session, found, ZCA_COUNT(found), &count) == CKR_OK &&
               count <= ZCA_COUNT(found) && C_FindObjectsFinal(feed->session) == CKR_OK);
    }
}

static void step_begin(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    (void)template;
    static CK_RV (*const begins[])(CK_SESSION_HANDLE session, CK_MECHANISM * mechanism,
                                   CK_OBJECT_HANDLE key) = {C_SignInit, C_VerifyInit, C_EncryptInit,
                                                            C_DecryptInit};
    size_t which = take_byte(feed) % ZCA_COUNT(begins);
    CK_RV rv = begins[which](feed->session, &mechanism->given, take_object(feed));
    demand(rv != CKR_OK || begins[which](feed->session, NULL, 0) == CKR_OK); /* ends it */
}

static void step_derive(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    CK_OBJECT_HANDLE object = 0;
    CK_RV rv = C_DeriveKey(feed->session, &mechanism->given, take_object(feed),
                           template->attributes, template->count, &object);
    keep_object(feed, rv, object);
}

static void step_get(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    (void)mechanism;
    CK_RV rv = C_GetAttributeValue(feed->session, take_object(feed), template->attributes,
                                   template->count);
    for (CK_ULONG i = 0; rv == CKR_OK && i < template->count; i++) {
        demand(template->attributes[i].ulValueLen <= HUGE_ROOM);
    }
}

static void step_set(struct feed *feed, struct mechanism *mechanism, struct template *template)
{
    (void)mechanism;
    (void)C_SetAttributeValue(feed->session, take_object(feed), template->attributes,
                              template->count);
}

static void (*const steps[])(struct feed *feed, struct mechanism *mechanism,
                             struct template *template) = {
    step_create, step_generate, step_find, step_begin, step_derive, step_get, step_set,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static CK_SLOT_ID slot;
    static bool is_started;
    struct feed feed = {.at = data, .left = len};
    if (!is_started) {
        slot = start_module();
        is_started = true;
    }
    CK_FLAGS flags =
        take_byte(&feed) % 2 ? CKF_SERIAL_SESSION : CKF_SERIAL_SESSION | CKF_RW_SESSION;
    demand(C_OpenSession(slot, flags, NULL, NULL, &feed.session) == CKR_OK);
    while (feed.left > 0) {
        struct template template;
        struct mechanism mechanism;
        uint8_t step = take_byte(&feed);
        take_mechanism(&feed, &mechanism);
        take_template(&feed, &template);
        steps[step % ZCA_COUNT(steps)](&feed, &mechanism, &template);
        drop_template(&template);
        drop_template(&mechanism.parts);
        demand(ERR_peek_error() == 0);
    }
    for (size_t i = 0; i < feed.num_objects; i++) {
        (void)C_DestroyObject(feed.session,
                              feed.objects[i]); /* a step may have made it permanent */
    }
    demand(C_CloseSession(feed.session) == CKR_OK);
    return 0;
}
