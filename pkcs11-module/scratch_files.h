/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a scratch token's directory holds, as it was when it was last looked at: one entry a file, by name. */
#ifndef ZCA_PKCS11_MODULE_SCRATCH_FILES_H
#define ZCA_PKCS11_MODULE_SCRATCH_FILES_H

#include <sys/stat.h>

#include "base/buffer.h"
#include "pkcs11-module/cryptoki.h"

/* CKA_UNIQUE_ID and its NUL. */
#define ZCA_SCRATCH_NAME_SIZE 65

struct zca_scratch_file {
    char name[ZCA_SCRATCH_NAME_SIZE];
    struct stat status;
    bool is_known;              /* it was read, in this state */
    bool is_private;            /* and is CKA_PRIVATE */
    bool is_bad;                /* and cannot be used: complained about once */
    CK_OBJECT_HANDLE handle;    /* of its object among the token's; 0: none */
    unsigned epoch;             /* of the login in which a private object was shown */
    struct zca_buffer material; /* its key, sealed */
};

void zca_scratch_file_free(struct zca_scratch_file *file);
ZCA_DEFINE_AUTO(zca_scratch_file, struct zca_scratch_file, zca_scratch_file_free);

/* Sorted by name. Zero-initialised is empty. */
struct zca_scratch_files {
    struct zca_scratch_file **array;
    size_t count, capacity;
};

void zca_scratch_files_clear(struct zca_scratch_files *files);
ZCA_DEFINE_AUTO_CLEAR(zca_scratch_files, struct zca_scratch_files, zca_scratch_files_clear);

/** zca_scratch_name_valid tells whether this may be the name of an object's file: lower-case hexadecimal digits and '-', so
 * neither `token` nor what an interrupted write left. */
bool zca_scratch_name_valid(const char *name);

/** zca_scratch_files_list fills an empty list with names and statuses. No such directory: none. */
ZCA_NODISCARD bool zca_scratch_files_list(const char *directory,
                                          struct zca_scratch_files *out_files,
                                          struct zca_error *err);

/** zca_scratch_leftovers_remove removes what interrupted writes left in the directory: it was sealed for a token that is to
 * be erased. Nobody may be writing. */
ZCA_NODISCARD bool zca_scratch_leftovers_remove(const char *directory, struct zca_error *err);

/** zca_scratch_files_find returns the entry, borrowed, or NULL. */
struct zca_scratch_file *zca_scratch_files_find(const struct zca_scratch_files *files,
                                                const char *name);

/** zca_scratch_files_add takes a new entry. err ZCA_ERR_MEMORY, and it is still the caller's. */
ZCA_NODISCARD bool zca_scratch_files_add(struct zca_scratch_files *files,
                                         struct zca_scratch_file *file, struct zca_error *err);

/** zca_scratch_files_drop frees the entry of this name. */
void zca_scratch_files_drop(struct zca_scratch_files *files, const char *name);

#endif
