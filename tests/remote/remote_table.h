/* SPDX-License-Identifier: Apache-2.0 */
/* The built zca-remote.so, as core sees it, and small files for its settings. */
#ifndef ZCA_TESTS_REMOTE_REMOTE_TABLE_H
#define ZCA_TESTS_REMOTE_REMOTE_TABLE_H

#include <stdbool.h>

#include "remote/remote.h"

/** remote_table opens zca-remote.so (environment ZCA_TEST_REMOTE) and returns its table. */
const struct zca_remote *remote_table(void);

/** leave_child ends a child of fork with status 0 or 1, by another program: a leak checker would blame
 * the child for what the parent's threads own. */
_Noreturn void leave_child(bool ok);

/** scratch_new makes an empty directory and returns its path, scratch_free removes it with its files. */
char *scratch_new(void);
void scratch_free(char *directory);

/** scratch_path returns directory/name in new memory; scratch_write also writes the file, mode 0600. */
char *scratch_path(const char *directory, const char *name);
char *scratch_write(const char *directory, const char *name, const char *text);

/** read_text returns a whole file in new memory; NULL when it is not there. */
char *read_text(const char *path);

/** replace_all returns `text`, taken, with every `from` replaced by `to`, in new memory. */
char *replace_all(char *text, const char *from, const char *to);

#endif
