/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca renew: what a timer runs. Each identity is renewed when it is due, its files are written and
 * its reload command is run by core/renew.c; one that fails does not keep the others back.
 */
#include "core/renew.h"

#include <string.h>

#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/inventory.h"
#include "tool/output.h"

static bool say_renewed(struct zca_identity *identity, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    int64_t expires_at_s = 0;
    char expiry[ZCA_RFC3339_SIZE];
    if (!zca_identity_certificates(identity, &certificates, err) ||
        !zca_clock_from_asn1(X509_get0_notAfter(sk_X509_value(certificates, 0)), &expires_at_s,
                             err)) {
        return false;
    }
    zca_tool_time(expires_at_s, expiry);
    zca_tool_say("Renewed %s, expires: %s", zca_identity_get_uri(identity), expiry);
    return true;
}

static struct zca_chain *load_chain(const struct zca_identity *identity)
{
    return zca_certificate_load_chain(zca_identity_get_library(identity),
                                      zca_identity_get_authority_name(identity),
                                      zca_identity_get_name(identity), NULL);
}

/* Also without a new certificate something may have been done: files that lagged behind, a reload. */
static bool say_done(struct zca_identity *identity, const struct zca_chain *before,
                     struct zca_error *err)
{
    zca_auto(zca_chain) struct zca_chain *after = load_chain(identity);
    if (before && after && zca_chain_same(before, after)) {
        zca_tool_say("Not due, but files and reload were made up for: %s",
                     zca_identity_get_uri(identity));
        return true;
    }
    return say_renewed(identity, err);
}

/* Prints what happened, also the failure. */
static bool renew(struct zca_identity *identity, bool force)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_chain) struct zca_chain *before = load_chain(identity);
    bool renewed = false;
    bool ok = zca_renew(identity, force, &renewed, &failure);
    if (ok && renewed) {
        ok = say_done(identity, before, &failure);
    } else if (ok) {
        zca_tool_say("Not due: %s", zca_identity_get_uri(identity));
    }
    zca_tool_print_error(&failure);
    return ok;
}

static bool renew_named(struct zca_tool *tool, bool force, struct zca_error *err)
{
    const char *authority = zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY);
    bool ok = true;
    for (char *const *name = zca_arguments_words(tool->arguments); *name; name++) {
        zca_auto(zca_identity) struct zca_identity *identity =
            zca_tool_open_identity(tool->library, *name, authority, NULL, err);
        if (!identity || !zca_tool_check_known(identity, err)) {
            return false;
        }
        ok = renew(identity, force) && ok;
    }
    return ok;
}

static bool renew_found(struct zca_tool *tool, bool force, struct zca_error *err)
{
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    const char *authority = zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY);
    bool all = zca_arguments_has(tool->arguments, ZCA_TOOL_ALL);
    bool ok = true;
    if (!zca_inventory_find(tool->library, authority, !all, &inventory, err)) {
        return false;
    }
    if (inventory.num_identities == 0) {
        zca_tool_say(all ? "No identities here"
                         : "No [identity NAME] in zca.conf; --all renews whatever is here");
    }
    for (size_t i = 0; i < inventory.num_identities; i++) {
        ok = renew(inventory.identities[i], force) && ok;
    }
    return ok;
}

bool zca_tool_renew(struct zca_tool *tool, struct zca_error *err)
{
    bool named = zca_arguments_num_words(tool->arguments) > 0;
    bool force = zca_arguments_has(tool->arguments, ZCA_TOOL_FORCE);
    if (named && zca_arguments_has(tool->arguments, ZCA_TOOL_ALL)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "give names or --all"); /* false below */
        return zca_tool_misused(tool);
    }
    return named ? renew_named(tool, force, err) : renew_found(tool, force, err);
}
