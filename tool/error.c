/* SPDX-License-Identifier: Apache-2.0 */
/* Every reason and what a person can do about it. */
#include "tool/error.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *hint; /* NULL: the message says all there is */
};

static const struct row rows[] = {
    [ZCA_ERR_NONE] = {NULL},
    [ZCA_ERR_MEMORY] = {NULL},
    [ZCA_ERR_SYSTEM] = {NULL},
    [ZCA_ERR_CRYPTO] = {NULL},
    [ZCA_ERR_CONFIG] = {"'zca doctor' checks the configuration; zca.conf(5) lists the options"},
    [ZCA_ERR_INVALID] = {NULL},
    [ZCA_ERR_NOT_FOUND] = {NULL},
    [ZCA_ERR_UNSUPPORTED] = {NULL},
    [ZCA_ERR_AUTH] = {"'zca login' with the right name and password starts a session"},
    [ZCA_ERR_MFA_REQUIRED] = {"give the code of the second factor with --code"},
    [ZCA_ERR_FORBIDDEN] = {"an owner or admin of the organisation can do this"},
    [ZCA_ERR_POLICY] = {NULL},
    [ZCA_ERR_NOT_INITIALISED] = {"an admin makes the CA with 'zca ca init'"},
    [ZCA_ERR_QUARANTINED] = {"an admin of the organisation can release the machine"},
    [ZCA_ERR_POSTURE] = {"the authority knows which requirement the machine does not meet"},
    [ZCA_ERR_CONFLICT] = {NULL},
    [ZCA_ERR_PENDING] = {"the order is kept: run the same command again later"},
    [ZCA_ERR_RATE_LIMITED] = {"wait and run the same command again"},
    [ZCA_ERR_UNAVAILABLE] = {"'zca doctor' tells what can be reached"},
    [ZCA_ERR_PROTOCOL] = {"does the authority speak the dialect that zca.conf names?"},
    [ZCA_ERR_VERIFY] = {NULL},
    [ZCA_ERR_SEALED] = {"'zca doctor' checks the sealing key"},
    [ZCA_ERR_EXPIRED] = {NULL},
    [ZCA_ERR_BUSY] = {"another process is at it: wait for it"},
};
static_assert(ZCA_COUNT(rows) == ZCA_NUM_REASONS, "every reason has a row");

static void print_printable(const char *text)
{
    for (; *text; text++) {
        (void)fputc(iscntrl((unsigned char)*text) ? '?' : *text, stderr); /* nowhere to say it */
    }
}

/* The authority's own words, as far as the message does not hold them already. */
static void print_answer(const struct zca_error *err)
{
    bool has_code = err->code[0] != '\0' && !strstr(err->message, err->code);
    if (err->http_status == 0 && !has_code) {
        return;
    }
    (void)fputs(" (", stderr); /* as above */
    if (err->http_status != 0) {
        (void)fprintf(stderr, "HTTP %ld%s", err->http_status, has_code ? ", " : ""); /* as above */
    }
    if (has_code) {
        print_printable(err->code);
    }
    (void)fputc(')', stderr); /* as above */
}

void zca_tool_print_error(const struct zca_error *err)
{
    if (err->reason == ZCA_ERR_NONE) {
        return;
    }
    (void)fputs("zca: ", stderr); /* as above */
    print_printable(err->message);
    print_answer(err);
    const char *hint = (unsigned)err->reason < ZCA_NUM_REASONS ? rows[err->reason].hint : NULL;
    if (err->retry_after_s > 0) {
        (void)fprintf(stderr, "\nhint: the authority asks to wait %ld s", err->retry_after_s);
    } else if (hint && !strstr(err->message, "zca ") && !strstr(err->message, "Run '")) {
        (void)fprintf(stderr, "\nhint: %s", hint); /* as above */
    }
    (void)fputc('\n', stderr); /* as above */
}

bool zca_tool_misused(struct zca_tool *tool)
{
    tool->is_misused = true;
    return false;
}
