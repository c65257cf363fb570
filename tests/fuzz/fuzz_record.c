/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key records. Arbitrary bytes are never opened; a good record is opened only as it is: each input
 * is read as a record, and as a change to a record made here (exclusive or, from the start).
 */
#include <openssl/err.h>

#include "core/key.h"
#include "tests/fuzz/demand.h"

static const uint8_t sealing_bytes[32] = "a sealing key for fuzzing only..";

/* Made once; the fuzzer ends without freeing it. */
static struct zca_library *library;
static struct zca_buffer good;

static struct zca_span sealing_key(void)
{
    return zca_span_of(sealing_bytes, sizeof(sealing_bytes));
}

static void make_record(void)
{
    /* LeakSanitizer does not look for pointers in OpenSSL's secure heap. */
    static const struct zca_setting overrides[] = {
        {"remote",        "off"},
        {"secure-memory", "0"  },
        {NULL,            NULL }
    };
    const struct zca_library_settings settings = {.overrides = overrides};
    library = zca_library_new(&settings, NULL);
    demand(library);
    zca_auto(zca_key) struct zca_key *key =
        zca_key_generate(library, zca_key_type_find("P-256"), NULL);
    demand(key && zca_key_seal(key, "corp/web", sealing_key(), &good, NULL));
}

static bool opens(struct zca_span record)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key =
        zca_key_unseal(library, "corp/web", sealing_key(), record, &err);
    demand(key || (err.reason == ZCA_ERR_SEALED && err.message[0] != '\0'));
    return key;
}

static void check_public(struct zca_span record)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer public_key = {.data = NULL};
    bool ok = zca_key_record_public(record, &public_key, &err);
    demand(ok || err.reason == ZCA_ERR_SEALED);
    demand(public_key.len <= record.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer changed = {.data = NULL};
    bool is_changed = false;
    if (!library) {
        make_record();
    }
    demand(!opens(zca_span_of(data, len)));
    check_public(zca_span_of(data, len));
    demand(zca_buffer_append(&changed, zca_buffer_span(&good), &err));
    for (size_t i = 0; i < len && i < changed.len; i++) {
        changed.data[i] = (uint8_t)(changed.data[i] ^ data[i]);
        is_changed = is_changed || data[i] != 0;
    }
    check_public(zca_buffer_span(&changed));
    demand(opens(zca_buffer_span(&changed)) == !is_changed);
    return 0;
}
