/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON by jansson; `struct zca_json` is its json_t under another name. A container that a
 * failed call left incomplete gets a type jansson does not know: nothing more can be put in,
 * and it cannot be formatted. Taking it spoils the container around it.
 */
#include "base/json.h"

#include <string.h>

#include <jansson.h>
#include <openssl/crypto.h>

static const int max_depth = 32;

enum spoilt { SPOILT_MEMORY = 0x100, SPOILT_INVALID = 0x200, SPOILT_MASK = 0x300 };

static json_t *unwrap(struct zca_json *json)
{
    return (json_t *)json;
}

static const json_t *unwrap_const(const struct zca_json *json)
{
    return (const json_t *)json;
}

static struct zca_json *wrap(json_t *json)
{
    return (struct zca_json *)json;
}

static int spoilt_mark(const json_t *json)
{
    return (int)json->type & SPOILT_MASK;
}

static void spoil(json_t *json, int mark)
{
    json->type = (json_type)((int)json->type | mark);
}

/* Texts may be passwords or tokens: all are wiped with the last reference. */
static void wipe(json_t *json)
{
    const char *key = NULL;
    json_t *member = NULL;
    size_t i = 0;
    if (json->refcount != 1) {
        return;
    }
    if (json_is_string(json)) {
        OPENSSL_cleanse((char *)(uintptr_t)json_string_value(json), json_string_length(json));
    }
    json_object_foreach(json, key, member)
    {
        wipe(member);
    }
    json_array_foreach(json, i, member)
    {
        wipe(member);
    }
}

void zca_json_free(struct zca_json *json)
{
    if (json) {
        json_t *value = unwrap(json);
        value->type = (json_type)((int)value->type & ~SPOILT_MASK);
        wipe(value);
        json_decref(value);
    }
}

struct zca_json *zca_json_ref(const struct zca_json *json)
{
    return wrap(json_incref((json_t *)(uintptr_t)json));
}

/* ---- text to values and back ---- */

/* jansson recurses once a level: the depth of foreign text is known before it starts. */
static bool is_shallow(struct zca_span text)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == '"') {
            in_string = !in_string;
        } else if (in_string) {
            i += c == '\\';
        } else {
            depth += (c == '[' || c == '{') - (c == ']' || c == '}');
        }
        if (depth > max_depth) {
            return false;
        }
    }
    return true;
}

struct cause_row {
    enum json_error_code code;
    const char *text;
};

static const struct cause_row causes[] = {
    {json_error_out_of_memory,          "out of memory"            },
    {json_error_premature_end_of_input, "it ends too early"        },
    {json_error_end_of_input_expected,  "something follows its end"},
    {json_error_invalid_utf8,           "a text is not UTF-8"      },
    {json_error_duplicate_key,          "a key occurs twice"       },
    {json_error_numeric_overflow,       "a number is too large"    },
    {json_error_null_character,         "a text contains NUL"      },
    {json_error_null_byte_in_key,       "a key contains NUL"       },
};

static const char *find_cause(enum json_error_code code)
{
    for (size_t i = 0; i < ZCA_COUNT(causes); i++) {
        if (causes[i].code == code) {
            return causes[i].text;
        }
    }
    return "its syntax is wrong";
}

/* jansson's own message quotes the text, which may hold a secret. */
static void set_parse_error(struct zca_error *err, const json_error_t *failure)
{
    enum json_error_code code = json_error_code(failure);
    enum zca_reason reason = code == json_error_out_of_memory ? ZCA_ERR_MEMORY : ZCA_ERR_PROTOCOL;
    zca_error_set(err, reason, "JSON text refused: %s, at line %d, column %d", find_cause(code),
                  failure->line, failure->column);
}

struct zca_json *zca_json_parse(struct zca_span text, struct zca_error *err)
{
    if (text.len == 0) {
        zca_error_set(err, ZCA_ERR_PROTOCOL, "JSON text refused: it is empty");
        return NULL;
    }
    if (!is_shallow(text)) {
        zca_error_set(err, ZCA_ERR_PROTOCOL, "JSON text refused: more than %d levels", max_depth);
        return NULL;
    }
    json_error_t failure = {0};
    json_t *json = json_loadb((const char *)text.data, text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &failure);
    if (!json) {
        set_parse_error(err, &failure);
    }
    return wrap(json);
}

/* What the callback of json_dump_callback needs. */
struct dump {
    struct zca_buffer *out_text;
    struct zca_error *err;
};

static int append_dump(const char *text, size_t len, void *context)
{
    const struct dump *dump = context;
    return zca_buffer_append(dump->out_text, zca_span_of(text, len), dump->err) ? 0 : -1;
}

bool zca_json_format(const struct zca_json *json, struct zca_buffer *out_text,
                     struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {
        .limit = out_text->limit,
        .secret = out_text->secret,
    };
    struct dump dump = {.out_text = &text, .err = &failure};
    if (!json || spoilt_mark(unwrap_const(json)) == SPOILT_MEMORY) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "building a JSON text");
    }
    if (spoilt_mark(unwrap_const(json)) != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "building a JSON text: not UTF-8, or with NUL");
    }
    if (json_dump_callback(unwrap_const(json), append_dump, &dump,
                           JSON_COMPACT | JSON_ENCODE_ANY) == 0) {
        return zca_buffer_append(out_text, zca_buffer_span(&text), err);
    }
    if (failure.reason == ZCA_ERR_NONE) { /* jansson fails by itself only for want of memory */
        return zca_error_set(err, ZCA_ERR_MEMORY, "formatting a JSON text");
    }
    return zca_error_set(err, failure.reason, "formatting a JSON text: %s", failure.message);
}

/* ---- reading ---- */

const struct zca_json *zca_json_get(const struct zca_json *object, const char *key)
{
    return wrap(json_object_get(unwrap_const(object), key));
}

const struct zca_json *zca_json_at(const struct zca_json *array, size_t index)
{
    return wrap(json_array_get(unwrap_const(array), index));
}

size_t zca_json_length(const struct zca_json *array)
{
    return json_array_size(unwrap_const(array));
}

const char *zca_json_text(const struct zca_json *object, const char *key)
{
    return zca_json_text_value(zca_json_get(object, key));
}

const char *zca_json_text_value(const struct zca_json *value)
{
    return json_string_value(unwrap_const(value));
}

bool zca_json_integer(const struct zca_json *object, const char *key, int64_t *out_value)
{
    const json_t *value = unwrap_const(zca_json_get(object, key));
    if (!json_is_integer(value)) {
        return false;
    }
    *out_value = json_integer_value(value);
    return true;
}

bool zca_json_boolean(const struct zca_json *object, const char *key, bool *out_value)
{
    const json_t *value = unwrap_const(zca_json_get(object, key));
    if (!json_is_boolean(value)) {
        return false;
    }
    *out_value = json_is_true(value);
    return true;
}

bool zca_json_is_object(const struct zca_json *value)
{
    return json_is_object(unwrap_const(value));
}

bool zca_json_is_array(const struct zca_json *value)
{
    return json_is_array(unwrap_const(value));
}

bool zca_json_is_null(const struct zca_json *value)
{
    return !value || json_is_null(unwrap_const(value));
}

bool zca_json_is_text(const struct zca_json *value)
{
    return json_is_string(unwrap_const(value));
}

/* ---- building ---- */

struct zca_json *zca_json_new_object(void)
{
    return wrap(json_object());
}

struct zca_json *zca_json_new_array(void)
{
    return wrap(json_array());
}

/* Puts `value`, which is consumed, under `key`, or at the end of an array. */
static bool put(json_t *container, const char *key, json_t *value)
{
    if (json_is_array(container)) {
        return json_array_append_new(container, value) == 0;
    }
    return json_object_set_new(container, key, value) == 0;
}

/* NULL for `value` means that making it failed with `mark`. */
static void put_or_spoil(struct zca_json *container, const char *key, json_t *value, int mark)
{
    json_t *target = unwrap(container);
    if (!target || spoilt_mark(target) != 0) {
        json_decref(value);
    } else if (!value) {
        spoil(target, mark);
    } else if (!put(target, key, value)) {
        spoil(target, SPOILT_MEMORY);
    }
}

static void put_text(struct zca_json *container, const char *key, struct zca_span text)
{
    const char *data = text.len != 0 ? (const char *)text.data : "";
    if (memchr(data, 0, text.len)) {
        put_or_spoil(container, key, NULL, SPOILT_INVALID);
        return;
    }
    json_t *value = json_stringn(data, text.len);
    json_t *unchecked = value ? NULL : json_stringn_nocheck(data, text.len);
    put_or_spoil(container, key, value, unchecked ? SPOILT_INVALID : SPOILT_MEMORY);
    json_decref(unchecked);
}

void zca_json_set_text(struct zca_json *object, const char *key, const char *value)
{
    if (value) {
        put_text(object, key, zca_span_text(value));
    } else {
        zca_json_set_null(object, key);
    }
}

void zca_json_set_span(struct zca_json *object, const char *key, struct zca_span value)
{
    put_text(object, key, value);
}

void zca_json_set_integer(struct zca_json *object, const char *key, int64_t value)
{
    put_or_spoil(object, key, json_integer(value), SPOILT_MEMORY);
}

void zca_json_set_boolean(struct zca_json *object, const char *key, bool value)
{
    put_or_spoil(object, key, json_boolean(value), SPOILT_MEMORY);
}

void zca_json_set_null(struct zca_json *object, const char *key)
{
    put_or_spoil(object, key, json_null(), SPOILT_MEMORY);
}

void zca_json_take(struct zca_json *container, const char *key, struct zca_json *value)
{
    int mark = value ? spoilt_mark(unwrap(value)) : SPOILT_MEMORY;
    if (mark != 0) {
        zca_json_free(value);
        put_or_spoil(container, key, NULL, mark);
        return;
    }
    put_or_spoil(container, key, unwrap(value), SPOILT_MEMORY);
}

void zca_json_append_text(struct zca_json *array, const char *value)
{
    put_text(array, NULL, zca_span_text(value));
}
