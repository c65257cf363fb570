/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers of the private context (PKCS#11 3.0, 5.19). OpenSSL seeds its generators anew in a forked child. */
#include <limits.h>

#include <openssl/rand.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/error.h"

static CK_RV fail(const struct zca_session *session, const char *doing)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)zca_error_set_crypto(&err, "%s the random generator", doing); /* false */
    return zca_pkcs11_fail(session->token->library, &err);
}

static CK_RV seed_random(struct zca_session *session, CK_BYTE *seed, CK_ULONG seed_len)
{
    if (!seed || seed_len > INT_MAX) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    /* as additional input: entropy is still the system's */
    EVP_RAND_CTX *generator = RAND_get0_public(context);
    return generator && EVP_RAND_reseed(generator, 0, NULL, 0, seed, seed_len) == 1
               ? CKR_OK
               : fail(session, "seeding");
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_SeedRandom", session);
    return call.rv ? call.rv : zca_call_end(&call, seed_random(call.session, seed, seed_len));
}

static CK_RV generate_random(struct zca_session *session, CK_BYTE *data, CK_ULONG data_len)
{
    if ((!data && data_len != 0) || data_len > INT_MAX) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    CK_RV rv = CKR_OK;
    OSSL_LIB_CTX *context = zca_token_context(session->token, &rv);
    if (!context) {
        return rv;
    }
    return data_len == 0 || RAND_bytes_ex(context, data, data_len, 0) == 1
               ? CKR_OK
               : fail(session, "asking");
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_session("C_GenerateRandom", session);
    return call.rv ? call.rv : zca_call_end(&call, generate_random(call.session, data, data_len));
}
