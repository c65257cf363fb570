/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca URIs (docs/man/provider-zca.7): "zca://web", "zca://corp/web?csr=web.csr", "zca://corp/",
 * "zca:authority=corp;id=web;type=cert".
 */
#ifndef ZCA_CORE_URI_H
#define ZCA_CORE_URI_H

#include "base/auto.h"
#include "base/error.h"

enum zca_uri_type {
    ZCA_URI_ANY,
    ZCA_URI_PRIVATE,
    ZCA_URI_PUBLIC,
    ZCA_URI_CERT,
    ZCA_URI_CHAIN,
    ZCA_URI_CA,
    ZCA_URI_CRL
};

/* All text is owned and percent-decoded; NULL when absent. */
struct zca_uri {
    char *authority; /* NULL: the default authority */
    char *name;      /* identity; NULL: the authority itself */
    char *serial;
    enum zca_uri_type type;
    char *csr_file;   /* ?csr=FILE */
    char *pin_source; /* ?pin-source= */
    long ttl_s; /* ?ttl=, 0: not given; 90s, 15m, 24h, 7d or plain hours as in the products' APIs */
    long wait_s;  /* ?wait=, -1: not given */
    bool offline; /* ?offline=yes: never use the network */
};

/**
 * zca_uri_parse reads a URI. Bounded at 2048 bytes.
 * err ZCA_ERR_INVALID names the part; unknown attributes suggest the nearest known one.
 * Returns a new object or NULL.
 */
ZCA_NODISCARD struct zca_uri *zca_uri_parse(const char *text, struct zca_error *err);

/** zca_uri_format returns the shortest canonical text ("zca://corp/web"), without query; caller frees. */
ZCA_NODISCARD char *zca_uri_format(const struct zca_uri *uri, struct zca_error *err);

void zca_uri_free(struct zca_uri *uri);
ZCA_DEFINE_AUTO(zca_uri, struct zca_uri, zca_uri_free);

#endif
