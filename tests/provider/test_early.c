/* SPDX-License-Identifier: Apache-2.0 */
/* A process that loses its files between initialisation and the first key: as after a change of root. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/openssl_auto.h"
#include "core/deploy.h"
#include "core/uri.h"
#include "tests/base/check.h"
#include "tests/provider/context.h"

struct process {
    OSSL_LIB_CTX *context;
    char *reference; /* the path of a sealed reference */
};

/* In another library object than the provider's, which shall know nothing of the key. */
static char *write_sealed_reference(const char *directory)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library_settings settings = {.config_file = getenv("ZCA_CONFIG")};
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, &err);
    check_ok(library, err);
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse("zca://corp/early", &err);
    check_ok(uri, err);
    zca_auto(zca_identity) struct zca_identity *identity = zca_identity_open(library, uri, &err);
    check_ok(identity, err);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(identity, &err);
    check_ok(key, err);
    char *path = check_path((void **)&directory, "early.key");
    struct zca_deploy deploy = {.key_file = path, .sealed = true};
    check_ok(zca_deploy_write(identity, &deploy, &err), err);
    return path;
}

/* A context that has read an openssl.cnf with `line` in zca's section. */
static OSSL_LIB_CTX *load_configuration(const char *directory, const char *line)
{
    zca_auto(text) char *path = check_path((void **)&directory, "openssl.cnf");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file,
                        "openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = d\nzca = z\n"
                        "[d]\nactivate = 1\n[z]\nactivate = 1\nmodule = %s/zca.so\n%s\n",
                        getenv("ZCA_MODULES"), line) > 0);
    assert_int_equal(fclose(file), 0);
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    assert_non_null(context);
    assert_true(OSSL_LIB_CTX_load_config(context, path));
    return context;
}

static struct process start(void **state, const char *line)
{
    struct process process = {.reference = write_sealed_reference(*state)};
    process.context = load_configuration(*state, line);
    assert_int_equal(ERR_peek_error(), 0);
    return process;
}

static void move(void **state, const char *from, const char *to)
{
    zca_auto(text) char *old = check_path(state, from);
    zca_auto(text) char *new = check_path(state, to);
    assert_int_equal(rename(old, new), 0);
}

/* Whether the reference opens while configuration and state are out of reach. */
static bool opens_without_files(void **state, const struct process *process)
{
    move(state, "state", "state.away");
    move(state, "zca.conf", "zca.conf.away");
    zca_auto(BIO) BIO *bio = BIO_new_file(process->reference, "r");
    zca_auto(EVP_PKEY) EVP_PKEY *key =
        PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, process->context, NULL);
    move(state, "state.away", "state");
    move(state, "zca.conf.away", "zca.conf");
    ERR_clear_error();
    return key;
}

static void stop(struct process *process)
{
    OSSL_LIB_CTX_free(process->context);
    free(process->reference);
}

static void sealed_reference_opens_without_files_when_asked_in_time(void **state)
{
    struct process process = start(state, "zca-keep-sealing-key = yes");
    assert_true(opens_without_files(state, &process));
    stop(&process);
}

static void nothing_is_read_in_time_when_not_asked(void **state)
{
    struct process process = start(state, "");
    assert_false(opens_without_files(state, &process));
    stop(&process);
}

static void the_word_no_keeps_nothing(void **state)
{
    struct process process = start(state, "zca-keep-sealing-key = no");
    assert_false(opens_without_files(state, &process));
    stop(&process);
}

static void what_cannot_be_read_in_time_is_no_failure(void **state)
{
    struct process process = {.reference = write_sealed_reference(*state)};
    move(state, "state/sealing.key", "sealing.key");
    process.context = load_configuration(*state, "zca-keep-sealing-key = yes");
    assert_int_equal(ERR_peek_error(), 0);
    move(state, "sealing.key", "state/sealing.key");
    zca_auto(BIO) BIO *bio = BIO_new_file(process.reference, "r");
    zca_auto(EVP_PKEY) EVP_PKEY *key =
        PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, process.context, NULL);
    assert_non_null(key); /* read when it is needed */
    stop(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_reference_opens_without_files_when_asked_in_time),
        cmocka_unit_test(nothing_is_read_in_time_when_not_asked),
        cmocka_unit_test(the_word_no_keeps_nothing),
        cmocka_unit_test(what_cannot_be_read_in_time_is_no_failure),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
