/* SPDX-License-Identifier: Apache-2.0 */
/* What an openssl.cnf (config(5)) says about providers. It is read, never loaded. */
#ifndef ZCA_TOOL_OPENSSL_CONF_H
#define ZCA_TOOL_OPENSSL_CONF_H

#include "base/auto.h"
#include "base/error.h"

struct zca_openssl_conf {
    bool is_reachable;       /* openssl_conf leads to a list of providers */
    char *stray_section;     /* names zca as a provider, but nothing leads there; NULL: none */
    bool has_zca;            /* the list names zca */
    bool zca_activated;      /* its section has a line `activate` */
    char *zca_section;       /* NULL: not named */
    char *zca_module;        /* `module` of that section; NULL: found by name */
    char *zca_config;        /* its zca-config; NULL: unset */
    char *zca_log;           /* its zca-log */
    char *zca_unknown;       /* the first line of that section that nobody reads; NULL: none */
    const char *zca_nearest; /* what may have been meant by it; NULL: nobody knows */
    char *zca_invalid;       /* what is wrong with a value in that section; NULL: nothing */
    bool keeps_sealing_key;  /* its zca-keep-sealing-key is yes */
    bool claims_pkcs11;      /* its zca-claim-pkcs11-scheme is yes */
    bool uris_only;          /* its zca-uris-only is yes */
    bool remote_off;         /* its zca-remote is off */
    bool no_ensure;          /* its zca-ensure-default is no */
    bool other_activated;    /* any other provider is */
    bool default_activated;  /* default or fips is */
    bool zca_first;          /* default or fips stands behind zca */
    char *properties;        /* default_properties (property(7)); NULL: unset */
};

/** zca_openssl_conf_path returns $OPENSSL_CONF, or the file that libcrypto was built for. Caller frees. */
ZCA_NODISCARD char *zca_openssl_conf_path(struct zca_error *err);

/** zca_openssl_conf_read fills `out_conf`, which the caller zero-initialised.
 * err   ZCA_ERR_NOT_FOUND; ZCA_ERR_CONFIG with the line. */
ZCA_NODISCARD bool zca_openssl_conf_read(const char *path, struct zca_openssl_conf *out_conf,
                                         struct zca_error *err);
void zca_openssl_conf_clear(struct zca_openssl_conf *conf);
ZCA_DEFINE_AUTO_CLEAR(zca_openssl_conf, struct zca_openssl_conf, zca_openssl_conf_clear);

#endif
