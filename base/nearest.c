/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the edit distance of Levenshtein with one row of the matrix, any case. */
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/config.h"

static size_t min_of(size_t left, size_t right)
{
    return left < right ? left : right;
}

/* `row` has room for strlen(right) + 1 numbers. */
static size_t distance(const char *left, const char *right, size_t *row)
{
    size_t right_len = strlen(right);
    for (size_t j = 0; j <= right_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; left[i - 1] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= right_len; j++) {
            bool same = tolower((unsigned char)left[i - 1]) == tolower((unsigned char)right[j - 1]);
            size_t changed = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = min_of(changed, 1 + min_of(row[j], row[j - 1]));
        }
    }
    return row[right_len];
}

/* Near: at most one edit in three characters, so that short words have few neighbours. */
const char *zca_nearest(const char *word, const char *const *words)
{
    static const size_t max_len = 256; /* foreign words cost no more than this squared */
    const char *nearest = NULL;
    size_t least = strlen(word) / 3 + 2;
    if (strlen(word) > max_len) {
        return NULL;
    }
    for (; *words; words++) {
        size_t *row = calloc(strlen(*words) + 1, sizeof(*row));
        size_t edits = row ? distance(word, *words, row) : SIZE_MAX;
        if (edits < least) {
            least = edits;
            nearest = *words;
        }
        free(row);
    }
    return nearest;
}
