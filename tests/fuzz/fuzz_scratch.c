/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a scratch token as their files hold them. The first byte says what the rest is: a file, a change to a good one
 * (exclusive or, from the start), attributes under their seal, a key under its seal. A changed file gives what was sealed or
 * nothing; whatever is read is written and read again as the same.
 */
#include <string.h>

#include <openssl/err.h>

#include "base/openssl_auto.h"
#include "core/crypto.h"
#include "pkcs11-module/scratch_material.h"
#include "pkcs11-module/scratch_record.h"
#include "tests/fuzz/demand.h"

#define NONCE_LEN 12

static const uint8_t instance[16] = "an instance....";
static const uint8_t key_bytes[32] = "a master key for fuzzing only...";
static const char name[] = "00ff";
static const char material[] = "\1\0\0\0\0";

/* Made once; the fuzzer ends without freeing it. */
static struct zca_library *library;
static struct zca_values *values;
static struct zca_buffer good;

static struct zca_scratch_scope scope_of(bool is_private)
{
    return (struct zca_scratch_scope){
        .library = library,
        .instance = zca_span_of(instance, sizeof(instance)),
        .key = zca_span_of(key_bytes, sizeof(key_bytes)),
        .name = name,
        .is_private = is_private,
    };
}

static void make_good(void)
{
    /* LeakSanitizer does not look for pointers in OpenSSL's secure heap. */
    static const struct zca_setting overrides[] = {
        {"remote",        "off"},
        {"secure-memory", "0"  },
        {NULL,            NULL }
    };
    const struct zca_library_settings settings = {.overrides = overrides};
    zca_auto(zca_scratch_record) struct zca_scratch_record record = {.is_private = true};
    library = zca_library_new(&settings, NULL);
    values = zca_values_new(4);
    demand(library && values);
    const struct zca_scratch_scope scope = scope_of(true);
    demand(zca_values_set_number(values, CKA_CLASS, CKO_PRIVATE_KEY) == CKR_OK &&
           zca_values_set_text(values, CKA_LABEL, "label") == CKR_OK &&
           zca_buffer_append(&record.instance, scope.instance, NULL) &&
           zca_scratch_values_seal(&scope, values, &record.values, NULL) &&
           zca_scratch_material_seal(&scope, zca_span_of(material, sizeof(material) - 1),
                                     &record.material, NULL) &&
           zca_scratch_record_format(&record, &good, NULL));
}

static void demand_reason(const struct zca_error *err)
{
    demand(err->reason == ZCA_ERR_SEALED && err->message[0] != '\0');
}

static bool same_values(const struct zca_values *left, const struct zca_values *right)
{
    size_t count = zca_values_get_count(left);
    bool is_same = count == zca_values_get_count(right);
    for (size_t i = 0; is_same && i < count; i++) {
        struct zca_span one, other;
        CK_ATTRIBUTE_TYPE type = zca_values_get_at(left, i, &one);
        is_same = type == zca_values_get_at(right, i, &other) && zca_span_equal(one, other);
    }
    return is_same;
}

/* ---- files ---- */

/* As pkcs11-module/scratch_scan.c reads a file; what it gives is what was sealed. */
static bool open_record(const struct zca_scratch_record *record)
{
    const struct zca_scratch_scope scope = scope_of(record->is_private);
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_values) struct zca_values *opened = NULL;
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    bool is_ours = zca_span_equal(zca_buffer_span(&record->instance), scope.instance);
    if (!zca_scratch_values_open(&scope, zca_buffer_span(&record->values), &opened, &err)) {
        demand_reason(&err);
        return false;
    }
    demand(same_values(opened, values));
    if (!zca_scratch_material_open(&scope, zca_buffer_span(&record->material), &key, &err)) {
        demand_reason(&err);
        return false;
    }
    demand(zca_span_equal(zca_buffer_span(&key), zca_span_of(material, sizeof(material) - 1)));
    return is_ours;
}

static bool read_file(struct zca_span der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_scratch_record) struct zca_scratch_record record = {0};
    zca_auto(zca_scratch_record) struct zca_scratch_record again = {0};
    zca_auto(zca_buffer) struct zca_buffer written = {0};
    if (!zca_scratch_record_parse(der, &record, &err)) {
        demand_reason(&err);
        return false;
    }
    demand(zca_scratch_record_format(&record, &written, NULL) &&
           zca_scratch_record_parse(zca_buffer_span(&written), &again, NULL) &&
           record.is_private == again.is_private &&
           zca_span_equal(zca_buffer_span(&record.instance), zca_buffer_span(&again.instance)) &&
           zca_span_equal(zca_buffer_span(&record.values), zca_buffer_span(&again.values)) &&
           zca_span_equal(zca_buffer_span(&record.material), zca_buffer_span(&again.material)));
    return open_record(&record);
}

static void try_file(struct zca_span input)
{
    demand(!read_file(input));
}

static void try_change(struct zca_span input)
{
    bool is_changed = false;
    zca_auto(zca_buffer) struct zca_buffer changed = {0};
    demand(zca_buffer_append(&changed, zca_buffer_span(&good), NULL));
    for (size_t i = 0; i < input.len && i < changed.len; i++) {
        changed.data[i] = (uint8_t)(changed.data[i] ^ input.data[i]);
        is_changed = is_changed || input.data[i] != 0;
    }
    bool is_read = read_file(zca_buffer_span(&changed)); /* it demands what was sealed */
    demand(is_read || is_changed);
}

/* ---- what is under the seals ---- */

/* The token's own seal over arbitrary bytes, as another version might have written them. */
static void seal(struct zca_span plain, struct zca_buffer *out_box)
{
    zca_auto(zca_buffer) struct zca_buffer additional = {0};
    demand(zca_buffer_append(&additional, zca_span_of(instance, sizeof(instance)), NULL) &&
           zca_buffer_format(&additional, NULL, "values private %s", name) &&
           zca_buffer_resize(out_box, NONCE_LEN + plain.len + ZCA_GCM_TAG_LEN, NULL));
    const struct zca_gcm gcm = {
        .key = zca_span_of(key_bytes, sizeof(key_bytes)),
        .nonce = zca_span_of(out_box->data, NONCE_LEN),
        .additional = zca_buffer_span(&additional),
    };
    demand(zca_gcm_seal(library, &gcm, plain, out_box->data + NONCE_LEN));
}

static void try_values(struct zca_span input)
{
    const struct zca_scratch_scope scope = scope_of(true);
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer box = {0};
    zca_auto(zca_buffer) struct zca_buffer written = {0};
    zca_auto(zca_values) struct zca_values *read = NULL;
    zca_auto(zca_values) struct zca_values *again = NULL;
    seal(input, &box);
    if (!zca_scratch_values_open(&scope, zca_buffer_span(&box), &read, &err)) {
        demand_reason(&err);
        return;
    }
    demand(zca_scratch_values_seal(&scope, read, &written, NULL) &&
           zca_scratch_values_open(&scope, zca_buffer_span(&written), &again, NULL) &&
           same_values(read, again));
}

static void try_material(struct zca_span input)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    OSSL_LIB_CTX *context = zca_library_context(library, NULL);
    zca_auto(error_mark) int mark = ERR_set_mark(); /* as those who call it do */
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_scratch_material_read(context, input, &err);
    if (!key) {
        demand((err.reason == ZCA_ERR_SEALED || err.reason == ZCA_ERR_CRYPTO) &&
               err.message[0] != '\0');
        return;
    }
    zca_auto(zca_buffer) struct zca_buffer written = ZCA_SECRET_BUFFER;
    if (zca_scratch_material_write(key, true, &written, NULL)) { /* not where e is longer than n */
        zca_auto(EVP_PKEY) EVP_PKEY *again =
            zca_scratch_material_read(context, zca_buffer_span(&written), NULL);
        demand(again && EVP_PKEY_eq(key, again) == 1);
    }
}

static void (*const tries[])(struct zca_span input) = {try_file, try_change, try_values,
                                                       try_material};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!library) {
        make_good();
    }
    if (len != 0) {
        tries[data[0] % (sizeof(tries) / sizeof(*tries))](zca_span_of(data + 1, len - 1));
    }
    demand(ERR_peek_error() == 0);
    return 0;
}
