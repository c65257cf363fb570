/* SPDX-License-Identifier: Apache-2.0 */
/* zca export: files for programs that take no URI. No network: what is stored is written. */
#include "core/deploy.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/inventory.h"
#include "tool/output.h"

static void say_file(const char *what, const char *path)
{
    if (path) {
        zca_tool_say("%s written to %s", what, path);
    }
}

static bool write_files(struct zca_identity *identity, const struct zca_deploy *deploy,
                        struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    return zca_deploy_write(identity, deploy, &failure) ||
           zca_tool_explain_missing(identity, &failure, err);
}

static bool check_arguments(const char *name, const struct zca_deploy *deploy,
                            struct zca_error *err)
{
    if (!name) {
        return zca_error_set(err, ZCA_ERR_INVALID, "which identity? 'zca list' shows them");
    }
    if (!deploy->certificate_file && !deploy->key_file && !deploy->bundle_file) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "where to? give one or more of --bundle, --cert, --key");
    }
    return !deploy->plain_key || !deploy->sealed ||
           zca_error_set(err, ZCA_ERR_INVALID, "--plain-key and --sealed exclude each other");
}

bool zca_tool_export(struct zca_tool *tool, struct zca_error *err)
{
    const struct zca_arguments *arguments = tool->arguments;
    const char *name = zca_arguments_words(arguments)[0];
    const struct zca_deploy deploy = {
        .certificate_file = zca_arguments_text(arguments, ZCA_TOOL_CERT),
        .key_file = zca_arguments_text(arguments, ZCA_TOOL_KEY),
        .bundle_file = zca_arguments_text(arguments, ZCA_TOOL_BUNDLE),
        .plain_key = zca_arguments_has(arguments, ZCA_TOOL_PLAIN_KEY),
        .sealed = zca_arguments_has(arguments, ZCA_TOOL_SEALED),
    };
    if (!check_arguments(name, &deploy, err)) {
        return zca_tool_misused(tool);
    }
    zca_auto(zca_identity) struct zca_identity *identity = zca_tool_open_identity(
        tool->library, name, zca_arguments_text(arguments, ZCA_TOOL_AUTHORITY), NULL, err);
    if (!identity || !write_files(identity, &deploy, err)) {
        return zca_error_context(err, "export '%s'", name);
    }
    say_file(deploy.plain_key ? "Key in the clear, certificate and chain"
                              : "Key reference, certificate and chain",
             deploy.bundle_file);
    say_file(deploy.plain_key ? "Key in the clear" : "Key reference", deploy.key_file);
    say_file("Certificate", deploy.certificate_file);
    return true;
}
