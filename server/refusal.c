/* SPDX-License-Identifier: Apache-2.0 */
/* The table. Texts are the APIs' own: they begin with capitals where the product's do. */
#include "server/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *code;
    int status;
    enum zca_reason reason;
    const char *message;
};

/* clang-format off: one line a row */
static const struct row rows[ZCA_NUM_REFUSALS] = {
    [ZCA_REFUSE_VALIDATION] = {"VALIDATION_ERROR",      400, ZCA_ERR_INVALID,         "Invalid request"           },
    [ZCA_REFUSE_MISSING_FIELDS] = {"MISSING_FIELDS",        400, ZCA_ERR_INVALID,
                               "Required fields are missing"                                                      },
    [ZCA_REFUSE_UNKNOWN_ACTION] = {"UNKNOWN_ACTION",        400, ZCA_ERR_INVALID,         "Unknown action"            },
    [ZCA_REFUSE_UNSAFE_WRITE] = {"UNSAFE_DELETE",         400, ZCA_ERR_INVALID,
                               "A write needs a filter: id=eq.ID"                                                 },
    [ZCA_REFUSE_NOT_FOUND] = {"NOT_FOUND",             404, ZCA_ERR_NOT_FOUND,       "Not found"                 },
    [ZCA_REFUSE_CONFLICT] = {"CONFLICT",              409, ZCA_ERR_CONFLICT,        "Exists already"            },
    [ZCA_REFUSE_UNAUTHORIZED] = {"UNAUTHORIZED",          401, ZCA_ERR_AUTH,            "Invalid or expired token"  },
    [ZCA_REFUSE_FORBIDDEN] = {"FORBIDDEN",             403, ZCA_ERR_FORBIDDEN,
                               "Your role in this organization does not allow that"                               },
    [ZCA_REFUSE_INVALID_CREDENTIALS] = {"INVALID_CREDENTIALS",   401, ZCA_ERR_AUTH,
                               "Invalid email or password"                                                        },
    [ZCA_REFUSE_ACCOUNT_LOCKED] = {"ACCOUNT_LOCKED",        403, ZCA_ERR_AUTH,
                               "Too many failed logins. Try again in 15 minutes."                                 },
    [ZCA_REFUSE_MISSING_TOKEN] = {"MISSING_TOKEN",         400, ZCA_ERR_INVALID,         "refresh_token required"    },
    [ZCA_REFUSE_INVALID_TOKEN] = {"INVALID_TOKEN",         401, ZCA_ERR_AUTH,
                               "Invalid or expired refresh token"                                                 },
    [ZCA_REFUSE_INVALID_SCOPES] = {"INVALID_SCOPES",        400, ZCA_ERR_INVALID,         "Unknown scope"             },
    [ZCA_REFUSE_INVALID_AUTH_KEY] = {"INVALID_AUTH_KEY",      401, ZCA_ERR_AUTH,
                               "Invalid or expired auth key"                                                      },
    [ZCA_REFUSE_RATE_LIMITED] = {"RATE_LIMITED",          429, ZCA_ERR_RATE_LIMITED,
                               "Too many requests. Retry after 60s."                                              },
    [ZCA_REFUSE_CA_NOT_INITIALIZED] =
        {"CA_NOT_INITIALIZED",    400, ZCA_ERR_NOT_INITIALISED,
                               "Certificate Authority not initialized. Call initialize_ca first."                 },
    [ZCA_REFUSE_INVALID_TTL] = {"INVALID_TTL",           400, ZCA_ERR_INVALID,
                               "ttl_hours must be a number between 1 and 87600 (10 years)"                        },
    [ZCA_REFUSE_TTL_EXCEEDS_POLICY] = {"TTL_EXCEEDS_POLICY",    400, ZCA_ERR_POLICY,
                               "Requested TTL exceeds policy maximum"                                             },
    [ZCA_REFUSE_MACHINE_QUARANTINED] = {"MACHINE_QUARANTINED",   403, ZCA_ERR_QUARANTINED,
                               "Cannot issue certificate to a quarantined machine"                                },
    [ZCA_REFUSE_MACHINE_NOT_ONLINE] = {"MACHINE_NOT_ONLINE",    403, ZCA_ERR_POLICY,
                               "Cannot issue certificate to a machine that is not online"                         },
    [ZCA_REFUSE_POSTURE] = {"POSTURE_NON_COMPLIANT", 403, ZCA_ERR_POSTURE,
                               "Cannot issue certificate to a non-compliant machine"                              },
    [ZCA_REFUSE_MISSING_CERT] = {"MISSING_CERT",          400, ZCA_ERR_INVALID,         "certificate_id required"   },
    [ZCA_REFUSE_INVALID_CSR] = {"INVALID_CSR",           400, ZCA_ERR_INVALID,
                               "csr is not a valid certificate request"                                           },
    [ZCA_REFUSE_INVALID_TBS] = {"INVALID_TBS",           400, ZCA_ERR_INVALID,
                               "tbs is not a structure that may be signed"                                        },
    [ZCA_REFUSE_WEAK_KEY] = {"WEAK_KEY",              400, ZCA_ERR_POLICY,
                               "The public key is too weak or of a kind that is not accepted"                     },
    [ZCA_REFUSE_WEAK_DIGEST] = {"WEAK_DIGEST",           400, ZCA_ERR_POLICY,
                               "The digest is too weak or does not fit the CA key"                                },
    [ZCA_REFUSE_NAME] = {"NAME_NOT_ALLOWED",      403, ZCA_ERR_POLICY,
                               "A name is not allowed in this organization"                                       },
    [ZCA_REFUSE_CA] = {"CA_NOT_ALLOWED",        403, ZCA_ERR_POLICY,
                               "CA certificates are not allowed in this organization"                             },
    [ZCA_REFUSE_EXTENSION] = {"EXTENSION_NOT_ALLOWED", 403, ZCA_ERR_POLICY,
                               "An extension is not allowed"                                                      },
    [ZCA_REFUSE_USAGE] = {"USAGE_NOT_ALLOWED",     403, ZCA_ERR_POLICY,
                               "A key usage is not allowed in this organization"                                  },
    [ZCA_REFUSE_VERSION] = {"VERSION_NOT_ALLOWED",   400, ZCA_ERR_POLICY,
                               "Certificates of this version are not allowed"                                     },
    [ZCA_REFUSE_WRONG_ISSUER] = {"WRONG_ISSUER",          400, ZCA_ERR_POLICY,          "The issuer is not this CA" },
    [ZCA_REFUSE_VALIDITY] = {"INVALID_VALIDITY",      400, ZCA_ERR_POLICY,
                               "The validity is not allowed"                                                      },
    [ZCA_REFUSE_SERIAL] = {"SERIAL_IN_USE",         409, ZCA_ERR_CONFLICT,
                               "The serial number was used before"                                                },
    [ZCA_REFUSE_CRL_NUMBER] = {"CRL_NUMBER_IN_USE",     409, ZCA_ERR_CONFLICT,
                               "The CRL number was used before"                                                   },
    [ZCA_REFUSE_CRL_CONTENT] = {"CRL_INCOMPLETE",        400, ZCA_ERR_POLICY,
                               "A revoked certificate is missing in the CRL"                                      },
    [ZCA_REFUSE_OCSP_CONTENT] = {"OCSP_STATUS_WRONG",     400, ZCA_ERR_POLICY,
                               "The answer differs from what the CA knows"                                        },
    [ZCA_REFUSE_CLOCK] =
        {"CLOCK_WENT_BACK",       503, ZCA_ERR_UNAVAILABLE,
                               "The server's clock is behind its own records; nothing is issued until it is right"},
};

/* clang-format on */

bool zca_refuse(struct zca_error *err, enum zca_refusal refusal, const char *format, ...)
{
    const struct row *row = &rows[refusal];
    if (!err) {
        return false;
    }
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        /* A longer text is cut: it only explains the code. */
        (void)vsnprintf(err->message, sizeof(err->message), format, arguments);
        va_end(arguments);
    } else {
        (void)zca_error_set(err, row->reason, "%s", row->message);
    }
    err->reason = row->reason;
    err->http_status = row->status;
    err->retry_after_s = 0;
    (void)snprintf(err->code, sizeof(err->code), "%s", row->code); /* codes are short */
    return false;
}

bool zca_refusal_is(const struct zca_error *err, enum zca_refusal refusal)
{
    return strcmp(err->code, rows[refusal].code) == 0;
}
