/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a case. */
#include "tests/remote/case.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/remote/remote_table.h"

/* One row for each key of `expect`. */
static const struct {
    const char *key;
    size_t offset;
} keys[] = {
    {"do",            offsetof(struct test_case, operation)    },
    {"token",         offsetof(struct test_case, token)        },
    {"api-key",       offsetof(struct test_case, api_key)      },
    {"organization",  offsetof(struct test_case, organization) },
    {"machine",       offsetof(struct test_case, machine)      },
    {"timeout-ms",    offsetof(struct test_case, timeout_ms)   },
    {"max-response",  offsetof(struct test_case, max_response) },
    {"url",           offsetof(struct test_case, url)          },
    {"user",          offsetof(struct test_case, user)         },
    {"password",      offsetof(struct test_case, password)     },
    {"one-time-code", offsetof(struct test_case, one_time_code)},
    {"common-name",   offsetof(struct test_case, common_name)  },
    {"dns",           offsetof(struct test_case, dns)          },
    {"ip",            offsetof(struct test_case, ip)           },
    {"csr",           offsetof(struct test_case, csr)          },
    {"ttl",           offsetof(struct test_case, ttl)          },
    {"binding",       offsetof(struct test_case, binding)      },
    {"request-id",    offsetof(struct test_case, request_id)   },
    {"started-at",    offsetof(struct test_case, started_at)   },
    {"name",          offsetof(struct test_case, name)         },
    {"serial",        offsetof(struct test_case, serial)       },
    {"max",           offsetof(struct test_case, max)          },
    {"id",            offsetof(struct test_case, id)           },
    {"reason",        offsetof(struct test_case, reason)       },
    {"kind",          offsetof(struct test_case, kind)         },
    {"tbs",           offsetof(struct test_case, tbs)          },
    {"digest",        offsetof(struct test_case, digest)       },
};

static char **member(struct test_case *test_case, size_t i)
{
    return (char **)(void *)((char *)test_case + keys[i].offset);
}

static void set(struct test_case *test_case, const char *line, size_t len)
{
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        size_t key_len = strlen(keys[i].key);
        if (len > key_len + 1 && strncmp(line, keys[i].key, key_len) == 0 && line[key_len] == ':') {
            *member(test_case, i) = strndup(line + key_len + 2, len - key_len - 2);
            return;
        }
    }
    (void)fprintf(stderr, "unknown line in `expect`: %.*s\n", (int)len, line);
    abort();
}

static char *load(const char *directory, const char *name)
{
    zca_auto(text) char *path = scratch_path(directory, name);
    char *text = read_text(path);
    return text ? text : strdup("");
}

struct test_case *case_load(const char *dialect, const char *directory)
{
    struct test_case *test_case = calloc(1, sizeof(*test_case));
    assert(test_case);
    test_case->dialect = strdup(dialect);
    test_case->request = load(directory, "request");
    test_case->response = load(directory, "response");
    zca_auto(text) char *expect = load(directory, "expect");
    const char *line = expect;
    while (*line != '\0' && strncmp(line, "---\n", 4) != 0) {
        size_t len = strcspn(line, "\n");
        if (len > 0 && *line != '#') {
            set(test_case, line, len);
        }
        line += len + (line[len] == '\n');
    }
    assert(*line != '\0' && test_case->operation);
    test_case->result = strdup(line + 4);
    return test_case;
}

void case_free(struct test_case *test_case)
{
    if (!test_case) {
        return;
    }
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        free(*member(test_case, i));
    }
    free(test_case->dialect);
    free(test_case->request);
    free(test_case->response);
    free(test_case->result);
    free(test_case);
}
