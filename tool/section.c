/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the place by the same reader of lines that base/config.c uses, and puts one line there. */
#include "tool/section.h"

#include <ctype.h>
#include <string.h>

#include "base/config_line.h"

/* Where the new line goes: in place of [start, end), which is empty when the line is added. */
struct place {
    const char *start;
    const char *end;
    bool in_section; /* false: the section has to be added too */
};

static bool is_text(struct zca_span span, const char *text)
{
    return zca_span_equal(span, zca_span_text(text));
}

static bool is_blank(const char *start, const char *end)
{
    while (start < end && isspace((unsigned char)*start)) {
        start++;
    }
    return start == end;
}

/* Does the line end in a backslash: is the next one a part of it? */
static bool is_continued(const char *start, const char *end)
{
    while (end > start && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }
    return end > start && end[-1] == '\\';
}

static struct place find_place(const char *text, const char *heading, const char *name)
{
    struct place place = {.start = text + strlen(text), .end = text + strlen(text)};
    struct zca_config_line line = {.text = text};
    const char *start = text;
    while (zca_config_line_next(&line)) {
        bool here = is_text(line.section, heading);
        if (here && !line.heading && is_text(line.name, name)) {
            return (struct place){.start = start, .end = line.text, .in_section = true};
        }
        if (here && !is_blank(start, line.text)) {
            place = (struct place){.start = line.text, .end = line.text, .in_section = true};
        }
        start = line.text;
    }
    return place;
}

/* Within quotes a backslash is the only character that does anything besides the quote itself. */
static bool append_value(struct zca_buffer *text, const char *value, struct zca_error *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "/._-+,:@%=~[]?&*";
    if (*value != '\0' && value[strspn(value, plain)] == '\0') {
        return zca_buffer_append_text(text, value, err);
    }
    if (!zca_buffer_append_text(text, "\"", err)) {
        return false;
    }
    for (; *value; value++) {
        bool special = *value == '"' || *value == '\\';
        if (!zca_buffer_format(text, err, "%s%c", special ? "\\" : "", *value)) {
            return false;
        }
    }
    return zca_buffer_append_text(text, "\"", err);
}

static bool append_heading(struct zca_buffer *text, const char *heading, struct zca_error *err)
{
    return zca_buffer_format(text, err, "%s[%s]\n", text->len > 0 ? "\n" : "", heading);
}

static bool check_value(const char *value, struct zca_error *err)
{
    for (const char *c = value; *c; c++) {
        if (iscntrl((unsigned char)*c)) {
            return zca_error_set(err, ZCA_ERR_INVALID, "a value holds a control character");
        }
    }
    return true;
}

bool zca_section_set(const char *text, const char *heading, const char *name, const char *value,
                     struct zca_buffer *out_text, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer changed = {.len = 0};
    struct place place = find_place(text, heading, name);
    size_t before_len = (size_t)(place.start - text);
    bool needs_end = before_len > 0 && text[before_len - 1] != '\n';
    if (!check_value(value, err)) {
        return zca_error_context(err, "option '%s'", name);
    }
    if (is_continued(place.start, place.end)) {
        return zca_error_set(err, ZCA_ERR_CONFIG,
                             "option '%s' of [%s] is continued on the next line: change it by hand",
                             name, heading);
    }
    return zca_buffer_append(&changed, zca_span_of(text, before_len), err) &&
           (!needs_end || zca_buffer_append_text(&changed, "\n", err)) &&
           (place.in_section || append_heading(&changed, heading, err)) &&
           zca_buffer_format(&changed, err, "%s = ", name) && append_value(&changed, value, err) &&
           zca_buffer_append_text(&changed, "\n", err) &&
           zca_buffer_append_text(&changed, place.end, err) &&
           zca_buffer_append(out_text, zca_buffer_span(&changed), err);
}
