/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca: the table of commands, and what every one needs: a hardened process that does not load the
 * system's openssl.cnf (which may load zca.so), the configuration, one line about a failure.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tool/command.h"
#include "tool/error.h"
#include "tool/help.h"
#include "tool/output.h"

#define SECURE_HEAP_BYTES (256u << 10) /* a power of two; within Debian's limit of locked memory */
#define SECURE_HEAP_LEAST 32u          /* bytes of the smallest block */

/* What each command takes besides --config and --help. */
static const enum zca_tool_option login_options[] = {
    ZCA_TOOL_URL,  ZCA_TOOL_TRUST_FILE,    ZCA_TOOL_ORG,  ZCA_TOOL_MACHINE, ZCA_TOOL_DIALECT,
    ZCA_TOOL_USER, ZCA_TOOL_PASSWORD_FILE, ZCA_TOOL_CODE, ZCA_TOOL_END};

static const enum zca_tool_option logout_options[] = {ZCA_TOOL_END};

static const enum zca_tool_option ca_init_options[] = {ZCA_TOOL_AUTHORITY, ZCA_TOOL_ROTATE,
                                                       ZCA_TOOL_END};

static const enum zca_tool_option ca_show_options[] = {ZCA_TOOL_AUTHORITY, ZCA_TOOL_TRUST,
                                                       ZCA_TOOL_END};

static const enum zca_tool_option cert_options[] = {
    ZCA_TOOL_CERT_FILE, ZCA_TOOL_KEY_FILE, ZCA_TOOL_PLAIN_KEY, ZCA_TOOL_TTL,
    ZCA_TOOL_DNS,       ZCA_TOOL_IP,       ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option list_options[] = {ZCA_TOOL_AUTHORITY, ZCA_TOOL_REMOTE,
                                                    ZCA_TOOL_JSON, ZCA_TOOL_END};

static const enum zca_tool_option revoke_options[] = {ZCA_TOOL_SERIAL, ZCA_TOOL_ID, ZCA_TOOL_REASON,
                                                      ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option renew_options[] = {ZCA_TOOL_FORCE, ZCA_TOOL_ALL,
                                                     ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option export_options[] = {
    ZCA_TOOL_BUNDLE,    ZCA_TOOL_CERT,      ZCA_TOOL_KEY, ZCA_TOOL_SEALED,
    ZCA_TOOL_PLAIN_KEY, ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option doctor_options[] = {ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option pin_options[] = {ZCA_TOOL_PIN_FILE, ZCA_TOOL_REMOVE,
                                                   ZCA_TOOL_AUTHORITY, ZCA_TOOL_END};

static const enum zca_tool_option config_options[] = {ZCA_TOOL_PRINT_OPTIONS, ZCA_TOOL_MAN,
                                                      ZCA_TOOL_END};

static const enum zca_tool_option help_options[] = {ZCA_TOOL_PRINT_OPTIONS, ZCA_TOOL_END};

static const struct zca_tool_command commands[] = {
    {
     .name = "login",
     .arguments = "[AUTHORITY]",
     .help = "log in, and write a new authority into zca.conf",
     .max_words = 1,
     .options = login_options,
     .run = zca_tool_login,
     },
    {
     .name = "logout",
     .arguments = "[AUTHORITY]",
     .help = "end the session and remove its tokens",
     .max_words = 1,
     .options = logout_options,
     .run = zca_tool_logout,
     },
    {
     .name = "ca init",
     .arguments = "",
     .help = "make the organisation's CA, once",
     .max_words = 0,
     .options = ca_init_options,
     .run = zca_tool_ca_init,
     },
    {
     .name = "ca show",
     .arguments = "",
     .help = "print the CA that issues for us, and compare it with the pinned one",
     .max_words = 0,
     .options = ca_show_options,
     .run = zca_tool_ca_show,
     },
    {
     .name = "cert",
     .arguments = "[DOMAIN]",
     .help = "request a certificate and write it and a key reference to files",
     .max_words = 1,
     .options = cert_options,
     .run = zca_tool_cert,
     },
    {
     .name = "list",
     .arguments = "",
     .help = "list the identities of this host, or the authority's certificates",
     .max_words = 0,
     .options = list_options,
     .run = zca_tool_list,
     },
    {
     .name = "revoke",
     .arguments = "[NAME]",
     .help = "have the authority mark a certificate as revoked",
     .max_words = 1,
     .options = revoke_options,
     .run = zca_tool_revoke,
     },
    {
     .name = "renew",
     .arguments = "[NAME...]",
     .help = "renew what is due, write its files, reload its servers",
     .max_words = SIZE_MAX,
     .options = renew_options,
     .run = zca_tool_renew,
     },
    {
     .name = "export",
     .arguments = "NAME",
     .help = "write files for programs that take no URI",
     .max_words = 1,
     .options = export_options,
     .run = zca_tool_export,
     },
    {
     .name = "doctor",
     .arguments = "[FILE...]",
     .help = "find what keeps openssl, servers and the authority from working together",
     .max_words = SIZE_MAX,
     .options = doctor_options,
     .run = zca_tool_doctor,
     },
    {
     .name = "pin",
     .arguments = "NAME",
     .help = "set the PIN that an identity's PKCS#11 token asks for",
     .max_words = 1,
     .options = pin_options,
     .run = zca_tool_pin,
     },
    {
     .name = "config",
     .arguments = "",
     .help = "print the configuration in force",
     .max_words = 0,
     .options = config_options,
     .run = zca_tool_config,
     },
    {
     .name = "help",
     .arguments = "[COMMAND]",
     .help = "tell the commands, or the options of one",
     .max_words = 2,
     .options = help_options,
     .run = zca_tool_help,
     },
};

/* ---- process ---- */

static void on_interrupt(int number)
{
    (void)number;
    _exit(
        ZCA_EXIT_INTERRUPTED); /* files are replaced whole, orders are journalled: nothing to undo */
}

/* Nothing of us in core files, nothing for others in new files, keys in locked memory. */
static bool harden(struct zca_error *err)
{
    const struct rlimit none = {0};
    const struct sigaction interrupt = {.sa_handler = on_interrupt};
    (void)umask(077); /* cannot fail */
    if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
        return zca_error_set(err, ZCA_ERR_CRYPTO, "starting OpenSSL");
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0) {
        return zca_error_set_errno(err, "turning core files off");
    }
    if (CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, SECURE_HEAP_LEAST) == 0) {
        return zca_error_set_crypto(err, "making the secure heap");
    }
    return sigaction(SIGINT, &interrupt, NULL) == 0 ||
           zca_error_set_errno(err, "preparing for interrupts");
}

/* ---- the command line ---- */

static const struct zca_tool_command *find_command(char *const *words, size_t *out_num_words,
                                                   struct zca_error *err)
{
    const struct zca_tool_command *command =
        zca_help_find(commands, ZCA_COUNT(commands), words, out_num_words);
    if (command) {
        return command;
    }
    const char *names[ZCA_COUNT(commands) + 1] = {NULL};
    zca_auto(text) char *asked = NULL;
    for (size_t i = 0; i < ZCA_COUNT(commands); i++) {
        names[i] = commands[i].name;
    }
    if (asprintf(&asked, "%s%s%s", words[0], words[1] ? " " : "", words[1] ? words[1] : "") < 0) {
        asked = NULL; /* undefined after a failure */
    }
    const char *nearest = zca_nearest(words[0], names);
    nearest = nearest || !asked ? nearest : zca_nearest(asked, names);
    (void)zca_error_set(err, ZCA_ERR_INVALID, "there is no command '%s'%s%s%s", words[0], /* NULL */
                        nearest ? ": did you mean 'zca " : ", see 'zca help",
                        nearest ? nearest : "", "'");
    return NULL;
}

/* The rows of the command and the two that all have. Caller frees. */
static enum zca_tool_option *all_options(const struct zca_tool_command *command)
{
    size_t num = 0;
    while (command->options[num] != ZCA_TOOL_END) {
        num++;
    }
    enum zca_tool_option *options = calloc(num + 3, sizeof(*options));
    if (options) {
        memcpy(options, command->options, num * sizeof(*options));
        options[num] = ZCA_TOOL_CONFIG;
        options[num + 1] = ZCA_TOOL_HELP;
    }
    return options;
}

static struct zca_arguments *parse_command(const struct zca_tool_command *command, int argc,
                                           char **argv, struct zca_error *err)
{
    enum zca_tool_option *options = all_options(command);
    if (!options) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "reading the command line"); /* NULL tells */
        return NULL;
    }
    zca_auto(zca_arguments) struct zca_arguments *arguments =
        zca_arguments_parse(options, false, argc, argv, err);
    free(options);
    if (arguments && zca_arguments_num_words(arguments) > command->max_words) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, /* NULL tells */
                            "'%s' is too much: see 'zca help %s'",
                            zca_arguments_words(arguments)[command->max_words], command->name);
        return NULL;
    }
    return zca_steal(arguments);
}

/* ---- running ---- */

static int run(const struct zca_tool_command *command, const char *config_file,
               const struct zca_arguments *arguments, struct zca_error *err)
{
    const char *own = zca_arguments_text(arguments, ZCA_TOOL_CONFIG);
    const struct zca_library_settings settings = {.config_file = own ? own : config_file};
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, err);
    struct zca_tool tool = {
        .config_file = settings.config_file,
        .library = library,
        .arguments = arguments,
        .commands = commands,
        .num_commands = ZCA_COUNT(commands),
    };
    bool ok = library && command->run(&tool, err) && zca_tool_flush(err);
    int failed = tool.is_misused ? ZCA_EXIT_USAGE : ZCA_EXIT_FAILED;
    return ok ? ZCA_EXIT_DONE : failed;
}

/* Options before the command: --config, --help, --version. */
static int start(int argc, char **argv, struct zca_error *err)
{
    static const enum zca_tool_option options[] = {ZCA_TOOL_CONFIG, ZCA_TOOL_HELP, ZCA_TOOL_VERSION,
                                                   ZCA_TOOL_END};

    size_t num_words = 0;
    zca_auto(zca_arguments) struct zca_arguments *global =
        zca_arguments_parse(options, true, argc, argv, err);
    if (!global) {
        return ZCA_EXIT_USAGE;
    }
    if (zca_arguments_has(global, ZCA_TOOL_VERSION)) {
        zca_tool_say("zca " ZCA_VERSION);
        return zca_tool_flush(err) ? ZCA_EXIT_DONE : ZCA_EXIT_FAILED;
    }
    char *const *words = zca_arguments_words(global);
    if (!words[0] || zca_arguments_has(global, ZCA_TOOL_HELP)) {
        zca_help_commands(commands, ZCA_COUNT(commands));
        return words[0] || zca_arguments_has(global, ZCA_TOOL_HELP) ? ZCA_EXIT_DONE
                                                                    : ZCA_EXIT_USAGE;
    }
    const struct zca_tool_command *command = find_command(words, &num_words, err);
    int front = argc - (int)zca_arguments_num_words(global) + (int)num_words - 1;
    zca_auto(zca_arguments) struct zca_arguments *arguments =
        command ? parse_command(command, argc - front, argv + front, err) : NULL;
    if (!arguments) {
        return ZCA_EXIT_USAGE;
    }
    if (zca_arguments_has(arguments, ZCA_TOOL_HELP)) {
        zca_help_command(command);
        return zca_tool_flush(err) ? ZCA_EXIT_DONE : ZCA_EXIT_FAILED;
    }
    return run(command, zca_arguments_text(global, ZCA_TOOL_CONFIG), arguments, err);
}

int main(int argc, char **argv)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    int status = harden(&err) ? start(argc, argv, &err) : ZCA_EXIT_FAILED;
    (void)fflush(stdout); /* asked before; in front of what follows */
    zca_tool_print_error(&err);
    return status;
}
