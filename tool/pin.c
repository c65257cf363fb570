/* SPDX-License-Identifier: Apache-2.0 */
/* zca pin: the PIN of an identity's PKCS#11 token, set by whoever owns its files; no old PIN is asked for. */
#include "core/pin.h"

#include "tool/command.h"
#include "tool/error.h"
#include "tool/inventory.h"
#include "tool/output.h"
#include "tool/password.h"

static bool ask_twice(struct zca_buffer *out_pin, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer again = ZCA_SECRET_BUFFER;
    if (!zca_password_ask("New PIN: ", true, out_pin, err)) {
        return false;
    }
    if (!zca_password_has_terminal()) {
        return true;
    }
    return zca_password_ask("Once more: ", true, &again, err) &&
           (zca_span_equal(zca_buffer_span(out_pin), zca_buffer_span(&again)) ||
            zca_error_set(err, ZCA_ERR_INVALID, "the two are not the same"));
}

static bool read_pin(const struct zca_arguments *arguments, struct zca_buffer *out_pin,
                     struct zca_error *err)
{
    const char *file = zca_arguments_text(arguments, ZCA_TOOL_PIN_FILE);
    return file ? zca_password_load(file, out_pin, err) : ask_twice(out_pin, err);
}

static bool remove_pin(const struct zca_identity *identity, struct zca_error *err)
{
    if (!zca_pin_remove(zca_identity_get_library(identity),
                        zca_identity_get_authority_name(identity), zca_identity_get_name(identity),
                        err)) {
        return false;
    }
    zca_tool_say("PIN of %s removed", zca_identity_get_uri(identity));
    return true;
}

static bool set_pin(const struct zca_identity *identity, const struct zca_arguments *arguments,
                    struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pin = ZCA_SECRET_BUFFER;
    if (!read_pin(arguments, &pin, err) ||
        !zca_pin_set(zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
                     zca_identity_get_name(identity), zca_buffer_span(&pin), err)) {
        return false;
    }
    zca_tool_say("PIN of %s set", zca_identity_get_uri(identity));
    if (zca_identity_get_pin(identity) != ZCA_PIN_LOCAL) {
        zca_tool_say("Nobody asks for it yet: set 'pin = local' in [identity %s] of zca.conf",
                     zca_identity_get_name(identity));
    }
    return true;
}

static bool check_arguments(const struct zca_arguments *arguments, struct zca_error *err)
{
    if (zca_arguments_num_words(arguments) == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "which identity? 'zca list' shows them");
    }
    return !zca_arguments_has(arguments, ZCA_TOOL_REMOVE) ||
           !zca_arguments_has(arguments, ZCA_TOOL_PIN_FILE) ||
           zca_error_set(err, ZCA_ERR_INVALID, "--remove and --pin-file exclude each other");
}

bool zca_tool_pin(struct zca_tool *tool, struct zca_error *err)
{
    const struct zca_arguments *arguments = tool->arguments;
    const char *name = zca_arguments_words(arguments)[0];
    bool remove = zca_arguments_has(arguments, ZCA_TOOL_REMOVE);
    if (!check_arguments(arguments, err)) {
        return zca_tool_misused(tool);
    }
    zca_auto(zca_identity) struct zca_identity *identity = zca_tool_open_identity(
        tool->library, name, zca_arguments_text(arguments, ZCA_TOOL_AUTHORITY), NULL, err);
    if (!identity) {
        return zca_error_context(err, "pin '%s'", name);
    }
    return (remove ? remove_pin(identity, err) : set_pin(identity, arguments, err)) ||
           zca_error_context(err, "pin '%s'", name);
}
