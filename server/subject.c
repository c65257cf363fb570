/* SPDX-License-Identifier: Apache-2.0 */
/* Names are added once each, in the order: common name, request's fields, CSR. */
#include "server/subject.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/openssl_auto.h"
#include "server/identifier.h"
#include "server/refusal.h"

#define MAX_COMMON_NAME 64u /* ub-common-name, RFC 5280, A.1 */
#define NOBODY "unknown"    /* as in QuickZTNA's API */

ZCA_DEFINE_AUTO(GENERAL_NAME, GENERAL_NAME, GENERAL_NAME_free);
ZCA_DEFINE_AUTO(ASN1_STRING, ASN1_STRING, ASN1_STRING_free);

void zca_subject_clear(struct zca_subject *subject)
{
    X509_NAME_free(subject->name);
    GENERAL_NAMES_free(subject->names);
    free(subject->title);
    *subject = (struct zca_subject){0};
}

/* ---- the distinguished name ---- */

static bool copy_name(const X509_NAME *from, X509_NAME *to, struct zca_error *err)
{
    for (int i = 0; i < X509_NAME_entry_count(from); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(from, i);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        if (zca_policy_takes_attribute(nid) && X509_NAME_add_entry(to, entry, -1, 0) != 1) {
            return zca_error_set_crypto(err, "copying a subject");
        }
    }
    return true;
}

static bool set_common_name(X509_NAME *name, const char *text, struct zca_error *err)
{
    if (*text == '\0' || strlen(text) > MAX_COMMON_NAME) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "subject_cn must have 1 to 64 characters");
    }
    if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, (const uint8_t *)text, -1,
                                   -1, 0) != 1) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "subject_cn cannot stand in a certificate");
    }
    return true;
}

static const char *common_name_of(const X509_NAME *name)
{
    int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) {
        return NULL;
    }
    /* Checked by the policy: no NUL inside. */
    return (const char *)ASN1_STRING_get0_data(
        X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
}

/* What the request calls it, or else the first DNS name that fits; NULL: nothing. */
static const char *choose_common_name(const struct zca_subject_input *input)
{
    const char *first = input->dns_names ? input->dns_names[0] : NULL;
    if (input->common_name) {
        return input->common_name;
    }
    return first && strlen(first) <= MAX_COMMON_NAME ? first : NULL;
}

static bool make_name(const struct zca_policy *policy, const struct zca_subject_input *input,
                      struct zca_subject *subject, struct zca_error *err)
{
    const char *text = choose_common_name(input);
    subject->name = X509_NAME_new();
    if (!subject->name) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a subject");
    }
    if (input->csr &&
        !copy_name(X509_REQ_get_subject_name(input->csr->request), subject->name, err)) {
        return false;
    }
    bool named = X509_NAME_entry_count(subject->name) > 0 ||
                 (input->csr && input->csr->names && !input->common_name);
    if (!named && !text) {
        /* Nobody asked for this name: the list of domains does not speak of it. */
        return set_common_name(subject->name, NOBODY, err);
    }
    return (named || set_common_name(subject->name, text, err)) &&
           zca_policy_check_subject(policy, subject->name, err);
}

/* ---- alternative names ---- */

static bool has_name(const GENERAL_NAMES *names, const GENERAL_NAME *name)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        GENERAL_NAME *other = sk_GENERAL_NAME_value(names, i);
        if (GENERAL_NAME_cmp(other, (GENERAL_NAME *)(uintptr_t)name) == 0) {
            return true;
        }
    }
    return false;
}

/* Takes `name`. */
static bool add_name(GENERAL_NAMES *names, GENERAL_NAME *name, struct zca_error *err)
{
    zca_auto(GENERAL_NAME) GENERAL_NAME *taken = name;
    if (!taken) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "adding a name");
    }
    if (has_name(names, taken)) {
        return true;
    }
    if (sk_GENERAL_NAME_push(names, taken) <= 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "adding a name");
    }
    (void)zca_steal(taken); /* the list owns it */
    return true;
}

static bool add_text(GENERAL_NAMES *names, int type, ASN1_STRING *text, struct zca_error *err)
{
    zca_auto(ASN1_STRING) ASN1_STRING *taken = text;
    GENERAL_NAME *name = GENERAL_NAME_new();
    if (!taken || !name) {
        GENERAL_NAME_free(name);
        return zca_error_set(err, ZCA_ERR_MEMORY, "adding a name");
    }
    GENERAL_NAME_set0_value(name, type, zca_steal(taken));
    return add_name(names, name, err);
}

static bool add_host(GENERAL_NAMES *names, const char *host, struct zca_error *err)
{
    ASN1_STRING *text = ASN1_STRING_type_new(V_ASN1_IA5STRING);
    if (text && ASN1_STRING_set(text, host, -1) != 1) {
        ASN1_STRING_free(text);
        text = NULL;
    }
    return add_text(names, GEN_DNS, text, err);
}

static bool add_address(GENERAL_NAMES *names, const char *address, struct zca_error *err)
{
    ASN1_OCTET_STRING *bytes = a2i_IPADDRESS(address);
    if (!bytes) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "'%.60s' is not an IP address", address);
    }
    return add_text(names, GEN_IPADD, bytes, err);
}

static bool add_all(GENERAL_NAMES *names, const char *const *words,
                    bool (*add)(GENERAL_NAMES *, const char *, struct zca_error *),
                    struct zca_error *err)
{
    for (; words && *words; words++) {
        if (!add(names, *words, err)) {
            return false;
        }
    }
    return true;
}

static bool add_csr_names(GENERAL_NAMES *names, const struct zca_csr *csr, struct zca_error *err)
{
    if (!csr || !csr->names) {
        return true;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(csr->names); i++) {
        if (!add_name(names, GENERAL_NAME_dup(sk_GENERAL_NAME_value(csr->names, i)), err)) {
            return false;
        }
    }
    return true;
}

static bool make_names(const struct zca_subject_input *input, struct zca_subject *subject,
                       struct zca_error *err)
{
    const char *common = common_name_of(subject->name);
    subject->names = sk_GENERAL_NAME_new_null();
    if (!subject->names) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making names");
    }
    bool ok = add_csr_names(subject->names, input->csr, err) &&
              add_all(subject->names, input->dns_names, add_host, err) &&
              add_all(subject->names, input->ip_addresses, add_address, err);
    bool chosen = input->common_name || input->csr;
    if (ok && common && chosen && zca_host_name_check(common) && !zca_uuid_check(common)) {
        ok = add_host(subject->names, common, err);
    }
    if (ok && sk_GENERAL_NAME_num(subject->names) == 0) {
        GENERAL_NAMES_free(subject->names);
        subject->names = NULL;
    }
    return ok;
}

bool zca_subject_check_holder(const X509_NAME *subject, const X509 *ca, struct zca_error *err)
{
    /* -2 is a failure: then they may be equal. */
    int order = X509_NAME_cmp(subject, X509_get_subject_name(ca));
    return order != 0 && order != -2
               ? true
               : zca_refuse(err, ZCA_REFUSE_NAME, "The subject is the CA's own");
}

char *zca_subject_title(const X509_NAME *name, const GENERAL_NAMES *names, struct zca_error *err)
{
    const char *text = common_name_of(name);
    for (int i = 0; !text && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *each = sk_GENERAL_NAME_value(names, i);
        if (each->type == GEN_DNS) {
            text = (const char *)ASN1_STRING_get0_data(each->d.dNSName);
        }
    }
    char *title = strdup(text ? text : NOBODY);
    if (!title) {
        zca_error_set(err, ZCA_ERR_MEMORY, "naming a certificate");
    }
    return title;
}

bool zca_subject_make(const struct zca_policy *policy, const struct zca_subject_input *input,
                      struct zca_subject *out_subject, struct zca_error *err)
{
    zca_auto(zca_subject) struct zca_subject subject = {0};
    if (!make_name(policy, input, &subject, err) ||
        (!input->plain && !make_names(input, &subject, err))) {
        return false;
    }
    if (subject.names && !zca_policy_check_names(policy, subject.names, err)) {
        return false;
    }
    subject.title = zca_subject_title(subject.name, subject.names, err);
    if (!subject.title) {
        return false;
    }
    *out_subject = subject;
    subject = (struct zca_subject){0};
    return true;
}
