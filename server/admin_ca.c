/* SPDX-License-Identifier: Apache-2.0 */
/* `ca`, `backup` and `verify`. */
#include <stdio.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/admin.h"
#include "server/admin_verb.h"
#include "server/issue.h"
#include "server/ledger_authority.h"
#include "server/refusal.h"
#include "server/verify.h"

static bool print_ca(const struct zca_authority_row *row, struct zca_error *err)
{
    struct zca_span der = zca_buffer_span(&row->certificate);
    zca_auto(zca_buffer) struct zca_buffer fingerprint = {0};
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    zca_auto(X509) X509 *certificate = zca_der_parse_certificate(NULL, der, err);
    int64_t expires_s = 0;
    if (!certificate || !zca_fingerprint(NULL, der, &fingerprint, err) ||
        !zca_pem_format("CERTIFICATE", der, &pem, err) ||
        !zca_clock_from_asn1(X509_get0_notAfter(certificate), &expires_s, err)) {
        return false;
    }
    printf("id           %s\nfingerprint  %s\nexpires      ", row->id,
           (const char *)fingerprint.data);
    zca_admin_print_time(expires_s * 1000);
    printf("\n%s", (const char *)pem.data);
    return true;
}

static bool show_ca(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    bool found = false;
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_authority_current(admin->ledger, org.id, &row, &found, err)) {
        return false;
    }
    return found ? print_ca(&row, err) : zca_refuse(err, ZCA_REFUSE_CA_NOT_INITIALIZED, NULL);
}

/* A second CA makes what the first one issued unverifiable: that must be said, not slipped into. */
static bool init_ca(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    zca_auto(zca_authority_row) struct zca_authority_row old = {0};
    bool rotate = false;
    bool found = false;
    if (!zca_admin_boolean(admin->options[1], &rotate, err) ||
        !zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_authority_current(admin->ledger, org.id, &old, &found, err)) {
        return false;
    }
    if (found && !rotate) {
        return zca_error_set(err, ZCA_ERR_CONFLICT,
                             "organisation '%s' has a CA: --rotate yes replaces it", org.name);
    }
    return zca_issue_authority(admin->state, org.id, ZCA_ADMIN_ACTOR, &row, err) &&
           print_ca(&row, err);
}

static const struct zca_admin_verb ca_verbs[] = {
    {.verb = "show", .arguments = "[--org ORG]",   .options = {"org"}, .run = show_ca},
    {.verb = "init",
     .arguments = "[--org ORG] [--rotate yes|no]",
     .options = {"org", "rotate"},
     .run = init_ca                                                                  },
};

bool zca_admin_ca(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("ca", ca_verbs, ZCA_COUNT(ca_verbs), server, argc, argv, err);
}

static bool back_up(struct zca_admin *admin, struct zca_error *err)
{
    return zca_admin_audit(admin, NULL, "ledger.backup", NULL, NULL, err) &&
           zca_ledger_backup(admin->ledger, admin->words[0], err);
}

static const struct zca_admin_verb backup_verbs[] = {
    {.verb = "", .arguments = "FILE", .num_words = 1, .run = back_up},
};

bool zca_admin_backup(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("backup", backup_verbs, ZCA_COUNT(backup_verbs), server, argc, argv, err);
}

static bool verify(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_verification) struct zca_verification verification = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_verify(admin->ledger, &verification, err) ||
        !zca_hex_encode(zca_buffer_span(&verification.head_hash), '\0', &hash, err)) {
        return false;
    }
    printf("%lld certificates, %lld audit entries, head %s\n",
           (long long)verification.num_certificates, (long long)verification.num_entries,
           hash.len ? (const char *)hash.data : "-");
    return true;
}

static const struct zca_admin_verb verify_verbs[] = {
    {.verb = "", .arguments = "", .run = verify},
};

bool zca_admin_verify(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("verify", verify_verbs, ZCA_COUNT(verify_verbs), server, argc, argv, err);
}
