/* SPDX-License-Identifier: Apache-2.0 */
/* A CA, another one, a server and a client. */
#include "tests/remote/tls_files.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "tests/remote/remote_table.h"

/* A certificate with its key. */
struct pair {
    EVP_PKEY *key;
    X509 *certificate;
};

static EVP_PKEY *make_key(OSSL_LIB_CTX *libctx)
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(libctx, NULL, "EC", "P-256");
    assert(key);
    return key;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    bool ok = extension && X509_add_ext(certificate, extension, -1) == 1;
    assert(ok);
    X509_EXTENSION_free(extension);
}

/* issuer NULL: self-signed CA. names NULL: no subject alternative names. */
static struct pair make_pair(OSSL_LIB_CTX *libctx, const char *name, const struct pair *issuer,
                             const char *names)
{
    struct pair pair = {.key = make_key(libctx), .certificate = X509_new_ex(libctx, NULL)};
    X509 *certificate = pair.certificate;
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509 *parent = issuer ? issuer->certificate : certificate;
    bool ok = X509_set_version(certificate, X509_VERSION_3) == 1 &&
              ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1) == 1 &&
              X509_gmtime_adj(X509_getm_notBefore(certificate), -60) &&
              X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) &&
              X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name,
                                         -1, -1, 0) == 1 &&
              X509_set_issuer_name(certificate, X509_get_subject_name(parent)) == 1 &&
              X509_set_pubkey(certificate, pair.key) == 1;
    assert(ok);
    add_extension(certificate, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
    if (names) {
        add_extension(certificate, NID_subject_alt_name, names);
    }
    ok = X509_sign(certificate, issuer ? issuer->key : pair.key, EVP_sha256()) > 0;
    assert(ok);
    return pair;
}

static void pair_clear(struct pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
}

ZCA_DEFINE_AUTO_CLEAR(pair, struct pair, pair_clear);

static char *write_certificate(const char *directory, const char *name, X509 *certificate)
{
    char *path = scratch_path(directory, name);
    FILE *file = fopen(path, "w");
    bool ok = file && PEM_write_X509(file, certificate) == 1 && fclose(file) == 0;
    assert(ok);
    return path;
}

/* passphrase NULL: in the clear. */
static char *write_key(const char *directory, const char *name, EVP_PKEY *key, char *passphrase)
{
    char *path = scratch_path(directory, name);
    FILE *file = fopen(path, "w");
    const EVP_CIPHER *cipher = passphrase ? EVP_aes_128_cbc() : NULL;
    bool ok =
        file &&
        PEM_write_PKCS8PrivateKey(file, key, cipher, passphrase,
                                  passphrase ? (int)strlen(passphrase) : 0, NULL, NULL) == 1 &&
        fclose(file) == 0;
    assert(ok);
    return path;
}

static SSL_CTX *make_server(OSSL_LIB_CTX *libctx, const struct pair *pair)
{
    SSL_CTX *tls = SSL_CTX_new_ex(libctx, NULL, TLS_server_method());
    bool ok = tls && SSL_CTX_use_certificate(tls, pair->certificate) == 1 &&
              SSL_CTX_use_PrivateKey(tls, pair->key) == 1;
    assert(ok);
    return tls;
}

static void make_servers(struct tls_files *files, const struct pair *ca)
{
    zca_auto(pair) struct pair here = make_pair(files->libctx, "here", ca, "IP:127.0.0.1");
    zca_auto(pair) struct pair elsewhere =
        make_pair(files->libctx, "elsewhere", ca, "DNS:ca.example.org");
    files->server = make_server(files->libctx, &here);
    files->elsewhere = make_server(files->libctx, &elsewhere);
    files->old = make_server(files->libctx, &here);
    files->mutual = make_server(files->libctx, &here);
    SSL_CTX_set_verify(files->mutual, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_security_level(files->old, 0);
    bool ok = SSL_CTX_set_max_proto_version(files->old, TLS1_1_VERSION) == 1 &&
              SSL_CTX_load_verify_file(files->mutual, files->ca) == 1;
    assert(ok);
}

struct tls_files *tls_files_new(const char *directory)
{
    struct tls_files *files = calloc(1, sizeof(*files));
    assert(files);
    files->libctx = OSSL_LIB_CTX_new();
    files->provider = OSSL_PROVIDER_load(files->libctx, "default");
    assert(files->provider);
    zca_auto(pair) struct pair ca = make_pair(files->libctx, "test CA", NULL, NULL);
    zca_auto(pair) struct pair other_ca = make_pair(files->libctx, "test CA", NULL, NULL);
    zca_auto(pair) struct pair client = make_pair(files->libctx, "client", &ca, NULL);
    char passphrase[] = "passphrase";
    files->ca = write_certificate(directory, "ca.pem", ca.certificate);
    files->other_ca = write_certificate(directory, "other-ca.pem", other_ca.certificate);
    files->client = write_certificate(directory, "client.pem", client.certificate);
    files->client_key = write_key(directory, "client.key", client.key, NULL);
    files->locked_key = write_key(directory, "locked.key", client.key, passphrase);
    files->other_key = write_key(directory, "other.key", ca.key, NULL);
    make_servers(files, &ca);
    return files;
}

void tls_files_free(struct tls_files *files)
{
    SSL_CTX_free(files->server);
    SSL_CTX_free(files->elsewhere);
    SSL_CTX_free(files->old);
    SSL_CTX_free(files->mutual);
    (void)OSSL_PROVIDER_unload(files->provider); /* the context goes anyway */
    OSSL_LIB_CTX_free(files->libctx);
    free(files->ca);
    free(files->other_ca);
    free(files->client);
    free(files->client_key);
    free(files->locked_key);
    free(files->other_key);
    free(files);
}
