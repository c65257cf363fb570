/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/fake_plan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

/* Words that make a call fail. */
static const struct {
    const char *word;
    enum zca_reason reason;
    long http_status;
    long retry_after_s;
    const char *code;
} failures[] = {
    {"unavailable",   ZCA_ERR_UNAVAILABLE,     503, 0,    ""                   },
    {"later",         ZCA_ERR_UNAVAILABLE,     503, 3600, ""                   },
    {"rate",          ZCA_ERR_RATE_LIMITED,    429, 1,    "RATE_LIMITED"       },
    {"refuse",        ZCA_ERR_QUARANTINED,     403, 0,    "MACHINE_QUARANTINED"},
    {"unauthorised",  ZCA_ERR_AUTH,            401, 0,    "UNAUTHORIZED"       },
    {"forbidden",     ZCA_ERR_FORBIDDEN,       403, 0,    "FORBIDDEN"          },
    {"unverified",    ZCA_ERR_VERIFY,          0,   0,    ""                   },
    {"html",          ZCA_ERR_PROTOCOL,        200, 0,    ""                   },
    {"gone",          ZCA_ERR_NOT_FOUND,       404, 0,    "NOT_FOUND"          },
    {"uninitialised", ZCA_ERR_NOT_INITIALISED, 400, 0,    "CA_NOT_INITIALIZED" },
};

char *fake_path(const char *name)
{
    const char *directory = getenv("ZCA_FAKE");
    return zca_path_join(directory ? directory : "/nonexistent", name, "", NULL);
}

size_t fake_note(const char *operation)
{
    zca_auto(text) char *path = fake_path("log");
    zca_auto(zca_buffer) struct zca_buffer log = {.len = 0};
    size_t count = 0;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (zca_file_load(path, 1 << 20, &log, NULL, NULL)) {
        size_t len = strlen(operation);
        const char *text = (const char *)log.data;
        for (const char *line = text; line && *line; line = strchr(line, '\n') + 1) {
            count += strncmp(line, operation, len) == 0 && line[len] == '\n';
        }
    }
    if (fd >= 0) {
        (void)dprintf(fd, "%s\n", operation);
        (void)close(fd);
    }
    return count;
}

char *fake_planned(const char *operation)
{
    size_t call = fake_note(operation);
    zca_auto(text) char *path = fake_path("plan");
    zca_auto(zca_buffer) struct zca_buffer plan = {.len = 0};
    zca_auto(text) char *label = NULL;
    if (!zca_file_load(path, 1 << 16, &plan, NULL, NULL) ||
        asprintf(&label, "%s: ", operation) < 0) {
        return strdup("ok");
    }
    char *line = plan.len > 0 ? strstr((char *)plan.data, label) : NULL;
    if (!line) {
        return strdup("ok");
    }
    line += strlen(label);
    line[strcspn(line, "\n")] = '\0';
    char *position = NULL;
    char *word = strtok_r(line, " ", &position);
    for (size_t i = 0; i < call && word; i++) {
        char *next = strtok_r(NULL, " ", &position);
        word = next ? next : word;
        if (!next) {
            break;
        }
    }
    return strdup(word ? word : "ok");
}

bool fake_fails(const char *operation, const char *word, struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(failures); i++) {
        if (strcmp(word, failures[i].word) == 0) {
            zca_error_set(err, failures[i].reason, "fake authority: %s: %s", operation, word);
            if (err) {
                err->http_status = failures[i].http_status;
                err->retry_after_s = failures[i].retry_after_s;
                (void)snprintf(err->code, sizeof(err->code), "%s", failures[i].code);
            }
            return true;
        }
    }
    return false;
}
