/* SPDX-License-Identifier: Apache-2.0 */
/* One directory holds the state, the configuration and the fake authority of a test. */
#include "tests/core/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "core/certificate.h"

char *scene_path(const struct scene *scene, const char *rest)
{
    char *path = zca_path_join(scene->directory, rest, "", NULL);
    assert_non_null(path);
    return path;
}

bool scene_exists(const struct scene *scene, const char *rest)
{
    zca_auto(text) char *path = scene_path(scene, rest);
    return access(path, F_OK) == 0;
}

void scene_read(const struct scene *scene, const char *rest, struct zca_buffer *out_bytes)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = scene_path(scene, rest);
    check_ok(zca_file_load(path, 1 << 20, out_bytes, NULL, &err), err);
}

void scene_write(const struct scene *scene, const char *rest, const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = scene_path(scene, rest);
    check_ok(zca_file_store(path, 0600, zca_span_text(text), &err), err);
}

static void write_ca(const struct scene *scene, const struct forge_ca *ca, const char *name)
{
    zca_auto(text) char *certificate = NULL;
    zca_auto(text) char *key = NULL;
    zca_auto(text) char *pem = forge_pem((X509 *const[]){ca->certificate, NULL});
    assert_true(asprintf(&certificate, "fake/%s.pem", name) > 0);
    assert_true(asprintf(&key, "%s/fake/%s.key", scene->directory, name) > 0);
    scene_write(scene, certificate, pem);
    FILE *file = fopen(key, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, ca->key, NULL, NULL, 0, NULL, NULL), 1);
    (void)fclose(file);
}

int scene_setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    void *directory = NULL;
    if (!scene || check_setup_directory(&directory) != 0) {
        return -1;
    }
    scene->directory = directory;
    zca_auto(text) char *fake = scene_path(scene, "fake");
    if (!zca_directory_make(fake, 0700, NULL) || setenv("ZCA_FAKE", fake, 1) != 0) {
        return -1;
    }
    forge_ca_make(&scene->ca, "Test CA", NULL);
    forge_ca_make(&scene->rogue, "Test CA", NULL);
    write_ca(scene, &scene->ca, "ca");
    write_ca(scene, &scene->rogue, "rogue");
    *state = scene;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    void *directory = scene->directory;
    scene_close(scene);
    forge_ca_clear(&scene->ca);
    forge_ca_clear(&scene->rogue);
    free(scene);
    return check_teardown_directory(&directory);
}

void scene_configure(struct scene *scene, const char *dialect, const char *more)
{
    zca_auto(text) char *text = NULL;
    assert_true(asprintf(&text,
                         "[zca]\nstate-dir = %s/state\nruntime-dir = %s/run\n"
                         "remote-library = %s\nremote-timeout = 5s\nlog = none\n"
                         "[authority corp]\nurl = https://127.0.0.1:1\ndialect = %s\n%s",
                         scene->directory, scene->directory, ZCA_FAKE_REMOTE, dialect, more) > 0);
    scene_write(scene, "zca.conf", text);
}

void scene_plan(const struct scene *scene, const char *plan)
{
    scene_write(scene, "fake/plan", plan);
    zca_auto(text) char *log = scene_path(scene, "fake/log");
    (void)unlink(log); /* the plan counts from here */
}

void scene_open(struct scene *scene, const char *uri)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *config = scene_path(scene, "zca.conf");
    struct zca_library_settings settings = {.config_file = config};
    scene_close(scene);
    scene->library = zca_library_new(&settings, &err);
    check_ok(scene->library, err);
    zca_auto(zca_uri) struct zca_uri *parsed = zca_uri_parse(uri, &err);
    check_ok(parsed, err);
    scene->identity = zca_identity_open(scene->library, parsed, &err);
    check_ok(scene->identity, err);
}

void scene_close(struct scene *scene)
{
    zca_identity_close(zca_steal(scene->identity));
    zca_library_free(zca_steal(scene->library));
}

size_t scene_count(const struct scene *scene, const char *operation)
{
    zca_auto(zca_buffer) struct zca_buffer log = {.len = 0};
    size_t count = 0;
    size_t len = strlen(operation);
    if (!scene_exists(scene, "fake/log")) {
        return 0;
    }
    scene_read(scene, "fake/log", &log);
    for (const char *line = (const char *)log.data; line && *line; line = strchr(line, '\n') + 1) {
        count += strncmp(line, operation, len) == 0 && line[len] == '\n';
    }
    return count;
}

int scene_run(struct scene *scene, const char *uri, int (*step)(struct scene *, void *),
              void *argument)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        scene->identity = NULL; /* the parent's */
        scene->library = NULL;
        scene_open(scene, uri);
        int result = step(scene, argument);
        scene_close(scene);
        _exit(result);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void scene_check_pair(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, &err);
    check_ok(key, err);
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_certificate_load_chain(scene->library, "corp", "web", &err);
    check_ok(chain, err);
    assert_true(zca_chain_matches(chain, key));
    assert_true(zca_chain_valid_now(chain));
}

void scene_check_clean(const struct scene *scene)
{
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
    assert_false(scene_exists(scene, "state/orders/corp/web.csr"));
    assert_false(scene_exists(scene, "state/orders/corp/web.failed"));
}
