/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of zca.conf. The manual page zca.conf(5) is checked against them. */
#include "core/options.h"

#include "base/algorithm.h"

static const char *const keystores[] = {"memory", "runtime", "file", NULL};
static const char *const auto_enrols[] = {"no", "csr", "load", NULL};
static const char *const crypto_providers[] = {"default", "fips", NULL};
static const char *const remote_uses[] = {"auto", "off", NULL};
static const char *const pins[] = {"none", "local", "credential", NULL};
static const char *const issues[] = {"on-demand", "on-login", "manual", NULL};
static const char *const forks[] = {"adopt", "strict", NULL};
static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

/* INDEX, type, name, default, help */
#define ROW(index, kind, text, fallback, sentence)                                                 \
    [index] = {.name = (text),                                                                     \
               .type = ZCA_OPTION_##kind,                                                          \
               .default_value = (fallback),                                                        \
               .help = (sentence)}

/* INDEX, type, name, default, least and most seconds, help */
#define SPAN(index, text, fallback, least, most, sentence)                                         \
    [index] = {.name = (text),                                                                     \
               .type = ZCA_OPTION_SECONDS,                                                         \
               .default_value = (fallback),                                                        \
               .min = (least),                                                                     \
               .max = (most),                                                                      \
               .help = (sentence)}

/* INDEX, name, default, choices, help */
#define CHOICE(index, text, fallback, words, sentence)                                             \
    [index] = {.name = (text),                                                                     \
               .type = ZCA_OPTION_CHOICE,                                                          \
               .default_value = (fallback),                                                        \
               .choices = (words),                                                                 \
               .help = (sentence)}

/* INDEX, name, help: text that must be there */
#define NEEDED(index, text, sentence)                                                              \
    [index] = {                                                                                    \
        .name = (text), .type = ZCA_OPTION_TEXT, .flags = ZCA_OPTION_REQUIRED, .help = (sentence)}

const struct zca_option zca_library_options[ZCA_NUM_LIBRARY_OPTIONS] = {
    ROW(ZCA_LIBRARY_DEFAULT_AUTHORITY, TEXT, "default-authority", NULL,
        "The authority of URIs that name none; unset: the only one there is."),
    ROW(ZCA_LIBRARY_STATE_DIR, PATH, "state-dir", NULL,
        "Where keys, certificates and orders are kept; unset: /var/lib/zca for root, else zca in the user's state directory."),
    ROW(ZCA_LIBRARY_RUNTIME_DIR, PATH, "runtime-dir", NULL,
        "A directory on tmpfs for keys that a reboot shall erase; unset: /run/zca for root, else zca in the user's runtime directory."),
    CHOICE(ZCA_LIBRARY_KEYSTORE, "keystore", "file", keystores,
           "Where keys live: in this process, sealed on tmpfs, or sealed on disk."),
    CHOICE(ZCA_LIBRARY_KEY_TYPE, "key-type", "P-256", zca_key_type_names,
           "The type of new keys; P-256 is by far the fastest in OpenSSL 3.0."),
    ROW(ZCA_LIBRARY_SEALING_KEY, PATH, "sealing-key", NULL,
        "A file with the 32 bytes that seal keys; unset: the systemd credential zca-sealing-key, else sealing.key beside the keys, made on first need."),
    ROW(ZCA_LIBRARY_KEEP_SEALING, BOOLEAN, "keep-sealing-key", "no",
        "Whether a process keeps the sealing key in memory, so that it can open sealed references after a change of root or user."),
    [ZCA_LIBRARY_SECURE_MEMORY] =
        {.name = "secure-memory",
                                     .type = ZCA_OPTION_INTEGER,
                                     .default_value = "4096",
                                     .min = 0,
                                     .max = 1048576,
                                     .help =
             "KiB of locked memory that is set up for private values when the first key is used; 0: none, they are in ordinary memory."},
    CHOICE(
        ZCA_LIBRARY_AUTO_ENROL, "auto-enrol", "load", auto_enrols,
        "Whether loading a certificate may request one: never, only when there is a request to send, or always."),
    ROW(ZCA_LIBRARY_PLAIN_KEY, BOOLEAN, "allow-plain-key", "no",
        "Whether the tool may write a private key in the clear."),
    CHOICE(ZCA_LIBRARY_CRYPTO_PROVIDER, "crypto-provider", "default", crypto_providers,
           "The OpenSSL provider that does the arithmetic."),
    ROW(ZCA_LIBRARY_ENSURE_DEFAULT, BOOLEAN, "ensure-default", "yes",
        "Whether zca loads the default provider where neither it nor fips is active; read from "
        "openssl.cnf only, as zca-ensure-default."),
    ROW(ZCA_LIBRARY_CLAIM_PKCS11, BOOLEAN, "claim-pkcs11-scheme", "no",
        "Whether URIs of the scheme pkcs11 name identities, too, as Apache needs it; read from "
        "openssl.cnf only, as zca-claim-pkcs11-scheme."),
    ROW(ZCA_LIBRARY_URIS_ONLY, BOOLEAN, "uris-only", "no",
        "Whether keys come by URI alone, and not as references in PEM files; read from openssl.cnf only, as "
        "zca-uris-only."),
    CHOICE(ZCA_LIBRARY_REMOTE, "remote", "auto", remote_uses,
           "Whether this process may use the network: auto, or off for never."),
    ROW(ZCA_LIBRARY_REMOTE_LIBRARY, PATH, "remote-library", NULL,
        "The file of zca-remote.so; unset: where it was installed."),
    SPAN(ZCA_LIBRARY_TIMEOUT, "remote-timeout", "30s", 1, 600,
         "The deadline of one operation with an authority, retries included."),
    ROW(ZCA_LIBRARY_BLIND_SIGN, BOOLEAN, "blind-sign", "no",
        "Whether an authority's key may be asked to sign data that nobody can inspect."),
    ROW(ZCA_LIBRARY_SCRATCH, BOOLEAN, "scratch-token", "no",
        "Whether the PKCS#11 module offers a token for keys and objects of any kind, which users name and give a PIN."),
    ROW(ZCA_LIBRARY_LEGACY, BOOLEAN, "legacy-mechanisms", "no",
        "Whether the PKCS#11 module offers mechanisms with SHA-1 and RSA keys under 2048 bits."),
    CHOICE(
        ZCA_LIBRARY_FORK, "pkcs11-fork", "adopt", forks,
        "What a forked child finds in the PKCS#11 module before it initialises it: everything, or nothing as PKCS#11 2.40 "
        "says."),
    ROW(ZCA_LIBRARY_LOG, TEXT, "log", "syslog",
        "Where failures are written besides OpenSSL's error queue: syslog, stderr, none, or the path of a file."),
    CHOICE(ZCA_LIBRARY_LOG_LEVEL, "log-level", "error", log_levels,
           "The least important lines that are written."),
};

const struct zca_option zca_authority_options[ZCA_NUM_AUTHORITY_OPTIONS] = {
    NEEDED(ZCA_AUTHORITY_URL, "url",
           "https://host[:port][/base] of the authority; http only for loopback."),
    NEEDED(ZCA_AUTHORITY_DIALECT, "dialect",
           "The API that the authority speaks, such as orgca or quickztna."),
    ROW(ZCA_AUTHORITY_TRUST, PATH, "trust", NULL,
        "PEM file with the only CAs trusted for the connection; unset: the system's."),
    ROW(ZCA_AUTHORITY_ORGANIZATION, TEXT, "organization", NULL,
        "The organisation, tenant or account at the authority."),
    ROW(ZCA_AUTHORITY_MACHINE, TEXT, "machine", NULL,
        "The authority's id of this machine; requests are bound to it."),
    ROW(ZCA_AUTHORITY_TOKEN_FILE, PATH, "token-file", NULL,
        "Where the tokens of a login are kept; unset: authorities/NAME/token below state-dir."),
    ROW(ZCA_AUTHORITY_API_KEY_FILE, PATH, "api-key-file", NULL,
        "A file with an API key in one line, used instead of a login."),
    ROW(ZCA_AUTHORITY_CERTIFICATE, PATH, "certificate", NULL,
        "PEM file with the client certificate for the connection."),
    ROW(ZCA_AUTHORITY_KEY, PATH, "key", NULL, "PEM file with the key of that certificate."),
    ROW(ZCA_AUTHORITY_ISSUER, PATH, "issuer", NULL,
        "PEM file with the CA that must have issued; unset: the CA that was found at first use."),
    ROW(ZCA_AUTHORITY_NSS_TRUST, BOOLEAN, "nss-trust", "no",
        "Whether the authority's PKCS#11 token tells NSS to trust the CA."),
    SPAN(ZCA_AUTHORITY_TIMEOUT, "timeout", NULL, 1, 600,
         "The deadline of one operation with this authority; unset: remote-timeout."),
};

const struct zca_option zca_identity_options[ZCA_NUM_IDENTITY_OPTIONS] = {
    ROW(ZCA_IDENTITY_AUTHORITY, TEXT, "authority", NULL,
        "The authority that certifies this identity; unset: default-authority."),
    CHOICE(ZCA_IDENTITY_KEY_TYPE, "key-type", NULL, zca_key_type_names, "The type of its keys."),
    CHOICE(ZCA_IDENTITY_KEYSTORE, "keystore", NULL, keystores, "Where its key lives."),
    ROW(ZCA_IDENTITY_COMMON_NAME, TEXT, "common-name", NULL,
        "The common name to ask for; unset: the identity's name."),
    ROW(ZCA_IDENTITY_DNS, LIST, "dns", NULL,
        "Host names to ask for; unset: the common name when it is a host name."),
    ROW(ZCA_IDENTITY_IP, LIST, "ip", NULL, "IP addresses to ask for."),
    SPAN(ZCA_IDENTITY_TTL, "ttl", NULL, 60, 315360000,
         "The lifetime to ask for; unset: the authority's default."),
    ROW(ZCA_IDENTITY_PROFILE, TEXT, "profile", NULL,
        "The authority's name of a certificate profile."),
    ROW(ZCA_IDENTITY_BINDING, TEXT, "binding", NULL,
        "The authority's id of the machine or device the certificate is bound to; unset: the authority's machine."),
    CHOICE(ZCA_IDENTITY_AUTO_ENROL, "auto-enrol", NULL, auto_enrols,
           "As in [zca], for this identity."),
    ROW(ZCA_IDENTITY_REUSE_KEY, BOOLEAN, "reuse-key", "no", "Whether renewal keeps the key."),
    ROW(ZCA_IDENTITY_PLAIN_KEY, BOOLEAN, "allow-plain-key", NULL,
        "As in [zca], for this identity."),
    ROW(ZCA_IDENTITY_CERTIFICATE_FILE, PATH, "certificate-file", NULL,
        "Where renewal writes leaf and chain."),
    ROW(ZCA_IDENTITY_KEY_FILE, PATH, "key-file", NULL, "Where renewal writes the key reference."),
    ROW(ZCA_IDENTITY_BUNDLE_FILE, PATH, "bundle-file", NULL,
        "Where renewal writes key reference, leaf and chain in one PEM file."),
    ROW(ZCA_IDENTITY_SEALED_REFERENCE, BOOLEAN, "sealed-reference", "no",
        "Whether these references hold the sealed key, for servers that cannot read the key directory."),
    CHOICE(
        ZCA_IDENTITY_PIN, "pin", "none", pins,
        "What the identity's PKCS#11 token asks for: nothing, the PIN that zca pin has set, or a token of the authority, which the "
        "process then uses instead of a login."),
    CHOICE(
        ZCA_IDENTITY_ISSUE, "issue", "on-demand", issues,
        "When the identity's PKCS#11 token may request a certificate: when an application that may use the key looks for one, "
        "when a user logs in, or never."),
    ROW(ZCA_IDENTITY_RELOAD, TEXT, "reload", NULL,
        "A command to run after renewal, split at spaces, without a shell."),
};

const struct zca_section_kind zca_section_kinds[3] = {
    {"zca",       false, zca_library_options,   ZCA_NUM_LIBRARY_OPTIONS  },
    {"authority", true,  zca_authority_options, ZCA_NUM_AUTHORITY_OPTIONS},
    {"identity",  true,  zca_identity_options,  ZCA_NUM_IDENTITY_OPTIONS },
};
