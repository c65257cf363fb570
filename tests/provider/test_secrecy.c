/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the private value of a key is while a program uses it through OpenSSL: once, in locked memory, in no core
 * dump, and nowhere when the program has let go of it.
 */
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/pem.h>

#include "base/openssl_auto.h"
#include "core/deploy.h"
#include "core/key_value.h"
#include "core/keystore.h"
#include "core/uri.h"
#include "tests/base/check.h"
#include "tests/base/scan.h"
#include "tests/provider/context.h"
#include "tests/provider/fixture.h"

static const char *const types[] = {"P-256", "P-384", "P-521", "Ed25519"};

/* Stores a key as zca://NAME in another library object than the provider's, and remembers what to look for. */
static void make(const char *type, const char *name, struct scan_pattern *out_pattern)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library_settings settings = {.config_file = getenv("ZCA_CONFIG")};
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, &err);
    check_ok(library, err);
    zca_auto(zca_key) struct zca_key *key =
        zca_key_generate(library, zca_key_type_find(type), &err);
    check_ok(key, err);
    check_ok(zca_keystore_store(library, ZCA_KEYSTORE_FILE, "corp", name, key, &err), err);
    zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
    check_ok(zca_key_values_of(key, &values, &err), err);
    scan_remember(zca_span_of(values.secret.data, values.lens[0]), out_pattern);
}

static void expect(const struct scan_pattern *pattern, unsigned copies)
{
    struct scan_result found = scan_memory(pattern);
    assert_int_equal(found.copies, copies);
    assert_int_equal(found.locked, copies);
    assert_int_equal(found.dumped, 0);
}

static void sign(EVP_PKEY *key, unsigned times)
{
    const char *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : "SHA256";
    for (unsigned i = 0; i < times; i++) {
        uint8_t signature[256];
        size_t len = sizeof(signature);
        zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
        assert_int_equal(EVP_DigestSignInit_ex(operation, NULL, digest, context, NULL, key, NULL),
                         1);
        assert_int_equal(EVP_DigestSign(operation, signature, &len, (const uint8_t *)"x", 1), 1);
    }
}

static void a_key_in_use_stands_once_in_locked_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        struct scan_pattern pattern;
        zca_auto(text) char *uri = NULL;
        make(types[i], types[i], &pattern);
        assert_true(asprintf(&uri, "zca://%s", types[i]) > 0);
        expect(&pattern, 0);
        EVP_PKEY *key = context_key(context, uri);
        expect(&pattern, 1);
        sign(key, 1000);
        expect(&pattern, 1);
        EVP_PKEY *again = context_key(context, uri);
        expect(&pattern, 1);
        EVP_PKEY_free(key);
        expect(&pattern, 1);
        EVP_PKEY_free(again);
        expect(&pattern, 0);
    }
}

static void a_key_behind_a_reference_stands_once(void **state)
{
    (void)state;
    struct scan_pattern pattern;
    make("P-256", "referred", &pattern);
    EVP_PKEY *key = context_key(context, "zca://referred");
    zca_auto(BIO) BIO *file = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    EVP_PKEY_free(key);
    expect(&pattern, 0);
    key = PEM_read_bio_PrivateKey_ex(file, NULL, NULL, NULL, context, NULL);
    assert_non_null(key);
    sign(key, 10);
    expect(&pattern, 1);
    EVP_PKEY_free(key);
    expect(&pattern, 0);
}

static EVP_PKEY *read_sealed(const char *path)
{
    zca_auto(BIO) BIO *file = BIO_new_file(path, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_bio_PrivateKey_ex(file, NULL, NULL, NULL, context, NULL);
    assert_non_null(key);
    return key;
}

static void a_sealed_key_stands_once_though_read_twice(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct scan_pattern pattern;
    make("P-256", "sealed", &pattern);
    zca_auto(text) char *path = check_path(state, "sealed.pem");
    struct zca_library_settings settings = {.config_file = getenv("ZCA_CONFIG")};
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, &err);
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca://corp/sealed", &err);
    zca_auto(zca_identity) struct zca_identity *identity = zca_identity_open(library, uri, &err);
    struct zca_deploy deploy = {.key_file = path, .sealed = true};
    check_ok(identity && zca_deploy_write(identity, &deploy, &err), err);
    expect(&pattern, 0);
    EVP_PKEY *first = read_sealed(path);
    EVP_PKEY *second = read_sealed(path);
    sign(second, 10);
    expect(&pattern, 1);
    EVP_PKEY_free(first);
    EVP_PKEY_free(second);
    expect(&pattern, 0);
}

static void a_child_has_its_copy_locked_too(void **state)
{
    (void)state;
    struct scan_pattern pattern;
    make("P-256", "child", &pattern);
    EVP_PKEY *key = context_key(context, "zca://child");
    pid_t child = fork();
    if (child == 0) {
        struct scan_result found = scan_memory(&pattern);
        _exit(found.copies == 1 && found.locked == 1 && found.dumped == 0 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EVP_PKEY_free(key);
}

/* Kernels that hand core dumps to a program show us none. */
static bool dumps_are_files(void)
{
    char pattern[2] = "";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
    assert_true(file && fgets(pattern, sizeof(pattern), file));
    (void)fclose(file); /* read only */
    return pattern[0] != '|' && pattern[0] != '/';
}

static const char marker[] = "this text stands in ordinary memory";

static void crash_with_key(const char *directory)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    char *ordinary = strdup(marker);
    EVP_PKEY *key = context_key(context, "zca://dumped");
    sign(key, 10);
    if (!ordinary || chdir(directory) != 0 || setrlimit(RLIMIT_CORE, &unlimited) != 0 ||
        signal(SIGABRT, SIG_DFL) == SIG_ERR) {
        _exit(2);
    }
    abort();
}

static void a_core_dump_holds_no_key(void **state)
{
    struct scan_pattern pattern;
    struct scan_pattern ordinary;
    int status = 0;
    glob_t cores = {0};
    if (!dumps_are_files()) {
        skip();
    }
    make("P-256", "dumped", &pattern);
    scan_remember(zca_span_of((const uint8_t *)marker, sizeof(marker)), &ordinary);
    pid_t child = fork();
    if (child == 0) {
        crash_with_key(*state);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    zca_auto(text) char *where = check_path(state, "core*");
    if (!WCOREDUMP(status) || glob(where, 0, NULL, &cores) != 0) {
        skip(); /* forbidden here */
    }
    assert_int_equal(cores.gl_pathc, 1);
    assert_true(scan_file(cores.gl_pathv[0], &ordinary) > 0);
    assert_int_equal(scan_file(cores.gl_pathv[0], &pattern), 0);
    globfree(&cores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_in_use_stands_once_in_locked_memory),
        cmocka_unit_test(a_key_behind_a_reference_stands_once),
        cmocka_unit_test(a_sealed_key_stands_once_though_read_twice),
        cmocka_unit_test(a_child_has_its_copy_locked_too),
        cmocka_unit_test(a_core_dump_holds_no_key),
    };
    return cmocka_run_group_tests_name("provider/secrecy", tests, fixture_setup, fixture_teardown);
}
