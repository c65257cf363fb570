/* SPDX-License-Identifier: Apache-2.0 */
/* Printed once, flushed at once: scripts read it through a pipe. */
#include "server/start_text.h"

#include <stdio.h>
#include <string.h>

#include "server/tls.h"

/* What a shell takes as it stands (POSIX, 2.2); the rest is quoted. */
static const char plain_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "/._-+,:@%=";

static void print_argument(const char *option, const char *value)
{
    bool plain = *value != '\0' && value[strspn(value, plain_characters)] == '\0';
    if (plain) {
        (void)printf(" %s %s", option, value); /* the flush at the end tells */
        return;
    }
    (void)printf(" %s '", option); /* as above */
    for (const char *c = value; *c; c++) {
        (void)fputs(*c == '\'' ? "'\\''" : (const char[]){*c, '\0'}, stdout); /* as above */
    }
    (void)putchar('\''); /* as above */
}

static void print_login(const char *url, const char *trust, const struct zca_bootstrap *bootstrap)
{
    const struct {
        const char *option;
        const char *value;
    } arguments[] = {
        {"--url",           url                     },
        {"--trust",         trust                   },
        {"--org",           bootstrap->org_id       },
        {"--user",          bootstrap->email        },
        {"--password-file", bootstrap->password_file},
    };

    (void)printf("\nLog in with:\n  zca login"); /* as above */
    for (size_t i = 0; i < ZCA_COUNT(arguments); i++) {
        if (arguments[i].value) {
            print_argument(arguments[i].option, arguments[i].value);
        }
    }
    (void)printf("\n\n"); /* as above */
}

bool zca_start_text_print(const struct zca_server *server, const char *url,
                          const struct zca_bootstrap *bootstrap, struct zca_error *err)
{
    struct zca_error failure = {0};
    zca_auto(text) char *trust = zca_tls_trust_path(server, &failure);
    if (failure.reason != ZCA_ERR_NONE) {
        return zca_error_set(err, failure.reason, "%s", failure.message);
    }
    (void)printf("zca-server " ZCA_VERSION " listens at %s\n  state         %s\n", url,
                 server->state_directory); /* as above */
    if (trust) {
        (void)printf("  trust         %s\n", trust); /* as above */
    }
    if (bootstrap->created) {
        (void)printf("  organisation  %s\n  owner         %s\n  password in   %s\n",
                     bootstrap->org_id, bootstrap->email, bootstrap->password_file); /* as above */
        print_login(url, trust, bootstrap);
    }
    if (fflush(stdout) != 0) {
        return zca_error_set_errno(err, "printing how to log in");
    }
    return true;
}
