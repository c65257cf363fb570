/* SPDX-License-Identifier: Apache-2.0 */
/* A host with a configuration and a fake authority (tests/core/fake_remote.c), in one directory. */
#ifndef ZCA_TESTS_CORE_SCENE_H
#define ZCA_TESTS_CORE_SCENE_H

#include "core/identity.h"
#include "tests/base/check.h"
#include "tests/core/forge.h"

struct scene {
    char *directory;
    struct forge_ca ca;
    struct forge_ca rogue; /* another CA of the same name */
    struct zca_library *library;
    struct zca_identity *identity;
};

/** scene_setup and scene_teardown give a test a scene in *state: zca.conf is not written yet. */
int scene_setup(void **state);
int scene_teardown(void **state);

/** scene_configure writes zca.conf: authority `corp` of a fake dialect, then `more` text. */
void scene_configure(struct scene *scene, const char *dialect, const char *more);

/** scene_plan tells the fake authority what to do: "submit: unavailable ok\npoll: pending ok\n". */
void scene_plan(const struct scene *scene, const char *plan);

/** scene_open opens the library and the identity of `uri` anew; scene_close closes both. */
void scene_open(struct scene *scene, const char *uri);
void scene_close(struct scene *scene);

/** scene_path returns directory/rest in new memory. scene_exists, scene_read and scene_write use it. */
char *scene_path(const struct scene *scene, const char *rest);
bool scene_exists(const struct scene *scene, const char *rest);
void scene_read(const struct scene *scene, const char *rest, struct zca_buffer *out_bytes);
void scene_write(const struct scene *scene, const char *rest, const char *text);

/** scene_count returns how often the authority saw an operation, by all processes. */
size_t scene_count(const struct scene *scene, const char *operation);

/** scene_run runs `step` in a child process with a library of its own; returns its exit status, or
 * 128 + signal. The step returns the status. */
int scene_run(struct scene *scene, const char *uri, int (*step)(struct scene *, void *),
              void *argument);

/** scene_check_pair fails the test unless the stored key and certificate match and are valid. */
void scene_check_pair(struct scene *scene);

/** scene_check_clean fails the test unless no journal and no captured request are left. */
void scene_check_clean(const struct scene *scene);

#endif
