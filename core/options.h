/* SPDX-License-Identifier: Apache-2.0 */
/* The options of zca.conf: one row each in core/options.c, one index each here. */
#ifndef ZCA_CORE_OPTIONS_H
#define ZCA_CORE_OPTIONS_H

#include "base/config.h"

/* [zca] */
enum zca_library_option {
    ZCA_LIBRARY_DEFAULT_AUTHORITY, /* default-authority: TEXT; unset: the only authority there is */
    ZCA_LIBRARY_STATE_DIR,         /* state-dir: PATH; /var/lib/zca or XDG state */
    ZCA_LIBRARY_RUNTIME_DIR,       /* runtime-dir: PATH on tmpfs; /run/zca or XDG runtime */
    ZCA_LIBRARY_KEYSTORE,          /* keystore: memory | runtime | file */
    ZCA_LIBRARY_KEY_TYPE,          /* key-type: a name of base/algorithm.c */
    ZCA_LIBRARY_SEALING_KEY,     /* sealing-key: PATH; state-dir/sealing.key, made on first need */
    ZCA_LIBRARY_KEEP_SEALING,    /* keep-sealing-key: in memory, for processes that change root */
    ZCA_LIBRARY_SECURE_MEMORY,   /* secure-memory: KiB for private values; 0: none */
    ZCA_LIBRARY_AUTO_ENROL,      /* auto-enrol: no | csr | load */
    ZCA_LIBRARY_PLAIN_KEY,       /* allow-plain-key: may a key be exported in the clear */
    ZCA_LIBRARY_CRYPTO_PROVIDER, /* crypto-provider: default | fips */
    ZCA_LIBRARY_ENSURE_DEFAULT,  /* ensure-default: load it where it is missing */
    ZCA_LIBRARY_CLAIM_PKCS11,    /* claim-pkcs11-scheme: the store answers to pkcs11 URIs, too */
    ZCA_LIBRARY_URIS_ONLY,       /* uris-only: no key references, no generation */
    ZCA_LIBRARY_REMOTE,          /* remote: auto | off (never use the network in this process) */
    ZCA_LIBRARY_REMOTE_LIBRARY,  /* remote-library: PATH of zca-remote.so */
    ZCA_LIBRARY_TIMEOUT,         /* remote-timeout: SECONDS, deadline of one operation */
    ZCA_LIBRARY_BLIND_SIGN,      /* blind-sign: let a remote key sign a bare digest */
    ZCA_LIBRARY_SCRATCH,         /* scratch-token: a PKCS#11 token for keys of any kind */
    ZCA_LIBRARY_LEGACY,    /* legacy-mechanisms: PKCS#11 mechanisms with SHA-1, short RSA keys */
    ZCA_LIBRARY_FORK,      /* pkcs11-fork: adopt | strict */
    ZCA_LIBRARY_LOG,       /* log: syslog | stderr | none | FILE */
    ZCA_LIBRARY_LOG_LEVEL, /* log-level: error | warning | info | debug */
    ZCA_NUM_LIBRARY_OPTIONS
};

/* [authority NAME] */
enum zca_authority_option {
    ZCA_AUTHORITY_URL,          /* url: https://host[:port][/base]; required */
    ZCA_AUTHORITY_DIALECT,      /* dialect: required */
    ZCA_AUTHORITY_TRUST,        /* trust: PATH, PEM; the only CAs trusted for TLS */
    ZCA_AUTHORITY_ORGANIZATION, /* organization */
    ZCA_AUTHORITY_MACHINE,      /* machine: the authority's id of this machine */
    ZCA_AUTHORITY_TOKEN_FILE,   /* token-file: PATH; state-dir/authorities/NAME/token */
    ZCA_AUTHORITY_API_KEY_FILE, /* api-key-file: PATH */
    ZCA_AUTHORITY_CERTIFICATE,  /* certificate: PATH; TLS client certificate */
    ZCA_AUTHORITY_KEY,          /* key: PATH; its key */
    ZCA_AUTHORITY_ISSUER, /* issuer: PATH, PEM; the CA that must have issued. Unset: pinned at first use */
    ZCA_AUTHORITY_NSS_TRUST, /* nss-trust: the CA as trust objects of its PKCS#11 token */
    ZCA_AUTHORITY_TIMEOUT,   /* timeout: SECONDS; remote-timeout */
    ZCA_NUM_AUTHORITY_OPTIONS
};

/* [identity NAME] or [identity AUTHORITY/NAME] */
enum zca_identity_option {
    ZCA_IDENTITY_AUTHORITY,        /* authority: TEXT */
    ZCA_IDENTITY_KEY_TYPE,         /* key-type */
    ZCA_IDENTITY_KEYSTORE,         /* keystore */
    ZCA_IDENTITY_COMMON_NAME,      /* common-name: TEXT; the identity's name */
    ZCA_IDENTITY_DNS,              /* dns: LIST; the name when it looks like a host name */
    ZCA_IDENTITY_IP,               /* ip: LIST */
    ZCA_IDENTITY_TTL,              /* ttl: SECONDS; 0: the authority's default */
    ZCA_IDENTITY_PROFILE,          /* profile: TEXT */
    ZCA_IDENTITY_BINDING,          /* binding: TEXT; machine id etc. */
    ZCA_IDENTITY_AUTO_ENROL,       /* auto-enrol: no | csr | load */
    ZCA_IDENTITY_REUSE_KEY,        /* reuse-key: BOOLEAN; keep the key at renewal */
    ZCA_IDENTITY_PLAIN_KEY,        /* allow-plain-key: BOOLEAN */
    ZCA_IDENTITY_CERTIFICATE_FILE, /* certificate-file: PATH; leaf and chain, kept up to date */
    ZCA_IDENTITY_KEY_FILE,         /* key-file: PATH; key reference */
    ZCA_IDENTITY_BUNDLE_FILE,      /* bundle-file: PATH; reference, leaf, chain in one PEM */
    ZCA_IDENTITY_SEALED_REFERENCE, /* sealed-reference: BOOLEAN; what key-file and bundle-file hold */
    ZCA_IDENTITY_PIN,    /* pin: none | local | credential; what its PKCS#11 token asks for */
    ZCA_IDENTITY_ISSUE,  /* issue: on-demand | on-login | manual; by its PKCS#11 token */
    ZCA_IDENTITY_RELOAD, /* reload: TEXT; command run after renewal, split at spaces, no shell */
    ZCA_NUM_IDENTITY_OPTIONS
};

/* Index of the choices of `keystore`, `auto-enrol`, `pin`, `issue`, `pkcs11-fork`, `remote`. */
enum zca_keystore_kind { ZCA_KEYSTORE_MEMORY, ZCA_KEYSTORE_RUNTIME, ZCA_KEYSTORE_FILE };

enum zca_auto_enrol { ZCA_AUTO_ENROL_NO, ZCA_AUTO_ENROL_CSR, ZCA_AUTO_ENROL_LOAD };

enum zca_pin_use { ZCA_PIN_NONE, ZCA_PIN_LOCAL, ZCA_PIN_CREDENTIAL };

enum zca_issue_when { ZCA_ISSUE_ON_DEMAND, ZCA_ISSUE_ON_LOGIN, ZCA_ISSUE_MANUAL };

enum zca_fork_use { ZCA_FORK_ADOPT, ZCA_FORK_STRICT };

enum zca_remote_use { ZCA_REMOTE_AUTO, ZCA_REMOTE_OFF };

extern const struct zca_option zca_library_options[ZCA_NUM_LIBRARY_OPTIONS];
extern const struct zca_option zca_authority_options[ZCA_NUM_AUTHORITY_OPTIONS];
extern const struct zca_option zca_identity_options[ZCA_NUM_IDENTITY_OPTIONS];

/* The section kinds of zca.conf: "zca", "authority", "identity". */
extern const struct zca_section_kind zca_section_kinds[3];

#endif
