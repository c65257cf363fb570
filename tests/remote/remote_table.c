/* SPDX-License-Identifier: Apache-2.0 */
/* Failures here are failures of the test's surroundings: they abort. */
#include "tests/remote/remote_table.h"

#include <assert.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

const struct zca_remote *remote_table(void)
{
    typedef const struct zca_remote *table_function(void);
    const char *path = getenv("ZCA_TEST_REMOTE");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    table_function *function = NULL;
    if (!library) {
        (void)fprintf(stderr, "ZCA_TEST_REMOTE: %s\n", path ? dlerror() : "not set");
        abort();
    }
    *(void **)&function = dlsym(library, "zca_remote_table");
    assert(function);
    return function();
}

void leave_child(bool ok)
{
    const char *program = ok ? "/bin/true" : "/bin/false";
    (void)execl(program, program, NULL);
    _exit(2); /* there is no such program */
}

char *scratch_new(void)
{
    const char *base = getenv("TMPDIR");
    char *directory = NULL;
    int rc = asprintf(&directory, "%s/zca-test-XXXXXX", base ? base : "/tmp");
    bool ok = rc > 0 && mkdtemp(directory);
    assert(ok);
    return directory;
}

void scratch_free(char *directory)
{
    DIR *entries = opendir(directory);
    assert(entries);
    for (struct dirent *entry = readdir(entries); entry; entry = readdir(entries)) {
        zca_auto(text) char *path = scratch_path(directory, entry->d_name);
        (void)unlink(path); /* fails for "." and "..": fine */
    }
    (void)closedir(entries); /* read only */
    (void)rmdir(directory);  /* best effort */
    free(directory);
}

char *scratch_path(const char *directory, const char *name)
{
    char *path = zca_path_join(directory, name, "", NULL);
    assert(path);
    return path;
}

char *scratch_write(const char *directory, const char *name, const char *text)
{
    char *path = scratch_path(directory, name);
    bool ok = zca_file_store(path, S_IRUSR | S_IWUSR, zca_span_text(text), NULL);
    assert(ok);
    return path;
}

char *read_text(const char *path)
{
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    if (!zca_file_load(path, 4 * 1024 * 1024, &bytes, NULL, NULL)) {
        return NULL;
    }
    return strndup((const char *)bytes.data, bytes.len);
}

char *replace_all(char *text, const char *from, const char *to)
{
    zca_auto(zca_buffer) struct zca_buffer out = {0};
    const char *rest = text;
    bool ok = true;
    for (const char *hit = strstr(rest, from); hit; hit = strstr(rest, from)) {
        ok = ok && zca_buffer_append(&out, zca_span_of(rest, (size_t)(hit - rest)), NULL) &&
             zca_buffer_append_text(&out, to, NULL);
        rest = hit + strlen(from);
    }
    ok = ok && zca_buffer_append_text(&out, rest, NULL) && zca_buffer_append_text(&out, "", NULL);
    assert(ok);
    free(text);
    return strdup((const char *)out.data);
}
