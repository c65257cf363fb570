/* SPDX-License-Identifier: Apache-2.0 */
/* Headings and names of a configuration text, with their line numbers. */
#include "base/config_line.h"

#include <string.h>

static const char *const blanks = " \t\r\f\v";

static struct zca_span trim(const char *text, size_t len)
{
    while (len > 0 && strchr(blanks, text[len - 1])) {
        len--;
    }
    size_t before = strspn(text, blanks);
    return before < len ? zca_span_of(text + before, len - before) : zca_span_of(text, 0);
}

bool zca_config_line_next(struct zca_config_line *line)
{
    if (*line->text == '\0') {
        return false;
    }
    size_t len = strcspn(line->text, "\n");
    struct zca_span content = trim(line->text, len);
    const char *start = (const char *)content.data;
    const char *close = memchr(start, ']', content.len);
    const char *equals = memchr(start, '=', content.len);
    line->number++;
    line->heading = content.len > 0 && *start == '[' && close;
    line->name = zca_span_of(start, 0);
    if (line->heading) {
        line->section = trim(start + 1, (size_t)(close - start) - 1);
    } else if (equals && *start != '#') {
        line->name = trim(start, (size_t)(equals - start));
    }
    line->text += len + (line->text[len] == '\n');
    return true;
}

static bool is_text(struct zca_span span, const char *text)
{
    return zca_span_equal(span, zca_span_text(text));
}

long zca_config_line_find(const char *text, const char *section, const char *name)
{
    struct zca_config_line line = {.text = text};
    while (zca_config_line_next(&line)) {
        bool here = is_text(line.section, section);
        if (here && name ? is_text(line.name, name) : here && line.heading) {
            return line.number;
        }
    }
    return 0;
}
