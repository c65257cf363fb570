/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes in DIRECTORY what the measurements need, without an authority: zca.conf and its state, with.cnf, uris.cnf and
 * without.cnf (openssl.cnf with zca, with zca-uris-only, and without zca), for each algorithm a key file with its certificate (NAME.key,
 * NAME.crt, both in NAME.pem) and an identity zca://bench-NAME with a key reference (NAME.ref) and a certificate
 * (NAME.zca.crt, also in the state), and trust.pem, a trust store of 140 CA certificates.
 *
 * usage: material DIRECTORY               all of that
 *        material DIRECTORY many NUMBER    besides, many/1.key, 1.crt, 1.ref, 1.zca.crt and so on
 *        material DIRECTORY crowd NUMBER   besides, files and sections (crowd.conf) of so many other identities
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/auto.h"
#include "tests/bench/context.h"

#define NUM_CA_CERTIFICATES 140
#define AUTHORITY "corp"
#define VALID_S (10L * 365 * 24 * 3600)

static const struct algorithm {
    const char *name, *key_type, *keymgmt, *group;
    size_t bits;
} algorithms[] = {
    {"p256",    "P-256",    "EC",      "P-256", 0   },
    {"p384",    "P-384",    "EC",      "P-384", 0   },
    {"rsa2048", "RSA-2048", "RSA",     NULL,    2048},
    {"rsa4096", "RSA-4096", "RSA",     NULL,    4096},
    {"ed25519", "Ed25519",  "ED25519", NULL,    0   },
};

static const char *directory;
static const char *modules;
static OSSL_LIB_CTX *context;

/* ---- files ---- */

__attribute__((format(printf, 2, 3))) static void make_path(char path[PATH_MAX], const char *format,
                                                            ...)
{
    va_list arguments;
    int len = snprintf(path, PATH_MAX, "%s/", directory);
    va_start(arguments, format);
    (void)vsnprintf(path + len, PATH_MAX - (size_t)len, format, arguments); /* of our own names */
    va_end(arguments);
}

static FILE *open_file(const char *path, const char *mode)
{
    FILE *file = fopen(path, mode);
    if (!file) {
        bench_stop(path);
    }
    return file;
}

static void close_file(FILE *file, const char *path)
{
    if (fclose(file) != 0) {
        bench_stop(path);
    }
}

static void make_directory(const char *name)
{
    char path[PATH_MAX];
    make_path(path, "%s", name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        bench_stop(path);
    }
}

/* As on a host: one authority and one identity. */
static void write_zca_conf(FILE *file)
{
    fprintf(file,
            "[zca]\nstate-dir = %s/state\nruntime-dir = %s/run\nlog = none\nkeystore = file\n"
            "auto-enrol = no\nremote = off\n[authority " AUTHORITY "]\nurl = https://127.0.0.1:1\n"
            "dialect = orgca\n[identity bench-p256]\ndns = bench.myorg.ztna\n",
            directory, directory);
}

/* To make keys of all types; afterwards nobody asks for them. */
static void write_make_conf(FILE *file)
{
    write_zca_conf(file);
    for (size_t i = 1; i < ZCA_COUNT(algorithms); i++) {
        fprintf(file, "[identity bench-%s]\nkey-type = %s\n", algorithms[i].name,
                algorithms[i].key_type);
    }
}

static void write_conf(const char *name, void (*write_content)(FILE *file))
{
    char path[PATH_MAX];
    make_path(path, "%s", name);
    FILE *file = open_file(path, "we");
    write_content(file);
    close_file(file, path);
}

/* options: lines of zca's section; NULL: without zca. */
static void write_openssl_cnf(const char *name, const char *options)
{
    char path[PATH_MAX];
    make_path(path, "%s", name);
    FILE *file = open_file(path, "we");
    fprintf(file, "openssl_conf = init\n[init]\nproviders = providers\n[providers]\n"
                  "default = default_provider\n");
    if (options) {
        fprintf(file,
                "zca = zca_provider\n[zca_provider]\nactivate = 1\nmodule = %s/zca.so\n"
                "zca-config = %s/zca.conf\n%s",
                modules, directory, options);
    }
    fprintf(file, "[default_provider]\nactivate = 1\n[req]\ndistinguished_name = dn\n[dn]\n");
    close_file(file, path);
}

static void write_configuration(void)
{
    write_conf("zca.conf", write_zca_conf);
    write_conf("make.conf", write_make_conf);
    write_openssl_cnf("with.cnf", "");
    write_openssl_cnf("uris.cnf", "zca-uris-only = yes\n");
    write_openssl_cnf("without.cnf", NULL);
}

/* ---- keys and certificates ---- */

static EVP_PKEY *make_key(const struct algorithm *algorithm)
{
    EVP_PKEY *key =
        algorithm->group
            ? EVP_PKEY_Q_keygen(context, "provider=default", algorithm->keymgmt, algorithm->group)
            : EVP_PKEY_Q_keygen(context, "provider=default", algorithm->keymgmt, algorithm->bits);
    if (!key) {
        bench_stop("generating a key");
    }
    return key;
}

/* Self-signed: nobody verifies it here. */
static X509 *certify(EVP_PKEY *key, const char *name)
{
    X509 *certificate = X509_new_ex(context, NULL);
    X509_NAME *subject = certificate ? X509_get_subject_name(certificate) : NULL;
    const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256();
    if (!subject || X509_set_version(certificate, X509_VERSION_3) != 1 ||
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) != 1 ||
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                   -1, 0) != 1 ||
        X509_set_issuer_name(certificate, subject) != 1 ||
        !X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) ||
        !X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S) ||
        X509_set_pubkey(certificate, key) != 1 || X509_sign(certificate, key, digest) <= 0) {
        bench_stop("making a certificate");
    }
    return certificate;
}

/* Writes PEM; an object that is NULL is left out. A zca key is written as its reference. */
static void write_pem(const char *path, EVP_PKEY *key, X509 *certificate)
{
    BIO *file = BIO_new_file(path, "w");
    if (!file ||
        (key &&
         PEM_write_bio_PrivateKey_ex(file, key, NULL, NULL, 0, NULL, NULL, context, NULL) != 1) ||
        (certificate && PEM_write_bio_X509(file, certificate) != 1)) {
        bench_stop(path);
    }
    BIO_free_all(file);
}

/* A key file and an identity, each with its certificate; `stem` is relative to the directory. */
static void make_pair(const struct algorithm *algorithm, const char *stem, const char *identity)
{
    char path[PATH_MAX];
    char uri[256];
    (void)snprintf(uri, sizeof(uri), "zca://%s", identity);
    EVP_PKEY *key = make_key(algorithm);
    X509 *certificate = certify(key, identity);
    make_path(path, "%s.key", stem);
    write_pem(path, key, NULL);
    make_path(path, "%s.crt", stem);
    write_pem(path, NULL, certificate);
    make_path(path, "%s.pem", stem);
    write_pem(path, key, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);

    key = bench_key_load(context, uri);
    certificate = certify(key, identity);
    make_path(path, "%s.ref", stem);
    write_pem(path, key, NULL);
    make_path(path, "%s.zca.crt", stem);
    write_pem(path, NULL, certificate);
    make_path(path, "state/certs/" AUTHORITY "/%s.pem", identity);
    write_pem(path, NULL, certificate);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void make_pairs(void)
{
    for (size_t i = 0; i < ZCA_COUNT(algorithms); i++) {
        char identity[64];
        (void)snprintf(identity, sizeof(identity), "bench-%s", algorithms[i].name);
        make_pair(&algorithms[i], algorithms[i].name, identity);
    }
}

static void make_trust(void)
{
    char path[PATH_MAX];
    make_path(path, "trust.pem");
    BIO *file = BIO_new_file(path, "w");
    for (long i = 1; i <= NUM_CA_CERTIFICATES; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "Certification Authority %ld", i);
        EVP_PKEY *key = make_key(&algorithms[0]);
        X509 *certificate = certify(key, name);
        if (!file || PEM_write_bio_X509(file, certificate) != 1) {
            bench_stop(path);
        }
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    BIO_free_all(file);
}

static void make_many(long number)
{
    make_directory("many");
    for (long i = 1; i <= number; i++) {
        char stem[64];
        char identity[64];
        (void)snprintf(stem, sizeof(stem), "many/%ld", i);
        (void)snprintf(identity, sizeof(identity), "many-%ld", i);
        make_pair(&algorithms[0], stem, identity);
    }
}

/* ---- a crowd ---- */

/* Copies are good enough: nobody opens them. */
static void copy_file(const char *from, const char *format, long number)
{
    char source[PATH_MAX];
    char bytes[4096];
    make_path(source, "%s", from);
    FILE *file = open_file(source, "re");
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    close_file(file, source);
    for (long i = 1; i <= number; i++) {
        char path[PATH_MAX];
        int used = snprintf(path, sizeof(path), "%s/", directory);
        (void)snprintf(path + used, sizeof(path) - (size_t)used, "%s%ld.%s", format, i,
                       strrchr(from, '.') + 1);
        file = open_file(path, "we");
        if (fwrite(bytes, 1, len, file) != len) {
            bench_stop(path);
        }
        close_file(file, path);
    }
}

static void make_crowd(long number)
{
    char path[PATH_MAX];
    copy_file("state/keys/" AUTHORITY "/bench-p256.key", "state/keys/" AUTHORITY "/crowd-", number);
    copy_file("state/certs/" AUTHORITY "/bench-p256.pem", "state/certs/" AUTHORITY "/crowd-",
              number);
    make_path(path, "crowd.conf");
    FILE *file = open_file(path, "we");
    write_zca_conf(file);
    for (long i = 1; i <= number; i++) {
        fprintf(file, "[identity crowd-%ld]\ndns = host-%ld.myorg.ztna\n", i, i);
    }
    close_file(file, path);
}

int main(int argc, char **argv)
{
    char path[PATH_MAX];
    modules = getenv("ZCA_MODULES");
    if ((argc != 2 && argc != 4) || !modules) {
        fprintf(stderr, "usage: material DIRECTORY [many|crowd NUMBER]\n");
        return 2;
    }
    directory = argv[1];
    make_path(path, "%s", argc == 2 ? "make.conf" : "zca.conf");
    if (setenv("ZCA_CONFIG", path, 1) != 0) {
        bench_stop("setting ZCA_CONFIG");
    }
    if (argc == 2) {
        write_configuration();
    }
    context = bench_context_new(true);
    if (argc == 4) {
        long number = strtol(argv[3], NULL, 10);
        (strcmp(argv[2], "many") == 0 ? make_many : make_crowd)(number);
    } else {
        make_directory("state");
        make_directory("state/certs");
        make_directory("state/certs/" AUTHORITY);
        make_pairs();
        make_trust();
    }
    bench_context_free(context);
    return 0;
}
