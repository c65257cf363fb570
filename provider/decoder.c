/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one decoder (provider-decoder(7)): PEM blocks "ZCA PRIVATE KEY". OpenSSL shows it every PEM block that
 * any tool reads, so it looks at the label first and then leaves.
 * What follows our label is read by cold/reference.c.
 */
#include <string.h>

#include "core/reference.h"
#include "provider/cold.h"

static OSSL_FUNC_decoder_newctx_fn decoder_newctx;
static OSSL_FUNC_decoder_freectx_fn decoder_freectx;
static OSSL_FUNC_decoder_does_selection_fn decoder_does_selection;
static OSSL_FUNC_decoder_decode_fn decoder_decode;
static OSSL_FUNC_decoder_export_object_fn decoder_export_object;

/* Lines of PEM have 64 characters (RFC 7468, 3); longer ones arrive in parts, which does no harm. */
#define LINE_SIZE 128

static const char begin_any[] = "-----BEGIN ";
static const char begin_ours[] = "-----BEGIN " ZCA_REFERENCE_LABEL "-----";

/* The provider itself is all the context a decoder needs. */
static void *decoder_newctx(void *provider)
{
    return provider;
}

static void decoder_freectx(void *provider)
{
    (void)provider; /* not ours */
}

static int decoder_does_selection(void *provider, int selection)
{
    (void)provider; /* the same for all */
    return selection == 0 || (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0;
}

static bool starts_with(const char *line, const char *start)
{
    return strncmp(line, start, strlen(start)) == 0;
}

/* Reads on to the next block; tells whether it is ours. */
static bool find_block(const struct zca_provider *provider, OSSL_CORE_BIO *bio, char *line)
{
    while (provider->upcalls.bio_gets(bio, line, LINE_SIZE) > 0) {
        if (starts_with(line, begin_any)) {
            return starts_with(line, begin_ours);
        }
    }
    return false;
}

static int decoder_decode(void *context, OSSL_CORE_BIO *bio, int selection, OSSL_CALLBACK *callback,
                          void *argument, OSSL_PASSPHRASE_CALLBACK *passphrase,
                          void *passphrase_argument)
{
    struct zca_provider *provider = context;
    char line[LINE_SIZE] = "";
    (void)selection;  /* the label has decided */
    (void)passphrase; /* keys are sealed, not encrypted with a passphrase */
    (void)passphrase_argument;
    if (!provider->upcalls.bio_gets || !find_block(provider, bio, line)) {
        return 1; /* not ours: the next decoder */
    }
    const struct zca_cold *cold = provider->open_cold(provider);
    return cold ? cold->key_decode(provider, bio, callback, argument) : 0;
}

static int decoder_export_object(void *context, const void *reference, size_t reference_size,
                                 OSSL_CALLBACK *callback, void *argument)
{
    (void)context; /* nothing leaves: our own key management takes references */
    (void)reference;
    (void)reference_size;
    (void)callback;
    (void)argument;
    return 0;
}

#define ROW(NUMBER, function)                                                                      \
    {                                                                                              \
        OSSL_FUNC_DECODER_##NUMBER, (void (*)(void))(function)                                     \
    }

static const OSSL_DISPATCH pem_functions[] = {
    ROW(NEWCTX, decoder_newctx),
    ROW(FREECTX, decoder_freectx),
    ROW(DOES_SELECTION, decoder_does_selection),
    ROW(DECODE, decoder_decode),
    ROW(EXPORT_OBJECT, decoder_export_object),
    {0, NULL},
};

/*
 * What libcrypto calls a decoder is what comes out of it. References give keys, but a name is what decides into
 * which chains a decoder is put, and being in one costs 90,000 instructions. "DER" would be all of them, with each
 * certificate of a trust store. "PVK", a form that only private keys have, is those that read private keys of any
 * kind, and the file store.
 */
const OSSL_ALGORITHM zca_decoder_algorithms[] = {
    {"PVK", "input=pem", pem_functions, "zca key references"},
    {NULL,  NULL,        NULL,          NULL                },
};
