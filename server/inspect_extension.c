/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extensions of a certificate (RFC 5280, 4.2). What is not in the table is refused, critical or not:
 * somebody reads it. A value stands there in DER and nothing after it, which readers could disagree about.
 */
#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "server/inspect.h"
#include "server/refusal.h"

#define OID_TEXT_SIZE 80 /* as OBJ_obj2txt(3) advises; it cuts what is longer */

/* ---- values ---- */

static bool is_uri(const GENERAL_NAME *name)
{
    return name && name->type == GEN_URI;
}

/* A part of the reasons, or another issuer, would hide a revocation. */
static bool is_plain_point(const DIST_POINT *point)
{
    const DIST_POINT_NAME *name = point->distpoint;
    if (point->reasons || point->CRLissuer || !name || name->type != 0) {
        return false;
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(name->name.fullname); i++) {
        if (!is_uri(sk_GENERAL_NAME_value(name->name.fullname, i))) {
            return false;
        }
    }
    return true;
}

static bool check_crl_points(const void *value)
{
    const CRL_DIST_POINTS *points = value;
    for (int i = 0; i < sk_DIST_POINT_num(points); i++) {
        if (!is_plain_point(sk_DIST_POINT_value(points, i))) {
            return false;
        }
    }
    return true;
}

static bool check_access(const void *value)
{
    const AUTHORITY_INFO_ACCESS *access = value;
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *each = sk_ACCESS_DESCRIPTION_value(access, i);
        int method = OBJ_obj2nid(each->method);
        if ((method != NID_ad_OCSP && method != NID_ad_ca_issuers) || !is_uri(each->location)) {
            return false;
        }
    }
    return true;
}

static bool check_qualifiers(const POLICYINFO *policy)
{
    for (int i = 0; i < sk_POLICYQUALINFO_num(policy->qualifiers); i++) {
        int nid = OBJ_obj2nid(sk_POLICYQUALINFO_value(policy->qualifiers, i)->pqualid);
        if (nid != NID_id_qt_cps && nid != NID_id_qt_unotice) {
            return false;
        }
    }
    return true;
}

static bool check_policies(const void *value)
{
    const CERTIFICATEPOLICIES *policies = value;
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        if (!check_qualifiers(sk_POLICYINFO_value(policies, i))) {
            return false;
        }
    }
    return true;
}

static const struct extension_kind {
    int nid;
    bool (*check)(const void *value); /* NULL: judged with the whole certificate, or harmless */
    const char *rule;                 /* what check wants */
} extension_kinds[] = {
    {NID_basic_constraints,        NULL,             NULL                                      },
    {NID_key_usage,                NULL,             NULL                                      },
    {NID_ext_key_usage,            NULL,             NULL                                      },
    {NID_subject_alt_name,         NULL,             NULL                                      },
    {NID_subject_key_identifier,   NULL,             NULL                                      },
    {NID_authority_key_identifier, NULL,             NULL                                      },
    {NID_crl_distribution_points,  check_crl_points, "name URIs and nothing else"              },
    {NID_info_access,              check_access,     "name URIs of OCSP and CA issuers"        },
    {NID_certificate_policies,     check_policies,   "have qualifiers CPS and user notice only"},
    {NID_netscape_comment,         NULL,             NULL                                      },
    {NID_netscape_cert_type,       NULL,             NULL                                      },
    {NID_name_constraints,         NULL,             NULL                                      },
    {NID_tlsfeature,               NULL,             NULL                                      },
};

static const struct extension_kind *find_kind(int nid)
{
    for (size_t i = 0; i < ZCA_COUNT(extension_kinds); i++) {
        if (extension_kinds[i].nid == nid) {
            return &extension_kinds[i];
        }
    }
    return NULL;
}

/* ---- one extension ---- */

static void free_value(const X509_EXTENSION *extension, void *value)
{
    const X509V3_EXT_METHOD *method = X509V3_EXT_get((X509_EXTENSION *)(uintptr_t)extension);
    if (method->it) {
        ASN1_item_free(value, ASN1_ITEM_ptr(method->it));
    } else {
        method->ext_free(value);
    }
}

static bool is_exact(X509_EXTENSION *extension, int nid, void *value)
{
    zca_auto(X509_EXTENSION) X509_EXTENSION *again =
        X509V3_EXT_i2d(nid, X509_EXTENSION_get_critical(extension), value);
    return again && ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(extension),
                                          X509_EXTENSION_get_data(again)) == 0;
}

static bool check_value(X509_EXTENSION *extension, int nid, const struct extension_kind *kind,
                        struct zca_error *err)
{
    void *value = X509V3_EXT_d2i(extension);
    if (!value) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The extension %s cannot be read",
                          OBJ_nid2sn(nid));
    }
    bool exact = is_exact(extension, nid, value);
    bool good = !kind || !kind->check || kind->check(value);
    free_value(extension, value);
    if (!exact) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The extension %s is not DER, or has more",
                          OBJ_nid2sn(nid));
    }
    return good ? true
                : zca_refuse(err, ZCA_REFUSE_EXTENSION, "The extension %s may %s", OBJ_nid2sn(nid),
                             kind->rule);
}

bool zca_inspect_extension(const X509_EXTENSION *extension, struct zca_error *err)
{
    X509_EXTENSION *read = (X509_EXTENSION *)(uintptr_t)extension;
    return check_value(read, OBJ_obj2nid(X509_EXTENSION_get_object(read)), NULL, err);
}

static bool check_extension(const X509 *certificate, int index, struct zca_error *err)
{
    X509_EXTENSION *extension = X509_get_ext(certificate, index);
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);
    const struct extension_kind *kind = find_kind(nid);
    char name[OID_TEXT_SIZE] = "";
    if (X509_get_ext_by_OBJ(certificate, object, index) != -1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "An extension stands there twice");
    }
    if (!kind) {
        (void)OBJ_obj2txt(name, sizeof(name), object, 0); /* empty on failure */
        return zca_refuse(err, ZCA_REFUSE_EXTENSION, "The extension %s is not known here", name);
    }
    return check_value(extension, nid, kind, err);
}

bool zca_inspect_extensions(X509 *certificate, struct zca_error *err)
{
    const ASN1_BIT_STRING *issuer_id = NULL;
    const ASN1_BIT_STRING *subject_id = NULL;
    for (int i = 0; i < X509_get_ext_count(certificate); i++) {
        if (!check_extension(certificate, i, err)) {
            return false;
        }
    }
    X509_get0_uids(certificate, &issuer_id, &subject_id);
    if (issuer_id || subject_id || (X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TBS, "The extensions contradict one another");
    }
    return true;
}
