/* SPDX-License-Identifier: Apache-2.0 */
/* A narrow reading of RFC 3986: what is not plainly a base URL is refused, not interpreted. */
#include "remote/url.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char letters_and_digits[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/* Where the parts of a URL begin and how long they are. */
struct parts {
    struct zca_span scheme, host, port, path;
};

/* Takes the longest prefix of `*rest` that consists of `letters_and_digits` and `more`. */
static struct zca_span take(const char **rest, const char *more)
{
    const char *start = *rest;
    while (**rest != '\0' && (strchr(letters_and_digits, **rest) || strchr(more, **rest))) {
        (*rest)++;
    }
    return zca_span_of(start, (size_t)(*rest - start));
}

/* A name or IPv4 address, or an IPv6 address in brackets. */
static bool take_host(const char **rest, struct zca_span *out_host)
{
    if (**rest != '[') {
        *out_host = take(rest, "-._");
        return out_host->len > 0;
    }
    const char *start = (*rest)++;
    (void)take(rest, ":."); /* measured below */
    if (**rest != ']') {
        return false;
    }
    (*rest)++;
    *out_host = zca_span_of(start, (size_t)(*rest - start));
    return true;
}

static bool take_port(const char **rest, struct zca_span *out_port)
{
    if (**rest != ':') {
        return true;
    }
    const char *start = (*rest)++;
    size_t digits = strspn(*rest, "0123456789");
    long number = strtol(*rest, NULL, 10);
    *rest += digits;
    *out_port = zca_span_of(start, digits + 1);
    return digits > 0 && digits <= 5 && number > 0 && number <= 65535;
}

static bool split(const char *text, struct parts *out_parts)
{
    const char *rest = text;
    out_parts->scheme = take(&rest, "");
    if (strncmp(rest, "://", 3) != 0) {
        return false;
    }
    rest += 3;
    if (!take_host(&rest, &out_parts->host) || !take_port(&rest, &out_parts->port)) {
        return false;
    }
    out_parts->path = *rest == '/' ? take(&rest, "/-._~%!$&'()*+,;=:") : zca_span_of(rest, 0);
    while (out_parts->path.len > 0 && out_parts->path.data[out_parts->path.len - 1] == '/') {
        out_parts->path.len--;
    }
    return *rest == '\0';
}

static bool scheme_is(struct zca_span scheme, const char *name)
{
    return scheme.len == strlen(name) &&
           strncasecmp((const char *)scheme.data, name, scheme.len) == 0;
}

static bool host_is_loopback(struct zca_span span)
{
    zca_auto(text) char *host = strndup((const char *)span.data, span.len);
    struct in_addr address;
    if (!host) {
        return false;
    }
    if (inet_pton(AF_INET, host, &address) == 1) {
        return ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

static bool join(const struct parts *parts, struct zca_url *url, struct zca_error *err)
{
    if (asprintf(&url->address, "%.*s%.*s", (int)parts->host.len, (const char *)parts->host.data,
                 (int)parts->port.len, (const char *)parts->port.data) < 0) {
        url->address = NULL; /* undefined after a failure */
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a url");
    }
    if (asprintf(&url->base, "%s://%s%.*s", url->secure ? "https" : "http", url->address,
                 (int)parts->path.len, (const char *)parts->path.data) < 0) {
        url->base = NULL; /* as above */
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a url");
    }
    return true;
}

void zca_url_clear(struct zca_url *url)
{
    free(url->base);
    free(url->address);
    *url = (struct zca_url){0};
}

bool zca_url_parse(const char *text, struct zca_url *out_url, struct zca_error *err)
{
    struct parts parts = {0};
    if (!text || !split(text, &parts)) {
        return zca_error_set(err, ZCA_ERR_CONFIG,
                             "the url is not of the form https://host[:port][/base]");
    }
    zca_auto(zca_url) struct zca_url url = {
        .secure = scheme_is(parts.scheme, "https"),
        .loopback = host_is_loopback(parts.host),
    };
    if (!url.secure && !(url.loopback && scheme_is(parts.scheme, "http"))) {
        return zca_error_set(err, ZCA_ERR_CONFIG,
                             "the url must begin with https: http is for loopback hosts only");
    }
    if (!join(&parts, &url, err)) {
        return false;
    }
    *out_url = url;
    url = (struct zca_url){0};
    return true;
}

struct zca_span zca_url_find_host(const char *text)
{
    struct zca_span host = {0};
    const char *rest = text;
    (void)take(&rest, "+-."); /* the scheme */
    if (strncmp(rest, "://", 3) != 0) {
        return host;
    }
    rest += 3;
    bool certain = take_host(&rest, &host) && strchr(":/?#", *rest) && !strchr(rest, '@');
    return certain ? host : (struct zca_span){0};
}

bool zca_url_encode(const char *text, struct zca_buffer *out_text, struct zca_error *err)
{
    const char *rest = text;
    while (*rest != '\0') {
        struct zca_span plain = take(&rest, "-._~");
        if (!zca_buffer_append(out_text, plain, err)) {
            return false;
        }
        if (*rest != '\0' &&
            !zca_buffer_format(out_text, err, "%%%02X", (unsigned)(unsigned char)*rest++)) {
            return false;
        }
    }
    return true;
}
