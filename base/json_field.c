/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of JSON fields: from an object into a struct, and out of the struct again. */
#include <string.h>

#include <openssl/crypto.h>

#include "base/json.h"

/* How one type is read into its member and released from it. */
struct type_row {
    const char *noun;
    bool (*read)(const struct zca_json *object, const char *key, void *member,
                 struct zca_error *err); /* false without a reason: of another type */
    void (*clear)(void *member);
};

static bool read_text(const struct zca_json *object, const char *key, void *member,
                      struct zca_error *err)
{
    const char *text = zca_json_text(object, key);
    if (!text) {
        return false;
    }
    char *copy = strdup(text);
    if (!copy) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading JSON field '%s'", key);
    }
    char **target = member;
    free(*target);
    *target = copy;
    return true;
}

static void clear_text(void *member)
{
    char **target = member;
    free(*target);
    *target = NULL;
}

/* The parsed original is wiped: the caller's object is ours to change. */
static bool read_secret(const struct zca_json *object, const char *key, void *member,
                        struct zca_error *err)
{
    struct zca_buffer *target = member;
    const char *text = zca_json_text(object, key);
    if (!text) {
        return false;
    }
    struct zca_span span = zca_span_text(text);
    zca_buffer_clear(target);
    target->secret = true;
    bool ok = zca_buffer_append(target, span, err);
    OPENSSL_cleanse((char *)(uintptr_t)text, span.len);
    return ok;
}

static void clear_secret(void *member)
{
    zca_buffer_clear(member);
}

static bool read_integer(const struct zca_json *object, const char *key, void *member,
                         struct zca_error *err)
{
    (void)err;
    return zca_json_integer(object, key, member);
}

static void clear_integer(void *member)
{
    *(int64_t *)member = 0;
}

static bool read_boolean(const struct zca_json *object, const char *key, void *member,
                         struct zca_error *err)
{
    (void)err;
    return zca_json_boolean(object, key, member);
}

static void clear_boolean(void *member)
{
    *(bool *)member = false;
}

static const struct type_row types[] = {
    [ZCA_JSON_TEXT] = {"text",          read_text,    clear_text   },
    [ZCA_JSON_SECRET] = {"text",          read_secret,  clear_secret },
    [ZCA_JSON_INTEGER] = {"an integer",    read_integer, clear_integer},
    [ZCA_JSON_BOOLEAN] = {"true or false", read_boolean, clear_boolean},
};

/* Follows "a.b" down to the object that holds "b"; NULL when something on the way is absent. */
static const struct zca_json *find_holder(const struct zca_json *object, const char *name,
                                          const char **out_key, bool *out_of_memory)
{
    const char *dot = strchr(name, '.');
    while (dot && object) {
        zca_auto(text) char *key = strndup(name, (size_t)(dot - name));
        *out_of_memory = !key;
        object = key ? zca_json_get(object, key) : NULL;
        name = dot + 1;
        dot = strchr(name, '.');
    }
    *out_key = name;
    return object;
}

static bool read_field(const struct zca_json *object, const struct zca_json_field *field,
                       void *out_struct, struct zca_error *err)
{
    const char *key = NULL;
    bool out_of_memory = false;
    const struct zca_json *holder = find_holder(object, field->name, &key, &out_of_memory);
    if (out_of_memory) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading JSON field '%s'", field->name);
    }
    if (zca_json_is_null(zca_json_get(holder, key))) {
        return !field->required ||
               zca_error_set(err, ZCA_ERR_PROTOCOL, "JSON field '%s' is missing", field->name);
    }
    const struct type_row *type = &types[field->type];
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (type->read(holder, key, (char *)out_struct + field->offset, &failure)) {
        return true;
    }
    if (failure.reason == ZCA_ERR_NONE) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "JSON field '%s' is not %s", field->name,
                             type->noun);
    }
    return zca_error_set(err, failure.reason, "%s", failure.message);
}

bool zca_json_read_fields(struct zca_json *object, const struct zca_json_field *fields,
                          size_t num_fields, void *out_struct, struct zca_error *err)
{
    if (!zca_json_is_object(object)) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "JSON value is not an object");
    }
    for (size_t i = 0; i < num_fields; i++) {
        if (!read_field(object, &fields[i], out_struct, err)) {
            zca_json_clear_fields(fields, num_fields, out_struct);
            return false;
        }
    }
    return true;
}

void zca_json_clear_fields(const struct zca_json_field *fields, size_t num_fields, void *object)
{
    for (size_t i = 0; i < num_fields; i++) {
        types[fields[i].type].clear((char *)object + fields[i].offset);
    }
}
