/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca-server: the table of commands, and what every one of them needs: a hardened process, the
 * configuration, the log. Options of the [server] section may stand anywhere on the command line.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <openssl/crypto.h>

#include "base/log.h"
#include "base/view.h"
#include "server/admin.h"
#include "server/command.h"
#include "server/options.h"
#include "server/serve.h"

#define SECURE_HEAP_BYTES (2u << 20) /* a power of two; within Debian's limit of locked memory */
#define SECURE_HEAP_LEAST 32u        /* bytes of the smallest block */
#define KEPT_HEAP_BYTES (4 << 20)    /* of a thread: the next request needs it again */

static const struct zca_command commands[] = {
    {"serve",   "[--ready-fd N]",                      "run the server (the default)",                          zca_command_serve},
    {"org",     "add|list|set",                        "organisations and what they allow",                     zca_admin_org    },
    {"user",    "add|list|passwd|role|remove",         "users and their roles",                                 zca_admin_user   },
    {"token",   "add|list|revoke",                     "API keys",                                              zca_admin_token  },
    {"machine", "add|list|quarantine|release|posture", "machines",                                              zca_admin_machine},
    {"authkey", "add|list|revoke",                     "keys that register machines",                           zca_admin_authkey},
    {"policy",  "set|list",                            "limits on certificates",                                zca_admin_policy },
    {"ca",      "show|init",                           "the CA of an organisation",                             zca_admin_ca     },
    {"backup",  "FILE",                                "copy the ledger, also of a running server",             zca_admin_backup },
    {"verify",  "",                                    "check the ledger, the audit log and every certificate", zca_admin_verify },
};

struct setting {
    const char *name; /* without "--" */
    const char *value;
};

/* The command line, sorted: settings for us, the rest for the command. */
struct arguments {
    const char *config_path;
    struct setting *settings;
    size_t num_settings;
    char **rest; /* NULL-terminated */
    int num_rest;
    bool help;
    bool version;
};

/* ---- process ---- */

/* Nothing of us in core files, nothing for others in new files, keys in locked memory; memory that a request has
 * freed is not given back and asked for again with the next. */
static bool harden(struct zca_error *err)
{
    const struct rlimit none = {0};
    (void)umask(077);                                 /* cannot fail */
    (void)mallopt(M_TRIM_THRESHOLD, KEPT_HEAP_BYTES); /* else as it was: slower */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
        return zca_error_set(err, ZCA_ERR_CRYPTO, "starting OpenSSL");
    }
    if (!zca_view_load(NULL, "default", false, err)) { /* to the end of the process */
        return false;
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
        return zca_error_set_errno(err, "turning core files off");
    }
    if (CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_LEAST) == 0) {
        return zca_error_set_crypto(err, "making the secure heap");
    }
    return true;
}

/* ---- command line ---- */

static const struct zca_option *find_option(const char *name, size_t name_len)
{
    for (size_t i = 0; i < ZCA_SERVER_NUM_OPTIONS; i++) {
        const char *known = zca_server_options[i].name;
        if (strlen(known) == name_len && memcmp(known, name, name_len) == 0) {
            return &zca_server_options[i];
        }
    }
    return NULL;
}

static const struct {
    const char *word;
    size_t offset; /* of the bool in struct arguments */
} flags[] = {
    {"--help",    offsetof(struct arguments, help)   },
    {"-h",        offsetof(struct arguments, help)   },
    {"--version", offsetof(struct arguments, version)},
};

static bool take_flag(struct arguments *arguments, const char *word)
{
    for (size_t i = 0; i < ZCA_COUNT(flags); i++) {
        if (strcmp(flags[i].word, word) == 0) {
            *(bool *)((char *)arguments + flags[i].offset) = true;
            return true;
        }
    }
    return false;
}

/* Takes "--NAME VALUE" or "--NAME=VALUE" when NAME is ours. Returns the words taken, -1 when the value
 * is missing. */
static int take_setting(struct arguments *arguments, char **words)
{
    if (strncmp(words[0], "--", 2) != 0) {
        return 0;
    }
    const char *name = words[0] + 2;
    size_t name_len = strcspn(name, "=");
    bool is_config = name_len == strlen("config") && memcmp(name, "config", name_len) == 0;
    const struct zca_option *option = find_option(name, name_len);
    if (!is_config && !option) {
        return 0;
    }
    bool joined = name[name_len] == '=';
    const char *value = joined ? name + name_len + 1 : words[1];
    if (!value) {
        return -1;
    }
    if (is_config) {
        arguments->config_path = value;
    } else {
        arguments->settings[arguments->num_settings++] = (struct setting){option->name, value};
    }
    return joined ? 1 : 2;
}

static bool parse_arguments(int argc, char **argv, struct arguments *arguments,
                            struct zca_error *err)
{
    arguments->settings = calloc((size_t)argc + 1, sizeof *arguments->settings);
    arguments->rest = calloc((size_t)argc + 1, sizeof *arguments->rest);
    if (!arguments->settings || !arguments->rest) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the command line");
    }
    for (int i = 1; i < argc;) {
        if (take_flag(arguments, argv[i])) {
            i++;
            continue;
        }
        int taken = take_setting(arguments, &argv[i]);
        if (taken < 0) {
            return zca_error_set(err, ZCA_ERR_INVALID, "option '%s' needs a value", argv[i]);
        }
        if (taken == 0) {
            arguments->rest[arguments->num_rest++] = argv[i];
            taken = 1;
        }
        i += taken;
    }
    return true;
}

static void print_help(void)
{
    printf("usage: zca-server [OPTION...] [COMMAND [ARGUMENT...]]\n\ncommands:\n");
    for (size_t i = 0; i < ZCA_COUNT(commands); i++) {
        printf("  %s %s\n        %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
    printf("\noptions, which may also stand in section [server] of /etc/zca/zca-server.conf:\n"
           "  --config FILE\n        the configuration file\n");
    for (size_t i = 0; i < ZCA_SERVER_NUM_OPTIONS; i++) {
        const struct zca_option *option = &zca_server_options[i];
        printf("  --%s VALUE\n        %s", option->name, option->help);
        printf(option->default_value ? " Default: %s.\n" : "\n", option->default_value);
    }
}

/* ---- running ---- */

static const struct zca_command *find_command(const char *name, struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    const char *names[ZCA_COUNT(commands) + 1] = {0};
    for (size_t i = 0; i < ZCA_COUNT(commands); i++) {
        names[i] = commands[i].name;
    }
    const char *nearest = zca_nearest(name, names);
    (void)zca_error_set(err, ZCA_ERR_INVALID, "unknown command '%s'%s%s; see --help", /* false */
                        name, nearest ? ", did you mean " : "", nearest ? nearest : "");
    return NULL;
}

static bool open_server(const struct arguments *arguments, struct zca_server *server,
                        struct zca_error *err)
{
    zca_auto(zca_config) struct zca_config *config =
        zca_server_config_load(arguments->config_path, err);
    if (!config) {
        return false;
    }
    for (size_t i = 0; i < arguments->num_settings; i++) {
        const struct setting *setting = &arguments->settings[i];
        if (!zca_config_override(config, "server", setting->name, setting->value, err)) {
            return false;
        }
    }
    if (!zca_server_open(server, zca_steal(config), err)) {
        return false;
    }
    return zca_log_open("zca-server", zca_server_text(server, ZCA_SERVER_LOG),
                        (enum zca_log_level)zca_server_choice(server, ZCA_SERVER_LOG_LEVEL), err);
}

/* Without a command word, what is left are arguments of `serve`. */
static bool run(const struct arguments *arguments, struct zca_error *err)
{
    char **rest = arguments->rest;
    int num_rest = arguments->num_rest;
    bool named = num_rest > 0 && rest[0][0] != '-';
    const struct zca_command *command = named ? find_command(rest[0], err) : &commands[0];
    if (!command) {
        return false;
    }
    zca_auto(zca_server) struct zca_server server = {0};
    return open_server(arguments, &server, err) &&
           command->run(&server, num_rest - (named ? 1 : 0), rest + (named ? 1 : 0), err);
}

int main(int argc, char **argv)
{
    struct zca_error err = {0};
    struct arguments arguments = {0};
    bool good = harden(&err) && parse_arguments(argc, argv, &arguments, &err);
    if (good && arguments.help) {
        print_help();
    } else if (good && arguments.version) {
        printf("zca-server " ZCA_VERSION "\n");
    } else if (good) {
        good = run(&arguments, &err);
    }
    free(arguments.settings);
    free(arguments.rest);
    if (!good) {
        (void)fprintf(stderr, "zca-server: %s\n", err.message); /* nowhere else to say it */
    }
    int failure = err.reason == ZCA_ERR_INVALID || err.reason == ZCA_ERR_CONFIG ? 2 : 1;
    return good ? 0 : failure;
}
