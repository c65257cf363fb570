/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal is killed before each step that changes a file: enrolment, deployed files, reload. After
 * each crash a server that starts finds a bundle whose reference, key and certificate belong together,
 * and the next run of the timer makes up for what is missing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/enrol.h"
#include "core/reference.h"
#include "core/renew.h"
#include "tests/core/crash.h"
#include "tests/core/scene.h"

static const int most_steps = 100;

struct crash {
    int at;
    bool force;
};

static int renew_step(struct scene *scene, void *argument)
{
    const struct crash *crash = argument;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = false;
    crash_after(crash->at);
    if (!zca_renew(scene->identity, crash->force, &renewed, &err)) {
        (void)fprintf(stderr, "%s: %s\n", zca_reason_name(err.reason), err.message);
        return 1;
    }
    return 0;
}

/* What a server does that reads the bundle: certificate, then the key that the reference names. */
static int serve_step(struct scene *scene, void *argument)
{
    (void)argument;
    zca_auto(zca_buffer) struct zca_buffer bundle = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_reference) struct zca_reference reference = {.uri = NULL};
    scene_read(scene, "web.bundle", &bundle);
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(bundle.data, (int)bundle.len);
    char *label = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    if (PEM_read_bio(bio, &label, &header, &data, &len) != 1 ||
        strcmp(label, ZCA_REFERENCE_LABEL) != 0 ||
        !zca_buffer_append(&der, zca_span_of(data, (size_t)len), NULL) ||
        !zca_reference_parse(zca_buffer_span(&der), &reference, NULL)) {
        return 2;
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(data);
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_buffer_span(&bundle), NULL);
    zca_auto(zca_key) struct zca_key *key =
        zca_identity_key_of(scene->identity, zca_buffer_span(&reference.public_key), NULL);
    return chain && key && zca_chain_matches(chain, key) && zca_chain_valid_now(chain) ? 0 : 3;
}

static int run(struct scene *scene, int (*step)(struct scene *, void *), void *argument)
{
    return scene_run(scene, "zca://corp/web", step, argument);
}

static void configure(struct scene *scene)
{
    zca_auto(text) char *more = NULL;
    zca_auto(text) char *script = NULL;
    zca_auto(text) char *path = scene_path(scene, "reload");
    assert_true(asprintf(&more, "[identity web]\nbundle-file = %s/web.bundle\nreload = %s\n",
                         scene->directory, path) > 0);
    assert_true(asprintf(&script, "#!/bin/sh\ncp '%s/web.bundle' '%s/served'\n", scene->directory,
                         scene->directory) > 0);
    assert_true(zca_file_store(path, 0700, zca_span_text(script), NULL));
    scene_configure(scene, "plain", more);
}

/* The running server serves the certificate that is stored. */
static void check_served(struct scene *scene)
{
    zca_auto(zca_buffer) struct zca_buffer stored = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer served = {.len = 0};
    scene_read(scene, "state/certs/corp/web.pem", &stored);
    scene_read(scene, "served", &served);
    assert_non_null(strstr((char *)served.data, (char *)stored.data));
    assert_false(scene_exists(scene, "state/orders/corp/web.reload"));
}

static void each_crash_heals_with_the_next_run(void **state)
{
    struct scene *scene = *state;
    struct crash never = {.at = 0};
    int at = 1;
    configure(scene);
    assert_int_equal(run(scene, renew_step, &never), 0);
    check_served(scene);
    for (int status = CRASHED; status == CRASHED; at++) {
        struct crash crash = {.at = at, .force = true};
        assert_true(at <= most_steps);
        status = run(scene, renew_step, &crash);
        assert_true(status == CRASHED || status == 0);
        assert_int_equal(run(scene, serve_step, NULL), 0);
        assert_int_equal(run(scene, renew_step, &never), 0);
        assert_int_equal(run(scene, serve_step, NULL), 0);
        check_served(scene);
    }
    print_message("killed at %d steps\n", at - 2);
    assert_true(at >= 30);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(each_crash_heals_with_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
