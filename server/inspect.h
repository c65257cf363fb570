/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client wants the CA key to sign, read whole and held against the policy. A structure
 * passes only when everything in it is understood or harmless.
 */
#ifndef ZCA_SERVER_INSPECT_H
#define ZCA_SERVER_INSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/x509.h>

#include "base/algorithm.h"
#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/tbs.h"
#include "server/authority.h"
#include "server/ledger.h"
#include "server/policy.h"

/* What an inspection works with; everything borrowed. */
struct zca_inspection {
    struct zca_ledger *ledger;
    const struct zca_authority *authority;
    const struct zca_policy *policy;
    const struct zca_signature_algorithm *algorithm; /* that will sign */
    struct zca_span tbs;
    int64_t now_ms;
};

/* What it finds. */
struct zca_inspected {
    struct zca_buffer serial; /* certificates: magnitude */
    char *title;              /* certificates: how lists call it */
    const char *profile;      /* static: "tbs", "tbs-ca", "tbs-v1", "tbs-crl" ... */
    int64_t expires_at_ms;    /* certificates: notAfter. CRLs: nextUpdate */
    int64_t crl_number;       /* CRLs: -1 without one */
    int64_t num_entries;      /* CRLs: how many of the ledger's are in it */
};

void zca_inspected_clear(struct zca_inspected *inspected);
ZCA_DEFINE_AUTO_CLEAR(zca_inspected, struct zca_inspected, zca_inspected_clear);

/**
 * zca_inspect reads a structure of a kind and checks it.
 *
 * kind            as zca_tbs_classify found it.
 * out_inspected   zero-initialised; written on success.
 * err             the codes of server/refusal.h for certificates, CRLs and OCSP answers.
 */
ZCA_NODISCARD bool zca_inspect(const struct zca_inspection *inspection, enum zca_tbs_kind kind,
                               struct zca_inspected *out_inspected, struct zca_error *err);

/* The inspections of each kind, for zca_inspect. */
ZCA_NODISCARD bool zca_inspect_certificate(const struct zca_inspection *inspection,
                                           struct zca_inspected *inspected, struct zca_error *err);
ZCA_NODISCARD bool zca_inspect_crl(const struct zca_inspection *inspection,
                                   struct zca_inspected *inspected, struct zca_error *err);
ZCA_NODISCARD bool zca_inspect_ocsp(const struct zca_inspection *inspection,
                                    struct zca_inspected *inspected, struct zca_error *err);
ZCA_NODISCARD bool zca_inspect_request(const struct zca_inspection *inspection,
                                       struct zca_inspected *inspected, struct zca_error *err);

/** zca_inspect_algorithm tells whether the algorithm that stands inside is exactly the one that will
 * sign. err code WEAK_DIGEST. */
ZCA_NODISCARD bool zca_inspect_algorithm(const struct zca_inspection *inspection,
                                         const X509_ALGOR *inside, struct zca_error *err);

/** zca_inspect_extensions tells whether a certificate's extensions are all known, whole and of one mind.
 * err codes INVALID_TBS, EXTENSION_NOT_ALLOWED. */
ZCA_NODISCARD bool zca_inspect_extensions(X509 *certificate, struct zca_error *err);

/** zca_inspect_extension tells whether the value of an extension that OpenSSL knows is DER, and nothing
 * stands after it. err code INVALID_TBS. */
ZCA_NODISCARD bool zca_inspect_extension(const X509_EXTENSION *extension, struct zca_error *err);

/** zca_inspect_issuer tells whether a name is the CA's subject, byte for byte. err WRONG_ISSUER. */
ZCA_NODISCARD bool zca_inspect_issuer(const struct zca_inspection *inspection,
                                      const X509_NAME *name, struct zca_error *err);

/** zca_inspect_key_id tells whether an authority key identifier, NULL for none, is the CA's. */
ZCA_NODISCARD bool zca_inspect_key_id(const struct zca_inspection *inspection,
                                      const AUTHORITY_KEYID *id, struct zca_error *err);

/** zca_inspect_recent tells whether a time is within five minutes of now. err INVALID_VALIDITY,
 * naming `what`. */
ZCA_NODISCARD bool zca_inspect_recent(const struct zca_inspection *inspection, int64_t time_s,
                                      const char *what, struct zca_error *err);

/** zca_inspect_open appends the DER of the structure completed with an empty signature. */
ZCA_NODISCARD bool zca_inspect_open(const struct zca_inspection *inspection,
                                    struct zca_buffer *out_der, struct zca_error *err);

#endif
