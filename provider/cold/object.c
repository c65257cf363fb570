/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expectations of the store and types of a URI are reduced to a set of wanted parts; each part is
 * then collected from the identity or from the authority.
 */
#include "provider/cold/object.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/store.h>

#include "base/openssl_auto.h"
#include "core/authority.h"
#include "core/certificate.h"
#include "core/identity.h"

/* Parts, in the order in which they are served. */
#define WANT_PRIVATE 1u
#define WANT_PUBLIC 2u
#define WANT_LEAF 4u
#define WANT_CHAIN 8u
#define WANT_CRL 16u
#define WANT_CERTIFICATES (WANT_LEAF | WANT_CHAIN)
#define WANT_EVERYTHING (WANT_PRIVATE | WANT_CERTIFICATES | WANT_CRL)

struct want_row {
    int number;
    unsigned parts;
};

static const struct want_row expected_rows[] = {
    {0,                      WANT_EVERYTHING | WANT_PUBLIC},
    {OSSL_STORE_INFO_PUBKEY, WANT_PUBLIC                  },
    {OSSL_STORE_INFO_PKEY,   WANT_PRIVATE                 },
    {OSSL_STORE_INFO_CERT,   WANT_CERTIFICATES            },
    {OSSL_STORE_INFO_CRL,    WANT_CRL                     },
};

static const struct want_row type_rows[] = {
    {ZCA_URI_ANY,     WANT_EVERYTHING | WANT_PUBLIC},
    {ZCA_URI_PRIVATE, WANT_PRIVATE                 },
    {ZCA_URI_PUBLIC,  WANT_PUBLIC                  },
    {ZCA_URI_CERT,    WANT_LEAF                    },
    {ZCA_URI_CHAIN,   WANT_CHAIN                   },
    {ZCA_URI_CA,      WANT_CERTIFICATES            },
    {ZCA_URI_CRL,     WANT_CRL                     },
};

static unsigned find_parts(const struct want_row *rows, size_t num_rows, int number)
{
    for (size_t i = 0; i < num_rows; i++) {
        if (rows[i].number == number) {
            return rows[i].parts;
        }
    }
    return 0;
}

struct search {
    const struct zca_object_query *query;
    struct zca_objects *objects;
    unsigned wanted;
    bool specific; /* something was asked for by name: what is missing is made or is an error */
};

static unsigned wanted_parts(const struct zca_object_query *query)
{
    unsigned parts = find_parts(expected_rows, ZCA_COUNT(expected_rows), query->expected) &
                     find_parts(type_rows, ZCA_COUNT(type_rows), (int)query->uri->type);
    if (query->subject) {
        return parts & (WANT_CERTIFICATES | WANT_CRL);
    }
    if (query->expected == 0 && query->uri->type == ZCA_URI_ANY) {
        return WANT_EVERYTHING;
    }
    return parts;
}

void zca_objects_clear(struct zca_objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        zca_key_free(objects->items[i].key);
        X509_free(objects->items[i].certificate);
        X509_CRL_free(objects->items[i].crl);
        zca_chain_free(objects->items[i].chain);
    }
    OPENSSL_free(objects->items);
    OPENSSL_free(objects->uri);
    OPENSSL_free(objects->authority);
    *objects = (struct zca_objects){0};
}

/* Takes new references to what `object` names. */
static bool add(struct zca_objects *objects, const struct zca_object *object, struct zca_error *err)
{
    struct zca_object *items =
        OPENSSL_realloc(objects->items, (objects->count + 1) * sizeof(*items));
    if (!items) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    objects->items = items;
    struct zca_object *item = &items[objects->count];
    *item = *object;
    if (item->key) {
        (void)zca_key_ref(item->key); /* the same pointer */
    }
    if (item->chain) {
        (void)zca_chain_ref(item->chain); /* as above */
    }
    bool referenced = (!item->certificate || X509_up_ref(item->certificate)) &&
                      (!item->crl || X509_CRL_up_ref(item->crl));
    objects->count++;
    return referenced || zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

static bool add_certificates(const struct search *search, const STACK_OF(X509) * certificates,
                             struct zca_error *err)
{
    const X509_NAME *subject = search->query->subject;
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        struct zca_object object = {.type = ZCA_OBJECT_CERTIFICATE,
                                    .certificate = sk_X509_value(certificates, i)};
        unsigned part = i == 0 ? WANT_LEAF : WANT_CHAIN;
        bool wanted =
            (search->wanted & part) != 0 &&
            (!subject || X509_NAME_cmp(X509_get_subject_name(object.certificate), subject) == 0);
        if (wanted && !add(search->objects, &object, err)) {
            return false;
        }
    }
    return true;
}

static bool set_names(struct zca_objects *objects, const char *uri, const char *authority,
                      struct zca_error *err)
{
    objects->uri = OPENSSL_strdup(uri);
    objects->authority = authority ? OPENSSL_strdup(authority) : NULL;
    if (!objects->uri || (authority && !objects->authority)) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return true;
}

/* A part that is missing is no failure when nothing in particular was asked for. */
static bool tolerate(const struct search *search, bool found, const struct zca_error *err)
{
    return found || (!search->specific && err->reason == ZCA_ERR_NOT_FOUND);
}

/* ---- an identity ---- */

static bool find_identity_key(const struct search *search, struct zca_identity *identity,
                              struct zca_error *err)
{
    bool make = search->specific && (search->wanted & WANT_PRIVATE) != 0;
    zca_auto(zca_key) struct zca_key *key =
        make ? zca_identity_key_or_new(identity, err) : zca_identity_key(identity, err);
    if (!key) {
        return tolerate(search, false, err);
    }
    struct zca_object object = {.type = (search->wanted & WANT_PRIVATE) != 0 ? ZCA_OBJECT_PRIVATE
                                                                             : ZCA_OBJECT_PUBLIC,
                                .key = key};
    return add(search->objects, &object, err);
}

static bool add_chain(const struct search *search, struct zca_chain *chain, struct zca_error *err)
{
    for (size_t i = 0; i < zca_chain_get_length(chain); i++) {
        struct zca_object object = {.type = ZCA_OBJECT_CERTIFICATE, .chain = chain, .index = i};
        unsigned part = i == 0 ? WANT_LEAF : WANT_CHAIN;
        if ((search->wanted & part) != 0 && !add(search->objects, &object, err)) {
            return false;
        }
    }
    return true;
}

/* Hexadecimal digits, maybe with colons between. */
static bool is_serial(const ASN1_INTEGER *serial, const char *text)
{
    zca_auto(text) char *digits = strdup(text);
    size_t len = 0;
    for (const char *at = text; digits && *at != '\0'; at++) {
        if (*at != ':') {
            digits[len++] = *at;
        }
    }
    BIGNUM *wanted = NULL;
    BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
    bool same = false;
    if (digits && number) {
        digits[len] = '\0';
        same = BN_hex2bn(&wanted, digits) == (int)len && BN_cmp(wanted, number) == 0;
    }
    BN_free(wanted);
    BN_free(number);
    return same;
}

/* A certificate that is named by its serial is that one, or none. */
static bool check_serial(const struct search *search, struct zca_identity *identity,
                         const struct zca_chain *chain, struct zca_error *err)
{
    const char *serial = search->query->uri->serial;
    if (!serial) {
        return true;
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_chain_certificates(chain, zca_identity_get_library(identity), NULL, err);
    return certificates &&
           (is_serial(X509_get0_serialNumber(sk_X509_value(certificates, 0)), serial) ||
            zca_error_set(err, ZCA_ERR_NOT_FOUND,
                          "the certificate of '%s' has another serial number than '%s'",
                          zca_identity_get_uri(identity), serial));
}

static bool find_identity_chain(const struct search *search, struct zca_identity *identity,
                                struct zca_error *err)
{
    const char *authority = zca_authority_get_name(zca_identity_get_authority(identity));
    zca_auto(zca_chain) struct zca_chain *chain =
        search->specific ? zca_identity_chain_or_enrol(identity, err)
                         : zca_certificate_load_chain(zca_identity_get_library(identity), authority,
                                                      zca_identity_get_name(identity), err);
    return tolerate(search, chain, err) && (!chain || (check_serial(search, identity, chain, err) &&
                                                       add_chain(search, chain, err)));
}

/* A search by subject has to look into them. */
static bool find_identity_certificates(const struct search *search, struct zca_identity *identity,
                                       struct zca_error *err)
{
    if (!search->query->subject) {
        return find_identity_chain(search, identity, err);
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    bool found = zca_identity_certificates(identity, &certificates, err);
    return tolerate(search, found, err) &&
           (!certificates || add_certificates(search, certificates, err));
}

static bool find_identity(struct zca_library *library, const struct search *search,
                          struct zca_error *err)
{
    zca_auto(zca_identity) struct zca_identity *identity =
        zca_identity_open(library, search->query->uri, err);
    if (!identity || !set_names(search->objects, zca_identity_get_uri(identity), NULL, err)) {
        return false;
    }
    if ((search->wanted & (WANT_PRIVATE | WANT_PUBLIC)) != 0 &&
        !find_identity_key(search, identity, err)) {
        return false;
    }
    return (search->wanted & WANT_CERTIFICATES) == 0 ||
           find_identity_certificates(search, identity, err);
}

/* ---- an authority ---- */

static bool add_authority_key(const struct search *search, const STACK_OF(X509) * certificates,
                              struct zca_error *err)
{
    struct zca_object object = {.type = (search->wanted & WANT_PRIVATE) != 0 ? ZCA_OBJECT_PRIVATE
                                                                             : ZCA_OBJECT_PUBLIC,
                                .certificate = sk_X509_value(certificates, 0)};
    return (search->wanted & (WANT_PRIVATE | WANT_PUBLIC)) == 0 ||
           add(search->objects, &object, err);
}

static bool find_authority_certificates(const struct search *search,
                                        struct zca_authority *authority, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    bool offline = search->query->uri->offline || !search->specific;
    bool found = zca_authority_certificates(authority, offline, &certificates, err);
    return tolerate(search, found, err) &&
           (!found || (add_authority_key(search, certificates, err) &&
                       add_certificates(search, certificates, err)));
}

static bool find_authority_crl(const struct search *search, struct zca_authority *authority,
                               struct zca_error *err)
{
    const X509_NAME *issuer = search->query->subject;
    bool offline = search->query->uri->offline || !search->specific;
    zca_auto(X509_CRL) X509_CRL *crl = zca_authority_crl(authority, offline, err);
    if (!crl) {
        return !search->specific || tolerate(search, false, err);
    }
    struct zca_object object = {.type = ZCA_OBJECT_CRL, .crl = crl};
    bool wanted = !issuer || X509_NAME_cmp(X509_CRL_get_issuer(crl), issuer) == 0;
    return !wanted || add(search->objects, &object, err);
}

/* zca://web?type=ca is the CA of the identity `web`, whatever its section says it is. */
static struct zca_authority *open_authority(struct zca_library *library, const struct zca_uri *uri,
                                            struct zca_error *err)
{
    if (!uri->name) {
        return zca_authority_open(library, uri->authority, err);
    }
    zca_auto(zca_identity) struct zca_identity *identity = zca_identity_open(library, uri, err);
    return identity
               ? zca_authority_open(
                     library, zca_authority_get_name(zca_identity_get_authority(identity)), err)
               : NULL;
}

static bool find_authority(struct zca_library *library, const struct search *search,
                           struct zca_error *err)
{
    zca_auto(zca_authority) struct zca_authority *authority =
        open_authority(library, search->query->uri, err);
    const char *name = authority ? zca_authority_get_name(authority) : NULL;
    struct zca_uri canonical = {.authority = (char *)(uintptr_t)name, .wait_s = -1};
    zca_auto(text) char *uri = authority ? zca_uri_format(&canonical, err) : NULL;
    if (!uri || !set_names(search->objects, uri, name, err)) {
        return false;
    }
    if ((search->wanted & ~WANT_CRL) != 0 && !find_authority_certificates(search, authority, err)) {
        return false;
    }
    return (search->wanted & WANT_CRL) == 0 || find_authority_crl(search, authority, err);
}

/* Not even one part exists: says so, with the reason of the last one. */
static bool missing(const struct search *search, struct zca_error *err)
{
    if (err->reason == ZCA_ERR_NOT_FOUND) {
        return false;
    }
    bool is_chain = search->query->uri->type == ZCA_URI_CHAIN;
    return zca_error_set(err, ZCA_ERR_NOT_FOUND, "'%s' has no %s", search->objects->uri,
                         is_chain ? "chain: its issuer is a root" : "such object");
}

bool zca_objects_find(struct zca_library *library, const struct zca_object_query *query,
                      struct zca_objects *out_objects, struct zca_error *err)
{
    struct search search = {.query = query,
                            .objects = out_objects,
                            .wanted = wanted_parts(query),
                            .specific = !query->subject &&
                                        (query->expected != 0 || query->uri->type != ZCA_URI_ANY)};
    if (search.wanted == 0) {
        return true;
    }
    /* The CA's own objects may also be named from an identity: zca://corp/web?type=ca */
    bool of_authority =
        !query->uri->name || query->uri->type == ZCA_URI_CA || query->uri->type == ZCA_URI_CRL;
    struct zca_error reason = {0};
    if (of_authority && query->uri->serial) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "serial in URI is that of an identity's certificate");
    }
    bool found = of_authority ? find_authority(library, &search, &reason)
                              : find_identity(library, &search, &reason);
    if (found && out_objects->count == 0 && !query->subject) {
        found = missing(&search, &reason);
    }
    if (!found && err) {
        *err = reason;
    }
    return found;
}
