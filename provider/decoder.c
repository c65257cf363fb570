/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one decoder (provider-decoder(7)): PEM blocks "ZCA PRIVATE KEY". OpenSSL shows it every PEM block that
 * any tool reads, so it looks at the label first and then leaves.
 * It answers twice: `reference` serves PEM readers, `data` (the block again) those that read through the
 * file store, which hands data on to the PEM readers.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/core_object.h>

#include "core/reference.h"
#include "provider/error.h"
#include "provider/loan.h"

static OSSL_FUNC_decoder_newctx_fn decoder_newctx;
static OSSL_FUNC_decoder_freectx_fn decoder_freectx;
static OSSL_FUNC_decoder_does_selection_fn decoder_does_selection;
static OSSL_FUNC_decoder_decode_fn decoder_decode;
static OSSL_FUNC_decoder_export_object_fn decoder_export_object;

/* Lines of PEM have 64 characters (RFC 7468, 3); longer ones arrive in parts, which does no harm. */
#define LINE_SIZE 128
#define BLOCK_LIMIT ((size_t)32 * 1024)

static const char begin_any[] = "-----BEGIN ";
static const char begin_ours[] = "-----BEGIN " ZCA_REFERENCE_LABEL "-----";
static const char end_ours[] = "-----END " ZCA_REFERENCE_LABEL "-----";

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

/* Reads the rest of our block: `out_text` is the PEM block, `out_base64` its body without line ends. */
static bool read_block(const struct zca_provider *provider, OSSL_CORE_BIO *bio, char *line,
                       struct zca_buffer *out_text, struct zca_buffer *out_base64,
                       struct zca_error *err)
{
    bool appended = zca_buffer_append_text(out_text, line, err);
    while (appended && provider->upcalls.bio_gets(bio, line, LINE_SIZE) > 0) {
        appended = zca_buffer_append_text(out_text, line, err);
        if (starts_with(line, end_ours)) {
            return appended;
        }
        appended = appended &&
                   zca_buffer_append(out_base64, zca_span_of(line, strcspn(line, " \t\r\n")), err);
    }
    return appended && zca_error_set(err, ZCA_ERR_INVALID, "a key reference has no end line");
}

static bool hand_out(const struct zca_loan *loan, const struct zca_buffer *text,
                     OSSL_CALLBACK *callback, void *argument, struct zca_error *err)
{
    enum zca_kind kind = ZCA_KIND_EC;
    if (!zca_loan_kind(loan, &kind, err)) {
        return false;
    }
    /* libcrypto reads these, it does not write */
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
                                         (char *)(uintptr_t)zca_kind_name(kind), 0),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE, (void *)(uintptr_t)loan,
                                          sizeof(*loan)),
        OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA, text->data, text->len),
        OSSL_PARAM_construct_end()};
    return callback(params, argument);
}

static bool decode_block(struct zca_provider *provider, OSSL_CORE_BIO *bio, char *line,
                         OSSL_CALLBACK *callback, void *argument, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.limit = BLOCK_LIMIT};
    zca_auto(zca_buffer) struct zca_buffer base64 = {.limit = BLOCK_LIMIT};
    zca_auto(zca_buffer) struct zca_buffer der = {.limit = BLOCK_LIMIT};
    zca_auto(zca_reference) struct zca_reference reference = {0};
    if (!read_block(provider, bio, line, &text, &base64, err) ||
        !zca_base64_decode(zca_buffer_span(&base64), &der, err) ||
        !zca_reference_parse(zca_buffer_span(&der), &reference, err)) {
        return zca_error_context(err, "reading a PEM block '" ZCA_REFERENCE_LABEL "'");
    }
    struct zca_loan loan = {.mark = &zca_loan_mark,
                            .provider = provider,
                            .uri = reference.uri,
                            .reference = &reference};
    return hand_out(&loan, &text, callback, argument, err);
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
    zca_auto(errno) int saved_errno = errno;
    struct zca_error err = {0};
    if (!decode_block(provider, bio, line, callback, argument, &err)) {
        /* The callback has reported its own failure. */
        return err.reason == ZCA_ERR_NONE ? 0 : ZCA_FAIL(provider, &err);
    }
    return 1;
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

/* Named DER because that is what stands behind PEM in OpenSSL's chains. */
const OSSL_ALGORITHM zca_decoder_algorithms[] = {
    {"DER", "provider=zca,input=pem", pem_functions, "zca key references"},
    {NULL,  NULL,                     NULL,          NULL                },
};
