/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of all command line options. zca(1) is checked against them. */
#include "tool/options.h"

#include <stddef.h>

const struct zca_tool_option_row zca_tool_options[ZCA_TOOL_NUM_OPTIONS] = {
    [ZCA_TOOL_CONFIG] = {"config",        "FILE",    "read FILE in place of zca.conf"                    },
    [ZCA_TOOL_HELP] = {"help",          NULL,      "say what the command does and takes"               },
    [ZCA_TOOL_VERSION] = {"version",       NULL,      "print the version"                                 },
    [ZCA_TOOL_AUTHORITY] = {"authority",     "NAME",    "the authority; unset: the default one"             },
    [ZCA_TOOL_URL] = {"url",           "URL",     "address of an authority that zca.conf shall learn" },
    [ZCA_TOOL_TRUST_FILE] = {"trust",         "FILE",    "PEM file with the only CAs trusted for connections"},
    [ZCA_TOOL_ORG] = {"org",           "ID",      "the organisation at the authority"                 },
    [ZCA_TOOL_MACHINE] = {"machine",       "ID",      "the authority's id of this machine"                },
    [ZCA_TOOL_DIALECT] = {"dialect",       "NAME",    "the API it speaks; unset: orgca"                   },
    [ZCA_TOOL_USER] = {"user",          "NAME",    "e-mail address or account name"                    },
    [ZCA_TOOL_PASSWORD_FILE] = {"password-file", "FILE",    "read the password from FILE"                       },
    [ZCA_TOOL_CODE] = {"code",          "OTP",     "one-time code of the second factor"                },
    [ZCA_TOOL_ROTATE] = {"rotate",        NULL,      "replace a CA that exists"                          },
    [ZCA_TOOL_TRUST] = {"trust",         NULL,      "accept and pin a CA that has changed"              },
    [ZCA_TOOL_CERT_FILE] = {"cert-file",     "FILE",    "where the certificate goes; unset: DOMAIN.crt"     },
    [ZCA_TOOL_KEY_FILE] = {"key-file",      "FILE",    "where the key reference goes; unset: DOMAIN.key"   },
    [ZCA_TOOL_PLAIN_KEY] = {"plain-key",     NULL,      "write the key itself; needs allow-plain-key = yes" },
    [ZCA_TOOL_TTL] = {"ttl",           "TIME",    "lifetime to ask for: 90m, 24h, 30d, or hours"      },
    [ZCA_TOOL_DNS] = {"dns",           "NAME",    "a host name to ask for; may be repeated"           },
    [ZCA_TOOL_IP] = {"ip",            "ADDRESS", "an IP address to ask for; may be repeated"         },
    [ZCA_TOOL_REMOTE] = {"remote",        NULL,      "the certificates in the authority's own list"      },
    [ZCA_TOOL_JSON] = {"json",          NULL,      "print JSON"                                        },
    [ZCA_TOOL_SERIAL] = {"serial",        "HEX",     "the certificate with this serial number"           },
    [ZCA_TOOL_ID] = {"id",            "ID",      "the certificate with this id at the authority"     },
    [ZCA_TOOL_REASON] = {"reason",        "REASON",  "why: keyCompromise, superseded ... (RFC 5280)"     },
    [ZCA_TOOL_FORCE] = {"force",         NULL,      "also when renewal is not due"                      },
    [ZCA_TOOL_ALL] = {"all",           NULL,      "also identities that zca.conf does not name"       },
    [ZCA_TOOL_BUNDLE] = {"bundle",        "FILE",    "key reference, certificate and chain in one file"  },
    [ZCA_TOOL_CERT] = {"cert",          "FILE",    "certificate and chain"                             },
    [ZCA_TOOL_KEY] = {"key",           "FILE",    "key reference"                                     },
    [ZCA_TOOL_SEALED] = {"sealed",        NULL,      "put the sealed key into the reference"             },
    [ZCA_TOOL_PIN_FILE] = {"pin-file",      "FILE",    "read the PIN from FILE"                            },
    [ZCA_TOOL_REMOVE] = {"remove",        NULL,      "remove the PIN"                                    },
    [ZCA_TOOL_PRINT_OPTIONS] = {"print-options", NULL,      "print every option, for programs"                  },
    [ZCA_TOOL_MAN] = {"man",           NULL,      "print the reference section of the manual"         },
};
