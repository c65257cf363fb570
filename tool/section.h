/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes one option in the text of a configuration file (config(5)) and keeps every other byte:
 * comments, order and layout are their writer's.
 */
#ifndef ZCA_TOOL_SECTION_H
#define ZCA_TOOL_SECTION_H

#include "base/buffer.h"
#include "base/error.h"

/**
 * zca_section_set writes `text` to `out_text` with option `name` of section "[heading]" set to `value`: its
 * line is replaced, or one is added to the end of the section, or the section to the end of the text.
 *
 * value      any text without control characters; quoted where the syntax needs it.
 * out_text   appended to; unchanged on failure.
 * err        ZCA_ERR_INVALID; ZCA_ERR_CONFIG when the line is continued on the next one;
 *            ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD bool zca_section_set(const char *text, const char *heading, const char *name,
                                   const char *value, struct zca_buffer *out_text,
                                   struct zca_error *err);

#endif
