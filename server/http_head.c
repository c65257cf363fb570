/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 9112 request heads. The lines are checked first (bytes, line ends, names, counts), then
 * http-parser reads them; a head both do not understand alike is refused.
 */
#include "server/http_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>
#include <openssl/crypto.h>

/* What is being read, for http-parser's callbacks. */
struct reader {
    struct zca_http_head *head;
    struct zca_span target;
    enum zca_http_field field; /* of the line at hand; ZCA_HTTP_NUM_FIELDS: one we ignore */
    bool complete;
    struct zca_error *err;
};

static const char *const field_names[ZCA_HTTP_NUM_FIELDS] = {
    [ZCA_HTTP_HOST] = "Host",
    [ZCA_HTTP_CONTENT_LENGTH] = "Content-Length",
    [ZCA_HTTP_TRANSFER_ENCODING] = "Transfer-Encoding",
    [ZCA_HTTP_AUTHORIZATION] = "Authorization",
    [ZCA_HTTP_API_KEY] = "X-Api-Key",
    [ZCA_HTTP_EXPECT] = "Expect",
};

static const char host_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    ".-_:[]";

/* Sets the error that the client is answered with; returns false. */
static bool refuse(struct zca_error *err, long status, const char *message)
{
    (void)zca_error_set(err, ZCA_ERR_INVALID, "%s", message); /* always false */
    err->http_status = status;
    return false;
}

static bool refuse_memory(struct zca_error *err)
{
    (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* always false */
    err->http_status = 503;
    return false;
}

/* RFC 9110, 5.6.2: what methods and field names are made of. */
static bool is_token_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte));
}

static size_t token_length(struct zca_span line)
{
    size_t len = 0;
    while (len < line.len && is_token_byte(line.data[len])) {
        len++;
    }
    return len;
}

/* ---- lines ---- */

/* RFC 9112, 3: method SP target SP version, one space each. */
static bool check_request_line(struct zca_span line, struct zca_error *err)
{
    size_t method_len = token_length(line);
    if (method_len == 0 || method_len == line.len || line.data[method_len] != ' ') {
        return refuse(err, 400, "malformed method");
    }
    const uint8_t *target = line.data + method_len + 1;
    const uint8_t *end = line.data + line.len;
    const uint8_t *space = memchr(target, ' ', (size_t)(end - target));
    if (!space || memchr(target, '\t', (size_t)(end - target))) {
        return refuse(err, 400, "malformed request line");
    }
    if ((size_t)(space - target) > ZCA_HTTP_TARGET_LIMIT) {
        return refuse(err, 414, "request target too long");
    }
    if (space == target || *target != '/') {
        return refuse(err, 400, "request target must be a path");
    }
    struct zca_span version = zca_span_of(space + 1, (size_t)(end - space - 1));
    if (version.len != strlen("HTTP/1.1") || memcmp(version.data, "HTTP/", 5) != 0 ||
        version.data[5] < '0' || version.data[5] > '9' || version.data[6] != '.' ||
        version.data[7] < '0' || version.data[7] > '9') {
        return refuse(err, 400, "malformed protocol version");
    }
    if (version.data[5] != '1' || version.data[7] > '1') {
        return refuse(err, 505, "only HTTP/1.1 and HTTP/1.0 are spoken");
    }
    return true;
}

/* RFC 9112, 5: name ":" value; neither white space before the colon nor folded lines. */
static bool check_field_line(struct zca_span line, struct zca_error *err)
{
    size_t name_len = token_length(line);
    if (name_len == 0 || name_len == line.len || line.data[name_len] != ':') {
        return refuse(err, 400, "malformed header line");
    }
    return true;
}

/* RFC 9110, 5.5: values may hold bytes above ASCII, which nobody here reads; the rest may not. */
static bool check_bytes(struct zca_span line, uint8_t greatest, struct zca_error *err)
{
    for (size_t i = 0; i < line.len; i++) {
        uint8_t byte = line.data[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f || byte > greatest) {
            return refuse(err, 400, "byte that has no place in a head");
        }
    }
    return true;
}

/* Cuts the next line off `rest`: up to CRLF, which every line must end with. */
static struct zca_span next_line(struct zca_span *rest)
{
    const uint8_t *feed = memchr(rest->data, '\n', rest->len);
    size_t taken = feed ? (size_t)(feed - rest->data) + 1 : rest->len;
    struct zca_span line = zca_span_of(rest->data, taken);
    *rest = zca_span_of(rest->data + taken, rest->len - taken);
    return line;
}

static bool check_lines(struct zca_span block, struct zca_error *err)
{
    if (block.len > ZCA_HTTP_HEAD_LIMIT) {
        return refuse(err, 431, "header block too large");
    }
    struct zca_span rest = block;
    for (size_t num_lines = 0; rest.len > 0; num_lines++) {
        struct zca_span line = next_line(&rest);
        if (line.len < 2 || line.data[line.len - 2] != '\r' || line.data[line.len - 1] != '\n') {
            return refuse(err, 400, "line does not end with CRLF");
        }
        line.len -= 2;
        if (line.len == 0 && rest.len == 0 && num_lines > 0) {
            return true;
        }
        if (num_lines > ZCA_HTTP_LINES_LIMIT) {
            return refuse(err, 431, "too many header lines");
        }
        bool first = num_lines == 0;
        bool good = check_bytes(line, first ? 0x7e : 0xff, err) &&
                    (first ? check_request_line(line, err) : check_field_line(line, err));
        if (!good) {
            return false;
        }
    }
    return refuse(err, 400, "incomplete head");
}

/* ---- http-parser's callbacks; 0 means success there ---- */

static int take_target(http_parser *parser, const char *at, size_t len)
{
    struct reader *reader = parser->data;
    reader->target = zca_span_of(at, len);
    return 0;
}

static int take_field_name(http_parser *parser, const char *at, size_t len)
{
    struct reader *reader = parser->data;
    unsigned field = 0;
    while (field < ZCA_HTTP_NUM_FIELDS &&
           (strlen(field_names[field]) != len || strncasecmp(field_names[field], at, len) != 0)) {
        field++;
    }
    reader->field = (enum zca_http_field)field;
    return 0;
}

static int take_field_value(http_parser *parser, const char *at, size_t len)
{
    struct reader *reader = parser->data;
    if (reader->field == ZCA_HTTP_NUM_FIELDS) {
        return 0;
    }
    char **value = &reader->head->fields[reader->field];
    if (*value) {
        (void)refuse(reader->err, 400, "header field given twice"); /* always false */
        return -1;
    }
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
        len--;
    }
    *value = strndup(at, len);
    if (!*value) {
        (void)refuse_memory(reader->err); /* always false */
        return -1;
    }
    return 0;
}

static int end_head(http_parser *parser)
{
    struct reader *reader = parser->data;
    reader->complete = true;
    reader->head->method = http_method_str((enum http_method)parser->method);
    reader->head->keep_alive = parser->http_minor == 1 && http_should_keep_alive(parser) != 0;
    return 1; /* no body here: it is counted, not parsed */
}

/* ---- meaning ---- */

static bool take_content_length(struct zca_http_head *head, struct zca_error *err)
{
    const char *text = head->fields[ZCA_HTTP_CONTENT_LENGTH];
    if (!text) {
        return true;
    }
    size_t num_digits = strspn(text, "0123456789");
    if (num_digits == 0 || text[num_digits] != '\0') {
        return refuse(err, 400, "malformed Content-Length");
    }
    size_t value = 0;
    for (size_t i = 0; i < num_digits && value <= ZCA_HTTP_BODY_LIMIT; i++) {
        value = value * 10 + (size_t)(text[i] - '0');
    }
    if (value > ZCA_HTTP_BODY_LIMIT) {
        return refuse(err, 413, "body too large");
    }
    head->content_length = value;
    return true;
}

static bool check_fields(struct zca_http_head *head, bool must_have_host, struct zca_error *err)
{
    if (head->fields[ZCA_HTTP_TRANSFER_ENCODING]) {
        return refuse(err, 501, "transfer codings are not supported; send Content-Length");
    }
    const char *host = head->fields[ZCA_HTTP_HOST];
    if (must_have_host && !host) {
        return refuse(err, 400, "Host is missing");
    }
    if (host && (*host == '\0' || host[strspn(host, host_characters)] != '\0')) {
        return refuse(err, 400, "malformed Host");
    }
    const char *expect = head->fields[ZCA_HTTP_EXPECT];
    if (expect && strcasecmp(expect, "100-continue") != 0) {
        return refuse(err, 417, "only Expect: 100-continue is known");
    }
    head->expect_continue = expect != NULL;
    return take_content_length(head, err);
}

/* Length of the well-formed UTF-8 sequence at `bytes` (RFC 3629, 4), 0 if there is none. */
static size_t utf8_length(struct zca_span bytes)
{
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 3, 4};
    uint8_t first = bytes.data[0];
    size_t len = lengths[first >> 4];
    if (len == 0 || len > bytes.len || first == 0xc0 || first == 0xc1 || first > 0xf4) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((bytes.data[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = len > 1 ? bytes.data[1] : 0;
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool outside = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
    return overlong || outside ? 0 : len;
}

static bool is_printable_utf8(struct zca_span text)
{
    while (text.len > 0) {
        size_t len = utf8_length(text);
        if (len == 0 || text.data[0] < 0x20 || text.data[0] == 0x7f) {
            return false;
        }
        text = zca_span_of(text.data + len, text.len - len);
    }
    return true;
}

char *zca_http_path_decode(struct zca_span path)
{
    zca_auto(text) char *decoded = malloc(path.len + 1);
    if (!decoded) {
        return NULL;
    }
    size_t len = 0;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t byte = path.data[i];
        if (byte == '%') {
            int high = i + 2 < path.len ? OPENSSL_hexchar2int(path.data[i + 1]) : -1;
            int low = high >= 0 ? OPENSSL_hexchar2int(path.data[i + 2]) : -1;
            if (low < 0) {
                return NULL;
            }
            byte = (uint8_t)(high * 16 + low);
            i += 2;
            if (byte == '/') {
                return NULL;
            }
        }
        decoded[len++] = (char)byte;
    }
    decoded[len] = '\0';
    if (!is_printable_utf8(zca_span_of(decoded, len))) {
        return NULL;
    }
    return zca_steal(decoded);
}

static bool take_path(struct zca_http_head *head, struct zca_span target, struct zca_error *err)
{
    if (memchr(target.data, '#', target.len)) {
        return refuse(err, 400, "fragment in the request target");
    }
    const uint8_t *mark = memchr(target.data, '?', target.len);
    size_t path_len = mark ? (size_t)(mark - target.data) : target.len;
    head->path = zca_http_path_decode(zca_span_of(target.data, path_len));
    if (!head->path) {
        return refuse(err, 400, "malformed path");
    }
    size_t query_start = mark ? path_len + 1 : target.len;
    head->query = strndup((const char *)target.data + query_start, target.len - query_start);
    return head->query ? true : refuse_memory(err);
}

static bool read_head(struct zca_span block, struct zca_http_head *head, struct zca_error *err)
{
    struct zca_error inner = {0};
    struct reader reader = {.head = head, .field = ZCA_HTTP_NUM_FIELDS, .err = &inner};
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = take_target;
    settings.on_header_field = take_field_name;
    settings.on_header_value = take_field_value;
    settings.on_headers_complete = end_head;
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &reader;
    size_t used = http_parser_execute(&parser, &settings, (const char *)block.data, block.len);
    if (inner.reason != ZCA_ERR_NONE) {
        *err = inner;
        return false;
    }
    if (HTTP_PARSER_ERRNO(&parser) == HPE_INVALID_METHOD) {
        return refuse(err, 501, "unknown method");
    }
    if (HTTP_PARSER_ERRNO(&parser) != HPE_OK || !reader.complete || used != block.len) {
        return refuse(err, 400, "malformed head");
    }
    return check_fields(head, parser.http_minor == 1, err) && take_path(head, reader.target, err);
}

bool zca_http_head_parse(struct zca_span block, struct zca_http_head *out_head,
                         struct zca_error *err)
{
    zca_auto(zca_http_head) struct zca_http_head head = {0};
    if (!check_lines(block, err) || !read_head(block, &head, err)) {
        return false;
    }
    *out_head = head;
    head = (struct zca_http_head){0};
    return true;
}

void zca_http_head_clear(struct zca_http_head *head)
{
    for (size_t i = 0; i < ZCA_HTTP_NUM_FIELDS; i++) {
        if (head->fields[i]) {
            OPENSSL_cleanse(head->fields[i], strlen(head->fields[i]));
            free(head->fields[i]);
        }
    }
    free(head->path);
    free(head->query);
    *head = (struct zca_http_head){0};
}
