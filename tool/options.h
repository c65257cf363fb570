/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands: one row each in tool/options.c, one index each here. */
#ifndef ZCA_TOOL_OPTIONS_H
#define ZCA_TOOL_OPTIONS_H

#include <stdbool.h>

enum zca_tool_option {
    ZCA_TOOL_END, /* ends the list of a command */
    ZCA_TOOL_CONFIG,
    ZCA_TOOL_HELP,
    ZCA_TOOL_VERSION,
    ZCA_TOOL_AUTHORITY,
    ZCA_TOOL_URL,
    ZCA_TOOL_TRUST_FILE, /* --trust FILE of `login` */
    ZCA_TOOL_ORG,
    ZCA_TOOL_MACHINE,
    ZCA_TOOL_DIALECT,
    ZCA_TOOL_USER,
    ZCA_TOOL_PASSWORD_FILE,
    ZCA_TOOL_CODE,
    ZCA_TOOL_ROTATE,
    ZCA_TOOL_TRUST, /* --trust of `ca show` */
    ZCA_TOOL_CERT_FILE,
    ZCA_TOOL_KEY_FILE,
    ZCA_TOOL_PLAIN_KEY,
    ZCA_TOOL_TTL,
    ZCA_TOOL_DNS,
    ZCA_TOOL_IP,
    ZCA_TOOL_REMOTE,
    ZCA_TOOL_JSON,
    ZCA_TOOL_SERIAL,
    ZCA_TOOL_ID,
    ZCA_TOOL_REASON,
    ZCA_TOOL_FORCE,
    ZCA_TOOL_ALL,
    ZCA_TOOL_BUNDLE,
    ZCA_TOOL_CERT,
    ZCA_TOOL_KEY,
    ZCA_TOOL_SEALED,
    ZCA_TOOL_PIN_FILE,
    ZCA_TOOL_REMOVE,
    ZCA_TOOL_PRINT_OPTIONS,
    ZCA_TOOL_MAN,
    ZCA_TOOL_NUM_OPTIONS
};

struct zca_tool_option_row {
    const char *name;  /* without "--" */
    const char *value; /* what stands for its value in the help; NULL: it takes none */
    const char *help;  /* one phrase */
};

extern const struct zca_tool_option_row zca_tool_options[ZCA_TOOL_NUM_OPTIONS];

#endif
