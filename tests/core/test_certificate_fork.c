/* SPDX-License-Identifier: Apache-2.0 */
/* A process forks where the cache of certificates takes its reference: the linker puts the fork in front of it. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/certificate.h"
#include "tests/core/scene.h"

struct zca_chain *__real_zca_chain_ref(struct zca_chain *chain);
struct zca_chain *__wrap_zca_chain_ref(struct zca_chain *chain);

/* The scene whose next reference forks; NULL: none does. */
static struct scene *forks;
static pid_t child;

static int load_in_child(struct scene *scene)
{
    (void)alarm(30); /* there was none before */
    zca_library_enter(scene->library);
    struct zca_chain *chain = zca_certificate_load_chain(scene->library, "corp", "web", NULL);
    bool ok = chain && zca_chain_get_length(chain) == 1;
    zca_chain_free(chain);
    return ok ? 0 : 1;
}

struct zca_chain *__wrap_zca_chain_ref(struct zca_chain *chain)
{
    struct scene *scene = forks;
    forks = NULL;
    child = scene ? fork() : child;
    if (scene && child == 0) {
        _exit(load_in_child(scene));
    }
    return __real_zca_chain_ref(chain);
}

static void write_certificate(struct scene *scene)
{
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "web.example", .key = key};
    X509 *certificate = forge_issue(&scene->ca, &order);
    char *pem = forge_pem((X509 *const[]){certificate, NULL});
    scene_write(scene, "state/certs/corp/web.pem", pem);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* Loads a file that the cache does not know. */
static void load_and_fork(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    int status = -1;
    write_certificate(scene);
    forks = scene;
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_certificate_load_chain(scene->library, "corp", "web", &err);
    check_ok(chain, err);
    assert_null(forks);
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void open_scene(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
    check_ok(zca_library_prepare(scene->library, ZCA_PLACE_CERTS, "corp", &err), err);
}

static void child_of_a_first_load_loads(void **state)
{
    open_scene(*state);
    load_and_fork(*state);
}

static void child_of_a_later_load_loads(void **state)
{
    struct scene *scene = *state;
    open_scene(scene);
    write_certificate(scene);
    zca_chain_free(zca_certificate_load_chain(scene->library, "corp", "web", NULL));
    load_and_fork(scene);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(child_of_a_first_load_loads),
        SCENE(child_of_a_later_load_loads),
    };
    return cmocka_run_group_tests_name("core/certificate fork", tests, NULL, NULL);
}
