/* SPDX-License-Identifier: Apache-2.0 */
/* Identities as a person names them, and all that are here. */
#ifndef ZCA_TOOL_INVENTORY_H
#define ZCA_TOOL_INVENTORY_H

#include "core/identity.h"

/**
 * zca_tool_open_identity opens what a person calls NAME, AUTHORITY/NAME or zca://AUTHORITY/NAME.
 *
 * authority  of a bare NAME; NULL: the default one.
 * ttl        lifetime to ask for, as in URIs; NULL: the identity's own.
 */
ZCA_NODISCARD struct zca_identity *zca_tool_open_identity(struct zca_library *library,
                                                          const char *text, const char *authority,
                                                          const char *ttl, struct zca_error *err);

/** zca_tool_check_known refuses an identity that nothing here knows: neither zca.conf nor a key nor a certificate.
 * err   ZCA_ERR_NOT_FOUND, with the command that makes one. */
ZCA_NODISCARD bool zca_tool_check_known(struct zca_identity *identity, struct zca_error *err);

/** zca_tool_explain_missing copies `failure` of a command on `identity` to `err`; when it is that something was not found,
 * and the identity is not known either, it says that instead. Returns false. */
bool zca_tool_explain_missing(struct zca_identity *identity, const struct zca_error *failure,
                              struct zca_error *err);

struct zca_inventory {
    struct zca_identity **identities; /* sorted by authority and name, each once */
    size_t num_identities;
};

/**
 * zca_inventory_find opens all identities that have a section, a key or a certificate here. No network.
 *
 * authority        only of this one, which must be configured; NULL: of all.
 * configured_only  true: only those with a section in zca.conf.
 * out_inventory    zero-initialised; the caller clears it.
 */
ZCA_NODISCARD bool zca_inventory_find(struct zca_library *library, const char *authority,
                                      bool configured_only, struct zca_inventory *out_inventory,
                                      struct zca_error *err);
void zca_inventory_clear(struct zca_inventory *inventory);
ZCA_DEFINE_AUTO_CLEAR(zca_inventory, struct zca_inventory, zca_inventory_clear);

#endif
