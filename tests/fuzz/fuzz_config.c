/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files of arbitrary text. What is accepted keeps the promises of its rows; what is
 * refused has a reason and a message. No files are included: the fuzzer must not read any.
 */
#include <string.h>

#include "base/buffer.h"
#include "base/config.h"
#include "tests/fuzz/demand.h"

static const char *const choices[] = {"memory", "runtime", "file", NULL};

static const struct zca_option options[] = {
    {.name = "text",    .type = ZCA_OPTION_TEXT          },
    {.name = "path",    .type = ZCA_OPTION_PATH          },
    {.name = "integer", .type = ZCA_OPTION_INTEGER,        .default_value = "5", .min = -9, .max = 9},
    {.name = "seconds",        .type = ZCA_OPTION_SECONDS,                                 .default_value = "1m", .min = 1, .max = 86400},
    {.name = "boolean", .type = ZCA_OPTION_BOOLEAN},
    {.name = "choice",         .type = ZCA_OPTION_CHOICE,                              .choices = choices},
    {.name = "list", .type = ZCA_OPTION_LIST       },
};

enum { TEXT, PATH, INTEGER, SECONDS, BOOLEAN, CHOICE, LIST };

static const struct zca_section_kind kinds[] = {
    {.kind = "zca",  .options = options, .num_options = ZCA_COUNT(options)},
    { .kind = "identity", .named = true, .options = options, .num_options = ZCA_COUNT(options)},
};

static void check_section(const struct zca_config *config, const char *kind, const char *name)
{
    const char *path = zca_config_get_text(config, kind, name, &options[PATH]);
    long integer = zca_config_get_number(config, kind, name, &options[INTEGER]);
    long seconds = zca_config_get_number(config, kind, name, &options[SECONDS]);
    const char *const *words = zca_config_get_list(config, kind, name, &options[LIST]);
    demand(!path || *path == '/');
    demand(integer >= -9 && integer <= 9);
    demand(seconds >= 1 && seconds <= 86400);
    demand(zca_config_get_choice(config, kind, name, &options[CHOICE]) < 3);
    for (; *words; words++) {
        demand(**words != '\0' && !strpbrk(*words, ", \t\r\n"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    demand(zca_buffer_append(&text, zca_span_of(data, len), &err));
    if (memchr(text.data, 0, len) || strstr((const char *)text.data, ".include")) {
        return 0;
    }
    zca_auto(zca_config) struct zca_config *config =
        zca_config_parse((const char *)text.data, "fuzz", kinds, ZCA_COUNT(kinds), &err);
    if (!config) {
        demand(err.reason == ZCA_ERR_CONFIG && strstr(err.message, "fuzz"));
        return 0;
    }
    check_section(config, "zca", NULL);
    for (const char *const *name = zca_config_names(config, "identity"); *name; name++) {
        demand(zca_config_has(config, "identity", *name) && !strpbrk(*name, " \t\n"));
        check_section(config, "identity", *name);
    }
    return 0;
}
