/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON of arbitrary bytes. What is read is written and read again to the same text, and fills a
 * table of fields or is refused with a reason.
 */
#include <string.h>

#include "base/json.h"
#include "tests/fuzz/demand.h"

struct answer {
    char *text;
    struct zca_buffer token;
    int64_t number;
    bool flag;
};

static const struct zca_json_field fields[] = {
    {"text",    ZCA_JSON_TEXT,    offsetof(struct answer, text),   true },
    {"a.token", ZCA_JSON_SECRET,  offsetof(struct answer, token),  false},
    {"a.b.n",   ZCA_JSON_INTEGER, offsetof(struct answer, number), false},
    {"flag",    ZCA_JSON_BOOLEAN, offsetof(struct answer, flag),   false},
};

static void check_fields(struct zca_json *json)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct answer answer = {.text = NULL};
    if (!zca_json_read_fields(json, fields, ZCA_COUNT(fields), &answer, &err)) {
        demand(err.reason == ZCA_ERR_PROTOCOL && !answer.text && !answer.token.data);
        return;
    }
    demand(answer.text && (!answer.token.data || answer.token.secret));
    zca_json_clear_fields(fields, ZCA_COUNT(fields), &answer);
    demand(!answer.text && !answer.token.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer second = {.data = NULL};
    zca_auto(zca_json) struct zca_json *json = zca_json_parse(zca_span_of(data, len), &err);
    if (!json) {
        demand(err.reason == ZCA_ERR_PROTOCOL && err.message[0] != '\0');
        return 0;
    }
    demand(zca_json_format(json, &first, &err));
    zca_auto(zca_json) struct zca_json *again = zca_json_parse(zca_buffer_span(&first), &err);
    demand(again && zca_json_format(again, &second, &err));
    demand(zca_span_equal(zca_buffer_span(&first), zca_buffer_span(&second)));
    check_fields(json);
    return 0;
}
