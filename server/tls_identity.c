/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root of ten years and certificates of 90 days (RFC 5280 profile), so that `zca-server` can be
 * used over HTTPS before anyone has made a certificate for it. The organisation's CA is another
 * thing: its certificates are made in server/issue.c.
 */
#include "server/tls_identity.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"

#define DAY_S (24L * 60 * 60)
#define ROOT_DAYS 3650
#define LEAF_DAYS 90
#define BACKDATE_S 300 /* for clients whose clock is a little behind */
#define SERIAL_BYTES 16u
#define FILE_LIMIT 65536u

static const char name_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    ".-_*";

struct extension {
    int nid;
    const char *value; /* as in x509v3_config(5) */
};

static const struct extension root_extensions[] = {
    {NID_basic_constraints,      "critical,CA:TRUE,pathlen:0"},
    {NID_key_usage,              "critical,keyCertSign"      },
    {NID_subject_key_identifier, "hash"                      },
};

static const struct extension leaf_extensions[] = {
    {NID_basic_constraints,        "critical,CA:FALSE"        },
    {NID_key_usage,                "critical,digitalSignature"},
    {NID_ext_key_usage,            "serverAuth"               },
    {NID_subject_key_identifier,   "hash"                     },
    {NID_authority_key_identifier, "keyid"                    },
};

/* ---- certificates ---- */

static bool add_extension(X509 *certificate, X509 *issuer, const struct extension *extension,
                          struct zca_error *err)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    zca_auto(X509_EXTENSION) X509_EXTENSION *made =
        X509V3_EXT_conf_nid(NULL, &context, extension->nid, extension->value);
    if (!made || X509_add_ext(certificate, made, -1) != 1) {
        return zca_error_set_crypto(err, "adding %s", OBJ_nid2sn(extension->nid));
    }
    return true;
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, never zero */
    zca_auto(BIGNUM) BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    return number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
}

/* All but extensions and signature. A leaf never outlives its root. */
static X509 *start_certificate(const char *name, EVP_PKEY *key, X509 *root, long days,
                               struct zca_error *err)
{
    zca_auto(X509) X509 *certificate = X509_new();
    if (!certificate) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making a certificate"); /* always false */
        return NULL;
    }
    time_t now = (time_t)zca_clock_now_s();
    X509_NAME *subject = X509_get_subject_name(certificate);
    bool good =
        X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)name, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate, root ? X509_get_subject_name(root) : subject) == 1 &&
        X509_set_pubkey(certificate, key) == 1 &&
        X509_time_adj_ex(X509_getm_notBefore(certificate), 0, -BACKDATE_S, &now) &&
        X509_time_adj_ex(X509_getm_notAfter(certificate), 0, days * DAY_S, &now);
    if (good && root &&
        ASN1_TIME_compare(X509_get0_notAfter(root), X509_get0_notAfter(certificate)) < 0) {
        good = X509_set1_notAfter(certificate, X509_get0_notAfter(root)) == 1;
    }
    if (!good) {
        (void)zca_error_set_crypto(err, "making a certificate"); /* always false */
        return NULL;
    }
    return zca_steal(certificate);
}

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *rows,
                           size_t num_rows, struct zca_error *err)
{
    for (size_t i = 0; i < num_rows; i++) {
        if (!add_extension(certificate, issuer, &rows[i], err)) {
            return false;
        }
    }
    return true;
}

static bool sign_certificate(X509 *certificate, EVP_PKEY *key, struct zca_error *err)
{
    return X509_sign(certificate, key, EVP_sha256()) > 0
               ? true
               : zca_error_set_crypto(err, "signing a certificate");
}

static EVP_PKEY *make_key(struct zca_error *err)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    if (!key) {
        (void)zca_error_set_crypto(err, "making an EC key"); /* always false */
    }
    return key;
}

/* ---- the root ---- */

/* Never asks: a key with a passphrase is refused. */
static int no_passphrase(char *buffer, int size, int writing, void *argument)
{
    (void)buffer; /* OpenSSL's signature */
    (void)size;
    (void)writing;
    (void)argument;
    return -1;
}

EVP_PKEY *zca_tls_key_load(const char *path, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, FILE_LIMIT, &text, NULL, err)) {
        return NULL;
    }
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
    if (!key) {
        (void)zca_error_set_crypto(err, "no private key without passphrase in '%s'",
                                   path); /* false */
    }
    return key;
}

static bool store_key(const char *path, EVP_PKEY *key, struct zca_error *err)
{
    zca_auto(BIO) BIO *bio = BIO_new(BIO_s_secmem());
    char *text = NULL;
    if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return zca_error_set_crypto(err, "writing a private key");
    }
    long len = BIO_get_mem_data(bio, &text);
    return zca_file_store_new(path, 0600, zca_span_of(text, (size_t)len), err);
}

static EVP_PKEY *load_or_make_root_key(const char *path, struct zca_error *err)
{
    struct zca_error missing = {0};
    EVP_PKEY *loaded = zca_tls_key_load(path, &missing);
    if (loaded || missing.reason != ZCA_ERR_NOT_FOUND) {
        if (!loaded && err) {
            *err = missing;
        }
        return loaded;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *key = make_key(err);
    if (!key || !store_key(path, key, err)) {
        return NULL;
    }
    return zca_steal(key);
}

static X509 *make_root(const char *path, EVP_PKEY *key, const char *host, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer name = {0};
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    /* RFC 5280, appendix A.1: a common name has at most 64 characters */
    if (!zca_buffer_format(&name, err, "zca-server TLS root of %.40s", host)) {
        return NULL;
    }
    zca_auto(X509) X509 *root = start_certificate((char *)name.data, key, NULL, ROOT_DAYS, err);
    bool good = root &&
                add_extensions(root, root, root_extensions, ZCA_COUNT(root_extensions), err) &&
                sign_certificate(root, key, err) && zca_pem_format_certificate(root, &pem, err) &&
                zca_file_store(path, 0644, zca_buffer_span(&pem), err);
    return good ? zca_steal(root) : NULL;
}

static X509 *load_or_make_root(const char *path, EVP_PKEY *key, const char *host,
                               struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    struct zca_error missing = {0};
    if (!zca_file_load(path, FILE_LIMIT, &pem, NULL, &missing)) {
        if (missing.reason == ZCA_ERR_NOT_FOUND) {
            return make_root(path, key, host, err);
        }
        if (err) {
            *err = missing;
        }
        return NULL;
    }
    zca_auto(X509_STACK) STACK_OF(X509) *found =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&pem), err);
    if (!found) {
        (void)zca_error_context(err, "reading '%s'", path); /* always false */
        return NULL;
    }
    zca_auto(X509) X509 *root = sk_X509_shift(found);
    if (X509_check_private_key(root, key) != 1) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, /* always false */
                            "'%s' does not belong to the key beside it; remove the certificate and "
                            "start again, then give clients the new one",
                            path);
        return NULL;
    }
    if (X509_cmp_current_time(X509_get0_notAfter(root)) <= 0) {
        (void)zca_error_set(err, ZCA_ERR_EXPIRED, /* always false */
                            "'%s' has expired; remove it and start again, then give clients the "
                            "new one",
                            path);
        return NULL;
    }
    return zca_steal(root);
}

/* ---- the leaf ---- */

static bool add_name(struct zca_buffer *names, const char *name, struct zca_error *err)
{
    struct in6_addr address;
    bool is_address =
        inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
    if (!is_address && (*name == '\0' || name[strspn(name, name_characters)] != '\0')) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "tls-names: '%s' is no host name or address",
                             name);
    }
    return zca_buffer_format(names, err, "%s%s:%s", names->len > 0 ? "," : "",
                             is_address ? "IP" : "DNS", name);
}

static bool collect_names(const char *host, const char *const *names, struct zca_buffer *out_names,
                          struct zca_error *err)
{
    static const char *const always[] = {"localhost", "127.0.0.1", "::1"};
    for (size_t i = 0; i < ZCA_COUNT(always); i++) {
        if (!add_name(out_names, always[i], err)) {
            return false;
        }
    }
    /* a host name that cannot stand in a certificate is left out */
    if (strcmp(host, "localhost") != 0 && !add_name(out_names, host, NULL)) {
        zca_error_clear(err);
    }
    for (size_t i = 0; names && names[i]; i++) {
        if (!add_name(out_names, names[i], err)) {
            return false;
        }
    }
    return true;
}

static X509 *make_leaf(EVP_PKEY *key, X509 *root, EVP_PKEY *root_key, const char *names,
                       struct zca_error *err)
{
    const struct extension alternative = {NID_subject_alt_name, names};
    zca_auto(X509) X509 *leaf = start_certificate("zca-server", key, root, LEAF_DAYS, err);
    bool good =
        leaf && add_extensions(leaf, root, leaf_extensions, ZCA_COUNT(leaf_extensions), err) &&
        add_extension(leaf, root, &alternative, err) && sign_certificate(leaf, root_key, err);
    return good ? zca_steal(leaf) : NULL;
}

static char *host_name(struct zca_error *err)
{
    long size = sysconf(_SC_HOST_NAME_MAX) + 1;
    zca_auto(text) char *name = calloc(1, (size_t)size + 1);
    if (!name) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "asking for the host's name"); /* always false */
        return NULL;
    }
    if (gethostname(name, (size_t)size) != 0) {
        (void)zca_error_set_errno(err, "asking for the host's name"); /* always false */
        return NULL;
    }
    return zca_steal(name);
}

bool zca_tls_identity_make(const char *directory, const char *const *names, EVP_PKEY **out_key,
                           X509 **out_certificate, struct zca_error *err)
{
    zca_auto(text) char *key_path = zca_path_join(directory, ZCA_TLS_ROOT_KEY_FILE, "", err);
    zca_auto(text) char *root_path = zca_path_join(directory, ZCA_TLS_ROOT_FILE, "", err);
    zca_auto(text) char *host = host_name(err);
    zca_auto(zca_buffer) struct zca_buffer all_names = {0};
    if (!key_path || !root_path || !host || !collect_names(host, names, &all_names, err)) {
        return false;
    }
    zca_auto(EVP_PKEY) EVP_PKEY *root_key = load_or_make_root_key(key_path, err);
    if (!root_key) {
        return false;
    }
    zca_auto(X509) X509 *root = load_or_make_root(root_path, root_key, host, err);
    zca_auto(EVP_PKEY) EVP_PKEY *key = root ? make_key(err) : NULL;
    X509 *leaf = key ? make_leaf(key, root, root_key, (char *)all_names.data, err) : NULL;
    if (!leaf) {
        return false;
    }
    *out_key = zca_steal(key);
    *out_certificate = leaf;
    return true;
}
