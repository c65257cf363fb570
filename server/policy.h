/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an organisation lets its CA sign: how long, for which machines, which names, which keys.
 * Every refusal carries a code of server/refusal.h.
 */
#ifndef ZCA_SERVER_POLICY_H
#define ZCA_SERVER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/ledger_account.h"

/* Lengths of validity a request may name at all. */
#define ZCA_MAX_TTL_HOURS 87600
#define ZCA_MIN_TTL_S 60

struct zca_policy {
    struct zca_org org;
    int64_t max_ttl_hours; /* least of the organisation's certificate policies; 0: none */
    bool require_posture_compliant;
    bool require_machine_online;
};

/** zca_policy_load reads the settings of an organisation and joins its certificate policies: the
 * strictest counts. out_policy zero-initialised. err code FORBIDDEN for an unknown organisation. */
ZCA_NODISCARD bool zca_policy_load(struct zca_ledger *ledger, const char *org_id,
                                   struct zca_policy *out_policy, struct zca_error *err);
void zca_policy_clear(struct zca_policy *policy);
ZCA_DEFINE_AUTO_CLEAR(zca_policy, struct zca_policy, zca_policy_clear);

/* How long a certificate is asked for. */
struct zca_ttl {
    bool has_hours;
    int64_t hours;
    bool has_seconds; /* wins over hours */
    int64_t seconds;
    bool for_machine;
};

/** zca_policy_check_ttl tells whether a request's numbers are in range. err code INVALID_TTL. */
ZCA_NODISCARD bool zca_policy_check_ttl(const struct zca_ttl *ttl, struct zca_error *err);

/**
 * zca_policy_cap_ttl gives the length of validity that is granted: what was asked for, or the
 * organisation's default, cut to its cap and its certificate policies.
 *
 * ttl   checked.
 * err   code TTL_EXCEEDS_POLICY: a machine asked for more than a certificate policy allows.
 */
ZCA_NODISCARD bool zca_policy_cap_ttl(const struct zca_policy *policy, const struct zca_ttl *ttl,
                                      int64_t *out_seconds, struct zca_error *err);

/** zca_policy_longest_s returns the longest validity of any certificate in the organisation. */
int64_t zca_policy_longest_s(const struct zca_policy *policy);

/** zca_policy_check_machine tells whether a machine may have a certificate. err codes NOT_FOUND,
 * MACHINE_QUARANTINED, MACHINE_NOT_ONLINE, POSTURE_NON_COMPLIANT. */
ZCA_NODISCARD bool zca_policy_check_machine(struct zca_ledger *ledger,
                                            const struct zca_policy *policy, const char *machine_id,
                                            struct zca_error *err);

/** zca_policy_check_name tells whether a general name (RFC 5280, 4.2.1.6) may stand in a certificate:
 * DNS names, IP addresses and mailboxes, well formed and of the organisation's domains.
 * err code NAME_NOT_ALLOWED. */
ZCA_NODISCARD bool zca_policy_check_name(const struct zca_policy *policy, const GENERAL_NAME *name,
                                         struct zca_error *err);

/** zca_policy_check_names checks each of at most 100 names; an empty list is refused. */
ZCA_NODISCARD bool zca_policy_check_names(const struct zca_policy *policy,
                                          const GENERAL_NAMES *names, struct zca_error *err);

/** zca_policy_check_subject checks each attribute of a subject: CN, O, OU, C, L, ST and emailAddress, no
 * others. A common name without a space inside could be taken for a host's: it is one of the
 * organisation's hosts, addresses or mailboxes, or a UUID. err code NAME_NOT_ALLOWED. */
ZCA_NODISCARD bool zca_policy_check_subject(const struct zca_policy *policy,
                                            const X509_NAME *subject, struct zca_error *err);

/** zca_policy_takes_attribute tells whether a certificate takes an attribute of its CSR's subject. */
bool zca_policy_takes_attribute(int nid);

/** zca_policy_check_domains tells whether a list of domains can be read: each word is a domain, an
 * address or a network. err code VALIDATION_ERROR. */
ZCA_NODISCARD bool zca_policy_check_domains(const char *list, struct zca_error *err);

/** zca_host_name_check tells whether `text` is a DNS name: letters, digits and hyphens in labels of at
 * most 63, 253 in all (RFC 1123, 2.1), with '*' allowed as the whole first of three or more labels. */
bool zca_host_name_check(const char *text);

/** zca_policy_check_key tells whether a public key may be certified: RSA of 2048 to 8192 bits with
 * exponent 65537, P-256, P-384, P-521 by name, Ed25519; and not `own`, the CA's key.
 * key   the same as an object; NULL: it could not be read. err code WEAK_KEY. */
ZCA_NODISCARD bool zca_policy_check_key(const X509_PUBKEY *public_key, const EVP_PKEY *key,
                                        const EVP_PKEY *own, struct zca_error *err);

/** zca_policy_check_usage tells whether each extended key usage is one of the organisation's.
 * err code USAGE_NOT_ALLOWED. */
ZCA_NODISCARD bool zca_policy_check_usage(const struct zca_policy *policy,
                                          const EXTENDED_KEY_USAGE *usage, struct zca_error *err);

/** zca_policy_leaves_usage_open tells whether a certificate may have no extended key usage, and so be good
 * for every use: where the organisation lists both serverAuth and clientAuth. */
bool zca_policy_leaves_usage_open(const struct zca_policy *policy);

/** zca_policy_default_usage gives the usage of a certificate whose request names none: serverAuth and
 * clientAuth, as far as the organisation lists them. err code USAGE_NOT_ALLOWED: neither. */
ZCA_NODISCARD bool zca_policy_default_usage(const struct zca_policy *policy,
                                            EXTENDED_KEY_USAGE **out_usage, struct zca_error *err);

#endif
