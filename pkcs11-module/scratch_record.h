/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of one object of a scratch token: its attributes and its key, each sealed by AES-256-GCM (NIST SP 800-38D), so
 * that attributes can be searched without a key in memory. Files can neither be changed nor renamed nor exchanged.
 */
#ifndef ZCA_PKCS11_MODULE_SCRATCH_RECORD_H
#define ZCA_PKCS11_MODULE_SCRATCH_RECORD_H

#include "base/buffer.h"
#include "core/library.h"
#include "pkcs11-module/values.h"

/* Whose file, and what opens it. Borrowed. */
struct zca_scratch_scope {
    struct zca_library *library;
    struct zca_span instance; /* of the token */
    struct zca_span
        key; /* the master key; for objects that need no login another (zca_scratch_open_key) */
    const char *name; /* of the file: CKA_UNIQUE_ID */
    bool is_private;  /* CKA_PRIVATE */
};

/* A file taken apart; nothing is opened yet. */
struct zca_scratch_record {
    struct zca_buffer instance;
    bool is_private;
    struct zca_buffer values;   /* sealed */
    struct zca_buffer material; /* sealed; empty: the object has no key */
};

void zca_scratch_record_clear(struct zca_scratch_record *record);
ZCA_DEFINE_AUTO_CLEAR(zca_scratch_record, struct zca_scratch_record, zca_scratch_record_clear);

/** zca_scratch_values_seal, zca_scratch_material_seal fill the record's member, zca_scratch_values_open and
 * _material_open are their inverse. err ZCA_ERR_SEALED: another key, or changed. */
ZCA_NODISCARD bool zca_scratch_values_seal(const struct zca_scratch_scope *scope,
                                           const struct zca_values *values,
                                           struct zca_buffer *out_sealed, struct zca_error *err);
ZCA_NODISCARD bool zca_scratch_values_open(const struct zca_scratch_scope *scope,
                                           struct zca_span sealed, struct zca_values **out_values,
                                           struct zca_error *err);
ZCA_NODISCARD bool zca_scratch_material_seal(const struct zca_scratch_scope *scope,
                                             struct zca_span material,
                                             struct zca_buffer *out_sealed, struct zca_error *err);
ZCA_NODISCARD bool zca_scratch_material_open(const struct zca_scratch_scope *scope,
                                             struct zca_span sealed,
                                             struct zca_buffer *out_material,
                                             struct zca_error *err);

/** zca_scratch_record_format appends the file's DER. zca_scratch_record_parse takes it apart, err ZCA_ERR_SEALED. */
ZCA_NODISCARD bool zca_scratch_record_format(const struct zca_scratch_record *record,
                                             struct zca_buffer *out_der, struct zca_error *err);
ZCA_NODISCARD bool zca_scratch_record_parse(struct zca_span der,
                                            struct zca_scratch_record *out_record,
                                            struct zca_error *err);

#endif
