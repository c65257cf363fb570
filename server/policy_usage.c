/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended key usages (RFC 5280, 4.2.1.12). A certificate without any is good for every use: it exists
 * only where the organisation allows servers and clients (docs/decisions/0016).
 */
#include <string.h>
#include <strings.h>

#include <openssl/objects.h>

#include "server/policy.h"
#include "server/refusal.h"

static const int common_usages[] = {NID_server_auth, NID_client_auth};

static bool is_listed(const char *words, const char *word)
{
    size_t word_len = strlen(word);
    const char *rest = words + strspn(words, " ,");
    while (*rest != '\0') {
        size_t len = strcspn(rest, " ,");
        if (len == word_len && strncasecmp(rest, word, len) == 0) {
            return true;
        }
        rest += len;
        rest += strspn(rest, " ,");
    }
    return false;
}

bool zca_policy_check_usage(const struct zca_policy *policy, const EXTENDED_KEY_USAGE *usage,
                            struct zca_error *err)
{
    int num = sk_ASN1_OBJECT_num(usage);
    if (num < 1) {
        return zca_refuse(err, ZCA_REFUSE_USAGE, "The extended key usage is empty");
    }
    for (int i = 0; i < num; i++) {
        int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, i));
        const char *name = nid == NID_undef ? "unknown" : OBJ_nid2sn(nid);
        if (nid == NID_undef || !is_listed(policy->org.allowed_ekus, name)) {
            return zca_refuse(err, ZCA_REFUSE_USAGE,
                              "The extended key usage %s is not allowed in this organization",
                              name);
        }
    }
    return true;
}

bool zca_policy_leaves_usage_open(const struct zca_policy *policy)
{
    for (size_t i = 0; i < ZCA_COUNT(common_usages); i++) {
        if (!is_listed(policy->org.allowed_ekus, OBJ_nid2sn(common_usages[i]))) {
            return false;
        }
    }
    return true;
}

bool zca_policy_default_usage(const struct zca_policy *policy, EXTENDED_KEY_USAGE **out_usage,
                              struct zca_error *err)
{
    EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
    bool ok = usage != NULL;
    for (size_t i = 0; ok && i < ZCA_COUNT(common_usages); i++) {
        if (is_listed(policy->org.allowed_ekus, OBJ_nid2sn(common_usages[i]))) {
            /* A built-in object: it is not counted and freeing it does nothing. */
            ok = sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(common_usages[i])) > 0;
        }
    }
    if (!ok || sk_ASN1_OBJECT_num(usage) == 0) {
        EXTENDED_KEY_USAGE_free(usage);
        return ok ? zca_refuse(err, ZCA_REFUSE_USAGE,
                               "This organization allows neither serverAuth nor clientAuth: the "
                               "csr must name its extended key usage")
                  : zca_error_set(err, ZCA_ERR_MEMORY, "choosing a key usage");
    }
    *out_usage = usage;
    return true;
}
