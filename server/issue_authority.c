/* SPDX-License-Identifier: Apache-2.0 */
/* The CA's own certificate, declared in server/issue.h: made as any other, and signed by itself. */
#include <string.h>

#include "base/openssl_auto.h"
#include "server/authority.h"
#include "server/draft.h"
#include "server/ec_key.h"
#include "server/identifier.h"
#include "server/issue.h"
#include "server/ledger_audit.h"
#include "server/profile.h"
#include "server/refusal.h"
#include "server/signing.h"

#define BACKDATE_S 60

/* In this order. */
static const struct {
    int nid;
    const char *text;
} subject_parts[] = {
    {NID_organizationName, "QuickZTNA"   },
    {NID_commonName,       "QuickZTNA CA"},
};

static X509_NAME *make_subject(struct zca_error *err)
{
    zca_auto(X509_NAME) X509_NAME *name = X509_NAME_new();
    for (size_t i = 0; name && i < ZCA_COUNT(subject_parts); i++) {
        if (X509_NAME_add_entry_by_NID(name, subject_parts[i].nid, MBSTRING_ASC,
                                       (const uint8_t *)subject_parts[i].text, -1, -1, 0) != 1) {
            zca_error_set_crypto(err, "naming the CA");
            return NULL;
        }
    }
    if (!name) {
        zca_error_set(err, ZCA_ERR_MEMORY, "naming the CA");
    }
    return zca_steal(name);
}

static bool sign(struct zca_ledger *ledger, const struct zca_signing *signing,
                 struct zca_buffer *out_der, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    int64_t intent = 0;
    return zca_signing_run(ledger, signing, &intent, &signature, err) &&
           zca_signing_complete(signing, zca_buffer_span(&signature), out_der, err);
}

static bool make_certificate(struct zca_ledger *ledger, const struct zca_authority *authority,
                             const char *requester, int64_t now_ms, struct zca_buffer *out_der,
                             struct zca_error *err)
{
    const struct zca_signature_algorithm *algorithm = zca_authority_algorithm(authority, NULL);
    zca_auto(X509_NAME) X509_NAME *name = make_subject(err);
    zca_auto(zca_draft) struct zca_draft draft = {
        .profile = ZCA_PROFILE_CA, .issuer = name, .subject = name};
    if (!name || !algorithm || !zca_draft_start(&draft, err)) {
        return algorithm ? false : zca_error_set(err, ZCA_ERR_CRYPTO, "the CA key cannot sign");
    }
    draft.not_before_s = now_ms / 1000 - BACKDATE_S;
    draft.not_after_s = draft.not_before_s + ZCA_CA_LIFETIME_S;
    if (!zca_draft_set_key(&draft, zca_authority_key(authority), err) ||
        !zca_draft_finish(&draft, algorithm, err)) {
        return false;
    }
    struct zca_signing signing = {.authority = authority,
                                  .algorithm = algorithm,
                                  .kind = "ca",
                                  .profile = zca_profile_name(draft.profile),
                                  .requester = requester,
                                  .serial = zca_buffer_span(&draft.serial),
                                  .tbs = zca_buffer_span(&draft.tbs),
                                  .now_ms = now_ms};
    return sign(ledger, &signing, out_der, err);
}

struct installation {
    const struct zca_authority_row *row;
    const char *requester;
};

static bool install(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct installation *installation = context;
    struct zca_audit_event event = {.created_at = installation->row->created_at,
                                    .org_id = installation->row->org_id,
                                    .actor = installation->requester,
                                    .event = "ca.initialized",
                                    .object = installation->row->id};
    return zca_ledger_authority_replace(ledger, installation->row, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

static bool make_authority(struct zca_state *state, const char *requester,
                           struct zca_authority_row *row, struct zca_error *err)
{
    zca_auto(EVP_PKEY) EVP_PKEY *key = zca_ec_key_make(err);
    zca_auto(zca_buffer) struct zca_buffer purpose = {0};
    if (!key || !zca_authority_purpose(row->id, &purpose, err) ||
        !zca_ec_key_seal(zca_state_seal(state), (const char *)purpose.data, key, &row->sealed_key,
                         err)) {
        return false;
    }
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_new(row->id, row->org_id, zca_steal(key), NULL, err);
    return authority && make_certificate(zca_state_ledger(state), authority, requester,
                                         row->created_at, &row->certificate, err);
}

bool zca_issue_authority(struct zca_state *state, const char *org_id, const char *requester,
                         struct zca_authority_row *out_row, struct zca_error *err)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    char id[ZCA_UUID_SIZE];
    if (!zca_uuid_make(id, err) || !zca_state_now(state, &row.created_at, err)) {
        return false;
    }
    row.id = strdup(id);
    row.org_id = strdup(org_id);
    if (!row.id || !row.org_id) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a CA");
    }
    struct installation installation = {.row = &row, .requester = requester};
    if (!make_authority(state, requester, &row, err) ||
        !zca_ledger_transact(zca_state_ledger(state), install, &installation, err)) {
        return false;
    }
    *out_row = row;
    row = (struct zca_authority_row){0};
    return true;
}
