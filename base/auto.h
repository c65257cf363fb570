/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes that release what a block owns, and the marks every header uses.
 * `zca_auto(tag)` stands on the line of the declaration, which is always initialised;
 * `zca_steal` hands the object over to a new owner.
 */
#ifndef ZCA_BASE_AUTO_H
#define ZCA_BASE_AUTO_H

#include <stdlib.h>

#define ZCA_NODISCARD __attribute__((warn_unused_result))
#define ZCA_EXPORT __attribute__((visibility("default")))
#define ZCA_PRINTF(text, first) __attribute__((format(printf, text, first)))

/** zca_auto releases the variable it marks at the end of its block, with the function that
 * ZCA_DEFINE_AUTO or ZCA_DEFINE_AUTO_CLEAR gave to `tag`. */
#define zca_auto(tag) __attribute__((cleanup(zca_auto_##tag), unused))

/** zca_steal returns the pointer held in `variable` and sets the variable to NULL. */
#define zca_steal(variable)                                                                        \
    (__extension__({                                                                               \
        __typeof__(variable) zca_stolen_ = (variable);                                             \
        (variable) = NULL;                                                                         \
        zca_stolen_;                                                                               \
    }))

/** ZCA_DEFINE_AUTO makes `zca_auto(tag)` work for pointers that `free_function` releases. */
#define ZCA_DEFINE_AUTO(tag, type, free_function)                                                  \
    static inline void zca_auto_##tag(type **object)                                               \
    {                                                                                              \
        free_function(*object);                                                                    \
    }                                                                                              \
    struct zca_auto_##tag##_semicolon

/** ZCA_DEFINE_AUTO_CLEAR makes `zca_auto(tag)` work for structs that `clear_function` empties. */
#define ZCA_DEFINE_AUTO_CLEAR(tag, type, clear_function)                                           \
    static inline void zca_auto_##tag(type *object)                                                \
    {                                                                                              \
        clear_function(object);                                                                    \
    }                                                                                              \
    struct zca_auto_##tag##_semicolon

/** ZCA_COUNT is the number of elements of an array. */
#define ZCA_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* zca_auto(text): memory from malloc, strdup and asprintf */
ZCA_DEFINE_AUTO(text, char, free);

#endif
