/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) by jansson, the only file that knows it. Foreign text is bounded in size and
 * depth, duplicate keys are refused. Fields of an API are rows of a table that fill a struct.
 */
#ifndef ZCA_BASE_JSON_H
#define ZCA_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"

/* A JSON value. References are counted; `free` drops one. */
struct zca_json;

void zca_json_free(struct zca_json *json);
ZCA_DEFINE_AUTO(zca_json, struct zca_json, zca_json_free);

/** zca_json_ref returns a new reference to a value, one borrowed from its container for instance. */
struct zca_json *zca_json_ref(const struct zca_json *json);

/** zca_json_parse reads one JSON text; at most 32 levels deep, nothing behind it.
 * err ZCA_ERR_PROTOCOL with the position, never the text. Returns a new reference or NULL. */
ZCA_NODISCARD struct zca_json *zca_json_parse(struct zca_span text, struct zca_error *err);

/** zca_json_format appends compact JSON text; keys keep their order of insertion. */
ZCA_NODISCARD bool zca_json_format(const struct zca_json *json, struct zca_buffer *out_text,
                                   struct zca_error *err);

/* ---- reading: NULL, 0, false when absent, null or of another type ---- */

const struct zca_json *zca_json_get(const struct zca_json *object, const char *key); /* borrowed */
const struct zca_json *zca_json_at(const struct zca_json *array, size_t index);      /* borrowed */
size_t zca_json_length(const struct zca_json *array);
const char *zca_json_text(const struct zca_json *object,
                          const char *key); /* borrowed; no NUL inside */
const char *zca_json_text_value(const struct zca_json *value);
bool zca_json_integer(const struct zca_json *object, const char *key, int64_t *out_value);
bool zca_json_boolean(const struct zca_json *object, const char *key, bool *out_value);
bool zca_json_is_object(const struct zca_json *value);
bool zca_json_is_array(const struct zca_json *value);
bool zca_json_is_null(const struct zca_json *value); /* absent counts as null */
bool zca_json_is_text(const struct zca_json *value);

/* ---- building: a failure (memory, text that is not UTF-8) marks the object; zca_json_format then
 * fails with ZCA_ERR_MEMORY or ZCA_ERR_INVALID, so calls need no check of their own ---- */

struct zca_json *zca_json_new_object(void);
struct zca_json *zca_json_new_array(void);
void zca_json_set_text(struct zca_json *object, const char *key,
                       const char *value); /* NULL: null */
void zca_json_set_span(struct zca_json *object, const char *key, struct zca_span value);
void zca_json_set_integer(struct zca_json *object, const char *key, int64_t value);
void zca_json_set_boolean(struct zca_json *object, const char *key, bool value);
void zca_json_set_null(struct zca_json *object, const char *key);
/** zca_json_take puts `value` under `key` (NULL: at the end of an array) and owns it, also on failure. */
void zca_json_take(struct zca_json *container, const char *key, struct zca_json *value);
void zca_json_append_text(struct zca_json *array, const char *value);

/* ---- field tables ---- */

enum zca_json_type {
    ZCA_JSON_TEXT,    /* char *: malloc'd copy, freed by zca_json_clear_fields */
    ZCA_JSON_SECRET,  /* struct zca_buffer marked secret; the parsed original is wiped */
    ZCA_JSON_INTEGER, /* int64_t */
    ZCA_JSON_BOOLEAN  /* bool */
};

struct zca_json_field {
    const char *name; /* "a.b" looks inside object a */
    enum zca_json_type type;
    size_t offset;
    bool required; /* absent or null is ZCA_ERR_PROTOCOL; a wrong type always is */
};

/** zca_json_read_fields fills the struct at `out_struct`, which the caller zero-initialised, from
 * `object`. Absent optional fields leave their member alone. On failure the struct is cleared.
 * `object` is not const: texts read as ZCA_JSON_SECRET are wiped in place. */
ZCA_NODISCARD bool zca_json_read_fields(struct zca_json *object,
                                        const struct zca_json_field *fields, size_t num_fields,
                                        void *out_struct, struct zca_error *err);

/** zca_json_clear_fields releases what zca_json_read_fields put into the struct. */
void zca_json_clear_fields(const struct zca_json_field *fields, size_t num_fields, void *object);

#endif
