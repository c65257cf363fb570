/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request comes from, and the names in it as the authorities want them: text. */
#include "core/wanted.h"

#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/candidate.h"
#include "core/captured.h"
#include "core/certificate.h"

/* ---- lists of text ---- */

static void list_free(char **list)
{
    for (char **text = list; text && *text; text++) {
        free(*text);
    }
    free(list);
}

/* Owns `text`, also on failure. text NULL: memory ran out before. */
static bool push_text(char ***list, char *text, struct zca_error *err)
{
    size_t length = 0;
    while (*list && (*list)[length]) {
        length++;
    }
    char **longer = text ? realloc(*list, (length + 2) * sizeof(*longer)) : NULL;
    if (!longer) {
        free(text);
        return zca_error_set(err, ZCA_ERR_MEMORY, "copying names");
    }
    longer[length] = text;
    longer[length + 1] = NULL;
    *list = longer;
    return true;
}

static bool copy_list(const char *const *source, char ***out_list, struct zca_error *err)
{
    for (; source && *source; source++) {
        if (!push_text(out_list, strdup(*source), err)) {
            return false;
        }
    }
    return true;
}

/* ---- names of a request ---- */

static char *copy_string(const ASN1_STRING *string)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, string);
    bool sane = len >= 0 && !memchr(utf8, '\0', (size_t)len);
    char *text = sane ? strndup((const char *)utf8, (size_t)len) : NULL;
    OPENSSL_free(utf8);
    return text;
}

static char *copy_address(const ASN1_OCTET_STRING *address)
{
    bool ipv4 = ASN1_STRING_length(address) == 4;
    char text[INET6_ADDRSTRLEN];
    if (!ipv4 && ASN1_STRING_length(address) != 16) {
        return NULL;
    }
    return inet_ntop(ipv4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof(text))
               ? strdup(text)
               : NULL;
}

static bool read_common_name(struct zca_wanted *wanted, struct zca_error *err)
{
    const X509_NAME *subject = X509_REQ_get_subject_name(wanted->csr);
    int position = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (position < 0) {
        return true;
    }
    wanted->common_name =
        copy_string(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position)));
    return wanted->common_name ||
           zca_error_set(err, ZCA_ERR_INVALID, "the request's common name cannot be read");
}

static bool read_name(struct zca_wanted *wanted, const GENERAL_NAME *name, struct zca_error *err)
{
    int type = 0;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type != GEN_DNS && type != GEN_IPADD) {
        return true; /* the request itself says it */
    }
    char *text = type == GEN_DNS ? copy_string(value) : copy_address(value);
    char ***list = type == GEN_DNS ? &wanted->dns_names : &wanted->ip_addresses;
    if (!text) {
        return zca_error_set(err, ZCA_ERR_INVALID, "a name of the request cannot be read");
    }
    return push_text(list, text, err);
}

static void extensions_free(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

ZCA_DEFINE_AUTO(extensions, STACK_OF(X509_EXTENSION), extensions_free);

static bool read_names(struct zca_wanted *wanted, struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(extensions) STACK_OF(X509_EXTENSION) *extensions =
        X509_REQ_get_extensions(wanted->csr);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names =
        X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    if (!read_common_name(wanted, err)) {
        return false;
    }
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        if (!read_name(wanted, sk_GENERAL_NAME_value(names, i), err)) {
            return false;
        }
    }
    return true;
}

/* Takes `csr`, also on failure. */
static bool take_request(struct zca_wanted *wanted, X509_REQ *csr, struct zca_error *err)
{
    wanted->csr = csr;
    return csr && zca_der_request(csr, &wanted->csr_der, err) && read_names(wanted, err);
}

static bool is_request_of(const X509_REQ *csr, const struct zca_key *key)
{
    unsigned char *der = NULL;
    X509_REQ *borrowed = (X509_REQ *)(uintptr_t)csr; /* reading does not change it */
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(borrowed), &der);
    bool same = len > 0 && zca_span_equal(zca_span_of(der, (size_t)len), zca_key_get_public(key));
    OPENSSL_free(der);
    return same;
}

/* ---- sources ---- */

static bool read_file(struct zca_identity *identity, const char *path, struct zca_wanted *wanted,
                      struct zca_error *err)
{
    X509_REQ *csr = zca_csr_load(zca_identity_get_library(identity), path, err);
    if (!take_request(wanted, csr, err)) {
        return false;
    }
    return !wanted->key || is_request_of(csr, wanted->key) ||
           zca_error_set(err, ZCA_ERR_CONFLICT,
                         "certificate request '%s' is for another key than that of '%s'", path,
                         zca_identity_get_uri(identity));
}

/* A request captured from a key that was replaced since can no longer be answered: it is dropped. */
static bool read_captured(struct zca_identity *identity, struct zca_wanted *wanted, bool *out_found,
                          struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(zca_identity_get_library(identity), err);
    *out_found = false;
    if (!context || !zca_captured_load(identity, &der, err)) {
        return false;
    }
    if (der.len == 0) {
        return true;
    }
    zca_auto(X509_REQ) X509_REQ *csr = zca_pem_parse_request(context, zca_buffer_span(&der), err);
    if (!csr) {
        return false;
    }
    if (!wanted->key || !is_request_of(csr, wanted->key)) {
        zca_log(ZCA_LOG_DEBUG, "enrol '%s': the captured request is for a replaced key",
                zca_identity_get_name(identity));
        return zca_captured_drop_known(identity, zca_buffer_span(&der), err);
    }
    *out_found = true;
    return take_request(wanted, zca_steal(csr), err);
}

static bool has_names_in(const struct zca_config *config, const char *section)
{
    const struct zca_option *options = zca_identity_options;
    const char *common =
        zca_config_get_text(config, "identity", section, &options[ZCA_IDENTITY_COMMON_NAME]);
    const char *const *dns =
        zca_config_get_list(config, "identity", section, &options[ZCA_IDENTITY_DNS]);
    const char *const *ip =
        zca_config_get_list(config, "identity", section, &options[ZCA_IDENTITY_IP]);
    return (common && *common != '\0') || (dns && *dns) || (ip && *ip);
}

/* Is "[identity NAME]" about this authority's identity? As core/identity.c reads it. */
static bool is_section_of(const struct zca_config *config, const char *section,
                          const char *authority)
{
    const char *of = zca_config_get_text(config, "identity", section,
                                         &zca_identity_options[ZCA_IDENTITY_AUTHORITY]);
    return !of || strcmp(of, authority) == 0;
}

/* Does zca.conf say which names the identity has? Otherwise its certificate knows best. */
static bool has_configured_names(struct zca_identity *identity)
{
    const char *name = zca_identity_get_name(identity);
    const struct zca_config *config = zca_library_config(zca_identity_get_library(identity), NULL);
    zca_auto(text) char *qualified = NULL;
    if (!config ||
        asprintf(&qualified, "%s/%s", zca_identity_get_authority_name(identity), name) < 0) {
        qualified = NULL; /* undefined after a failure */
        return true;
    }
    if (zca_config_has(config, "identity", qualified)) {
        return has_names_in(config, qualified);
    }
    return is_section_of(config, name, zca_identity_get_authority_name(identity)) &&
           has_names_in(config, name);
}

static struct zca_csr_names configured_names(const struct zca_identity *identity)
{
    const char *common = zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME);
    return (struct zca_csr_names){
        .common_name = common && *common != '\0' ? common : zca_identity_get_name(identity),
        .dns_names = zca_identity_get_list(identity, ZCA_IDENTITY_DNS),
        .ip_addresses = zca_identity_get_list(identity, ZCA_IDENTITY_IP),
    };
}

static X509_REQ *make_request(struct zca_identity *identity, struct zca_key *key,
                              struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(X509_STACK) STACK_OF(X509) *current = NULL;
    struct zca_csr_names names = configured_names(identity);
    if (!has_configured_names(identity) &&
        zca_certificate_load(library, zca_identity_get_authority_name(identity),
                             zca_identity_get_name(identity), &current, NULL)) {
        return zca_csr_renewal(library, key, sk_X509_value(current, 0), err);
    }
    return zca_csr_new(library, key, &names, err);
}

static bool read_settings(struct zca_identity *identity, struct zca_wanted *wanted,
                          struct zca_error *err)
{
    struct zca_csr_names names = configured_names(identity);
    wanted->common_name = strdup(names.common_name);
    if (!wanted->common_name) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "copying names");
    }
    return copy_list(names.dns_names, &wanted->dns_names, err) &&
           copy_list(names.ip_addresses, &wanted->ip_addresses, err);
}

/* ---- keys ---- */

/* The existing key, or NULL in `wanted` when there is none. */
static bool read_key(struct zca_identity *identity, struct zca_wanted *wanted,
                     struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    wanted->key = zca_identity_key(identity, &failure);
    return wanted->key || failure.reason == ZCA_ERR_NOT_FOUND ||
           zca_error_set(err, failure.reason, "%s", failure.message);
}

static bool make_key(struct zca_identity *identity, struct zca_wanted *wanted,
                     struct zca_error *err)
{
    zca_key_free(zca_steal(wanted->key));
    wanted->key = zca_key_generate(zca_identity_get_library(identity),
                                   zca_identity_get_key_type(identity), err);
    wanted->new_key = true;
    return wanted->key != NULL;
}

/* ---- public ---- */

bool zca_wanted_read(struct zca_identity *identity, bool can_certify, bool renew,
                     struct zca_wanted *out_wanted, struct zca_error *err)
{
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    const char *path = zca_identity_get_csr_file(identity);
    bool captured = false;
    bool ok = false;
    if (path && !can_certify) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "authority '%s' makes the keys itself and takes no request: leave "
                             "out ?csr=",
                             zca_identity_get_authority_name(identity));
    }
    if (!can_certify) {
        ok = read_settings(identity, &wanted, err);
    } else if (path) {
        ok = read_key(identity, &wanted, err) && read_file(identity, path, &wanted, err);
    } else {
        ok = read_key(identity, &wanted, err) && read_captured(identity, &wanted, &captured, err);
    }
    if (ok && can_certify && !path && !captured) {
        bool keep =
            wanted.key && (!renew || zca_identity_get_flag(identity, ZCA_IDENTITY_REUSE_KEY));
        ok = (keep || make_key(identity, &wanted, err)) &&
             take_request(&wanted, make_request(identity, wanted.key, err), err);
    }
    if (ok) {
        *out_wanted = wanted;
        wanted = (struct zca_wanted){.csr = NULL}; /* handed over */
    }
    return ok;
}

bool zca_wanted_resume(struct zca_identity *identity, const struct zca_order *order,
                       struct zca_wanted *out_wanted, struct zca_error *err)
{
    zca_auto(zca_wanted) struct zca_wanted wanted = {.new_key = order->new_key};
    OSSL_LIB_CTX *context = zca_library_context(zca_identity_get_library(identity), err);
    if (!context) {
        return false;
    }
    if (order->csr.len == 0) {
        wanted.new_key = false; /* the authority makes it */
        if (!read_settings(identity, &wanted, err)) {
            return false;
        }
    } else {
        wanted.key = order->new_key ? zca_candidate_unseal(identity, order, err) : NULL;
        if ((order->new_key && !wanted.key) ||
            (!order->new_key && !read_key(identity, &wanted, err)) ||
            !take_request(&wanted,
                          zca_pem_parse_request(context, zca_buffer_span(&order->csr), err), err)) {
            return false;
        }
        if (wanted.key && !is_request_of(wanted.csr, wanted.key)) {
            return zca_error_set(err, ZCA_ERR_NOT_FOUND, "the key of an order was replaced");
        }
    }
    *out_wanted = wanted;
    wanted = (struct zca_wanted){.csr = NULL}; /* handed over */
    return true;
}

struct zca_csr_names zca_wanted_names(const struct zca_wanted *wanted)
{
    return (struct zca_csr_names){
        .common_name = wanted->common_name,
        .dns_names = (const char *const *)wanted->dns_names,
        .ip_addresses = (const char *const *)wanted->ip_addresses,
    };
}

struct zca_request zca_wanted_request(const struct zca_identity *identity,
                                      const struct zca_wanted *wanted)
{
    struct zca_csr_names names = zca_wanted_names(wanted);
    const char *binding = zca_identity_get_text(identity, ZCA_IDENTITY_BINDING);
    const char *profile = zca_identity_get_text(identity, ZCA_IDENTITY_PROFILE);
    return (struct zca_request){
        .common_name = names.common_name,
        .dns_names = names.dns_names,
        .ip_addresses = names.ip_addresses,
        .csr = zca_buffer_span(&wanted->csr_der),
        .ttl_s = zca_identity_get_ttl_s(identity),
        .binding = binding && *binding != '\0' ? binding : NULL,
        .profile = profile && *profile != '\0' ? profile : NULL,
    };
}

void zca_wanted_clear(struct zca_wanted *wanted)
{
    X509_REQ_free(wanted->csr);
    zca_buffer_clear(&wanted->csr_der);
    zca_key_free(wanted->key);
    free(wanted->common_name);
    list_free(wanted->dns_names);
    list_free(wanted->ip_addresses);
    *wanted = (struct zca_wanted){.csr = NULL};
}
