/* SPDX-License-Identifier: Apache-2.0 */
/* Key references in and out of DER, by OpenSSL's templates. The public key stays as bytes: decoding
 * it into an object is the expensive part, and most readers never need one. */
#include "core/reference.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/uri.h"

static const size_t max_der = 16 * 1024;
static const int reference_version = 1;

struct block {
    int32_t version;
    ASN1_UTF8STRING *uri;
    ASN1_TYPE *public_key; /* SEQUENCE, kept as it is */
    ASN1_OCTET_STRING *sealed;
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(block) =
    {
        ASN1_EMBED(struct block, version, INT32),
        ASN1_SIMPLE(struct block, uri, ASN1_UTF8STRING),
        ASN1_SIMPLE(struct block, public_key, ASN1_ANY),
        ASN1_IMP_OPT(struct block, sealed, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END_name(struct block, block)
    /* clang-format on */

    static void block_free(struct block * block)
{
    ASN1_item_free((ASN1_VALUE *)block, ASN1_ITEM_rptr(block));
}

ZCA_DEFINE_AUTO(block, struct block, block_free);

static struct zca_span string_span(const ASN1_STRING *string)
{
    return zca_span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

/* A file is no place to ask for a lifetime or a request: the URI is a name and nothing else. */
static bool is_canonical(const char *text, struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(text, err);
    zca_auto(text) char *canonical = uri ? zca_uri_format(uri, err) : NULL;
    if (!canonical) {
        return false;
    }
    return strcmp(text, canonical) == 0 ||
           zca_error_set(err, ZCA_ERR_INVALID, "a key reference names '%s', not '%s'", canonical,
                         text);
}

static bool copy_block(const struct block *block, struct zca_reference *reference,
                       struct zca_error *err)
{
    struct zca_span uri = string_span(block->uri);
    if (uri.len == 0 || memchr(uri.data, '\0', uri.len)) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the key reference holds no URI");
    }
    reference->uri = strndup((const char *)uri.data, uri.len);
    if (!reference->uri) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    return is_canonical(reference->uri, err) &&
           zca_buffer_append(&reference->public_key, string_span(block->public_key->value.sequence),
                             err) &&
           (!block->sealed ||
            zca_buffer_append(&reference->sealed, string_span(block->sealed), err));
}

bool zca_reference_parse(struct zca_span der, struct zca_reference *out_reference,
                         struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* failures are told in words */
    const unsigned char *cursor = der.data;
    if (der.len > max_der) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the key reference is longer than %zu bytes",
                             max_der);
    }
    zca_auto(block) struct block *block =
        (struct block *)ASN1_item_d2i(NULL, &cursor, (long)der.len, ASN1_ITEM_rptr(block));
    if (!block || cursor != der.data + der.len || block->version != reference_version ||
        block->public_key->type != V_ASN1_SEQUENCE) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the bytes are no key reference");
    }
    zca_auto(zca_reference) struct zca_reference reference = {0};
    if (!copy_block(block, &reference, err)) {
        return zca_error_context(err, "reading a key reference");
    }
    *out_reference = reference;
    reference = (struct zca_reference){0};
    return true;
}

static struct block *block_from_reference(const struct zca_reference *reference)
{
    zca_auto(block) struct block *block = (struct block *)ASN1_item_new(ASN1_ITEM_rptr(block));
    struct zca_span uri = zca_span_text(reference->uri);
    ASN1_STRING *sequence = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
    if (!block || !sequence || uri.len > INT_MAX || reference->public_key.len > INT_MAX ||
        ASN1_STRING_set(sequence, reference->public_key.data, (int)reference->public_key.len) !=
            1 ||
        ASN1_STRING_set(block->uri, uri.data, (int)uri.len) != 1) {
        ASN1_STRING_free(sequence);
        return NULL;
    }
    block->version = reference_version;
    ASN1_TYPE_set(block->public_key, V_ASN1_SEQUENCE, sequence); /* takes it */
    if (reference->sealed.len > 0) {
        block->sealed = ASN1_OCTET_STRING_new();
        if (!block->sealed || reference->sealed.len > INT_MAX ||
            ASN1_STRING_set(block->sealed, reference->sealed.data, (int)reference->sealed.len) !=
                1) {
            return NULL;
        }
    }
    return zca_steal(block);
}

bool zca_reference_format(const struct zca_reference *reference, struct zca_buffer *out_der,
                          struct zca_error *err)
{
    if (!is_canonical(reference->uri, err)) {
        return false;
    }
    if (!zca_der_is_sequence(zca_buffer_span(&reference->public_key))) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the key reference to '%s' has no public key",
                             reference->uri);
    }
    zca_auto(block) struct block *block = block_from_reference(reference);
    unsigned char *der = NULL;
    int len = block ? ASN1_item_i2d((ASN1_VALUE *)block, &der, ASN1_ITEM_rptr(block)) : -1;
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding a key reference");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

void zca_reference_clear(struct zca_reference *reference)
{
    free(reference->uri);
    reference->uri = NULL;
    zca_buffer_clear(&reference->public_key);
    zca_buffer_clear(&reference->sealed);
}
