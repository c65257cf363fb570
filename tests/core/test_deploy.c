/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/deploy.h"
#include "core/enrol.h"
#include "core/keystore.h"
#include "core/reference.h"
#include "tests/core/scene.h"

struct paths {
    char *certificate, *key, *bundle;
};

static struct paths open_enrolled(struct scene *scene, const char *more)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    scene_configure(scene, "plain", more);
    scene_open(scene, "zca://corp/web");
    check_ok(zca_enrol(scene->identity, ZCA_ENROL_IF_NEEDED, &certificates, &err), err);
    return (struct paths){
        .certificate = scene_path(scene, "web.pem"),
        .key = scene_path(scene, "web.key"),
        .bundle = scene_path(scene, "web.bundle"),
    };
}

static struct zca_deploy deploy_to(const struct paths *paths)
{
    return (struct zca_deploy){
        .certificate_file = paths->certificate,
        .key_file = paths->key,
        .bundle_file = paths->bundle,
    };
}

static void paths_clear(struct paths *paths)
{
    free(paths->certificate);
    free(paths->key);
    free(paths->bundle);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

/* The first PEM block of a file. */
static void read_block(const char *path, const char *label, struct zca_buffer *out_der)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    BIO *bio = BIO_new_file(path, "r");
    assert_non_null(bio);
    assert_int_equal(PEM_read_bio(bio, &name, &header, &data, &len), 1);
    assert_string_equal(name, label);
    assert_true(zca_buffer_append(out_der, zca_span_of(data, (size_t)len), NULL));
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
}

static void one_file_for_two_purposes_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct paths paths = open_enrolled(scene, "");
    zca_auto(text) char *dotted = scene_path(scene, "./web.bundle");
    struct zca_deploy deploy = {.bundle_file = paths.bundle, .key_file = dotted};
    bool differs = false;
    check_refused(zca_deploy_write(scene->identity, &deploy, &err), err, ZCA_ERR_INVALID);
    assert_false(scene_exists(scene, "web.bundle"));
    err.reason = ZCA_ERR_NONE;
    check_refused(zca_deploy_differs(scene->identity, &deploy, &differs, &err), err,
                  ZCA_ERR_INVALID);
    paths_clear(&paths);
}

static void files_hold_reference_and_chain(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer stored = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer written = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer bundle = {.len = 0};
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = deploy_to(&paths);
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    read_block(paths.key, ZCA_REFERENCE_LABEL, &der);
    check_ok(zca_reference_parse(zca_buffer_span(&der), &reference, &err), err);
    assert_string_equal(reference.uri, "zca://corp/web");
    assert_int_equal(reference.sealed.len, 0);
    scene_read(scene, "web.pem", &written);
    scene_read(scene, "state/certs/corp/web.pem", &stored);
    assert_true(zca_span_equal(zca_buffer_span(&written), zca_buffer_span(&stored)));
    scene_read(scene, "web.bundle", &bundle);
    assert_non_null(strstr((char *)bundle.data, "BEGIN " ZCA_REFERENCE_LABEL));
    assert_non_null(strstr((char *)bundle.data, (char *)written.data));
    assert_int_equal(mode_of(paths.certificate), 0644);
    assert_int_equal(mode_of(paths.key), 0600);
    assert_int_equal(mode_of(paths.bundle), 0600);
    paths_clear(&paths);
}

static void sealed_reference_holds_the_key_record(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = {.key_file = paths.key, .sealed = true};
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    read_block(paths.key, ZCA_REFERENCE_LABEL, &der);
    check_ok(zca_reference_parse(zca_buffer_span(&der), &reference, &err) &&
                 zca_sealing_key_load(scene->library, ZCA_KEYSTORE_FILE, false, &sealing_key, &err),
             err);
    zca_auto(zca_key) struct zca_key *key =
        zca_key_unseal(scene->library, "corp/web", zca_buffer_span(&sealing_key),
                       zca_buffer_span(&reference.sealed), &err);
    check_ok(key, err);
    assert_true(zca_span_equal(zca_key_get_public(key), zca_buffer_span(&reference.public_key)));
    paths_clear(&paths);
}

static void configured_sealed_reference_is_written_once(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_deploy deploy;
    bool differs = true;
    struct paths paths = open_enrolled(scene, "[identity web]\nsealed-reference = yes\n");
    (void)zca_deploy_settings(scene->identity, &deploy); /* no file is configured */
    assert_true(deploy.sealed);
    deploy.bundle_file = paths.bundle;
    check_ok(zca_deploy_write(scene->identity, &deploy, &err) &&
                 zca_deploy_differs(scene->identity, &deploy, &differs, &err),
             err);
    assert_false(differs);
    deploy.sealed = false;
    check_ok(zca_deploy_differs(scene->identity, &deploy, &differs, &err), err);
    assert_true(differs);
    paths_clear(&paths);
}

static void plain_key_needs_permission(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = {.key_file = paths.key, .plain_key = true};
    check_refused(zca_deploy_write(scene->identity, &deploy, &err), err, ZCA_ERR_POLICY);
    assert_non_null(strstr(err.message, "allow-plain-key"));
    assert_false(scene_exists(scene, "web.key"));
    paths_clear(&paths);
}

static void plain_key_is_the_key(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct paths paths = open_enrolled(scene, "[identity web]\nallow-plain-key = yes\n");
    struct zca_deploy deploy = {.key_file = paths.key, .plain_key = true};
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    assert_int_equal(mode_of(paths.key), 0600);
    FILE *file = fopen(paths.key, "r");
    assert_non_null(file);
    EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    (void)fclose(file);
    assert_non_null(key);
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    check_ok(zca_identity_certificates(scene->identity, &chain, &err), err);
    assert_int_equal(EVP_PKEY_eq(key, X509_get0_pubkey(sk_X509_value(chain, 0))), 1);
    EVP_PKEY_free(key);
    paths_clear(&paths);
}

static void previous_generation_is_kept(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    zca_auto(zca_buffer) struct zca_buffer before = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer previous = {.len = 0};
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = deploy_to(&paths);
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    scene_read(scene, "web.bundle", &before);
    check_ok(zca_enrol(scene->identity, ZCA_ENROL_RENEW, &certificates, &err) &&
                 zca_deploy_write(scene->identity, &deploy, &err),
             err);
    scene_read(scene, "web.bundle.previous", &previous);
    assert_true(zca_span_equal(zca_buffer_span(&before), zca_buffer_span(&previous)));
    assert_true(scene_exists(scene, "web.key.previous"));
    assert_true(scene_exists(scene, "web.pem.previous"));
    paths_clear(&paths);
}

static void files_up_to_date_are_left_alone(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool differs = false;
    struct stat before;
    struct stat after;
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = deploy_to(&paths);
    check_ok(zca_deploy_differs(scene->identity, &deploy, &differs, &err), err);
    assert_true(differs);
    assert_false(scene_exists(scene, "web.bundle"));
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    assert_int_equal(stat(paths.bundle, &before), 0);
    check_ok(zca_deploy_write(scene->identity, &deploy, &err), err);
    assert_int_equal(stat(paths.bundle, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    check_ok(zca_deploy_differs(scene->identity, &deploy, &differs, &err), err);
    assert_false(differs);
    assert_int_equal(chmod(paths.bundle, 0644), 0);
    check_ok(zca_deploy_differs(scene->identity, &deploy, &differs, &err), err);
    assert_true(differs); /* a key file open to others is behind */
    paths_clear(&paths);
}

/* The second file cannot be written: the first is not either when that shows before. */
static void nothing_is_written_when_the_pair_does_not_match(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct paths paths = open_enrolled(scene, "");
    struct zca_deploy deploy = deploy_to(&paths);
    zca_auto(zca_key) struct zca_key *other =
        zca_key_generate(scene->library, zca_key_type_find("P-256"), &err);
    check_ok(other &&
                 zca_keystore_store(scene->library, ZCA_KEYSTORE_FILE, "corp", "web", other, &err),
             err);
    check_refused(zca_deploy_write(scene->identity, &deploy, &err), err, ZCA_ERR_CONFLICT);
    assert_false(scene_exists(scene, "web.pem"));
    assert_false(scene_exists(scene, "web.bundle"));
    paths_clear(&paths);
}

static void settings_come_from_the_identity(void **state)
{
    struct scene *scene = *state;
    struct zca_deploy deploy;
    struct paths none = open_enrolled(scene, "");
    assert_false(zca_deploy_settings(scene->identity, &deploy));
    paths_clear(&none);
    struct paths paths = open_enrolled(scene, "[identity web]\nbundle-file = /tmp/b.pem\n");
    assert_true(zca_deploy_settings(scene->identity, &deploy));
    assert_string_equal(deploy.bundle_file, "/tmp/b.pem");
    assert_null(deploy.key_file);
    assert_false(deploy.plain_key);
    paths_clear(&paths);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(one_file_for_two_purposes_is_refused),
        SCENE(files_hold_reference_and_chain),
        SCENE(sealed_reference_holds_the_key_record),
        SCENE(configured_sealed_reference_is_written_once),
        SCENE(plain_key_needs_permission),
        SCENE(plain_key_is_the_key),
        SCENE(previous_generation_is_kept),
        SCENE(files_up_to_date_are_left_alone),
        SCENE(nothing_is_written_when_the_pair_does_not_match),
        SCENE(settings_come_from_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
