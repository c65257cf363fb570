/* SPDX-License-Identifier: Apache-2.0 */
/* Every block is looked at, as servers do: one that is broken hides those behind it. */
#include "tool/pem_file.h"

#include <string.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "base/openssl_auto.h"

static const size_t max_file = 1 << 20;

static bool is_certificate(struct zca_span der)
{
    const unsigned char *place = der.data;
    zca_auto(X509) X509 *certificate = d2i_X509(NULL, &place, (long)der.len);
    return certificate;
}

/* header: of an encrypted key; else empty. false: a block that servers refuse */
static bool take_block(const char *label, const char *header, struct zca_span der,
                       struct zca_pem_file *contents, struct zca_error *err)
{
    const char *key = strstr(label, "PRIVATE KEY");
    bool is_open = key && *header == '\0' && !strstr(label, "ENCRYPTED");
    if (strstr(label, "CERTIFICATE") && !strstr(label, "REQUEST") && !is_certificate(der)) {
        return zca_error_set(err, ZCA_ERR_INVALID, "OpenSSL cannot read a certificate in it");
    }
    if (strcmp(label, ZCA_REFERENCE_LABEL) == 0 && !contents->reference.uri) {
        return zca_reference_parse(der, &contents->reference, err);
    }
    contents->has_plain_key = contents->has_plain_key || key;
    return !is_open || contents->plain_key.len > 0 ||
           zca_buffer_append(&contents->plain_key, der, err);
}

static bool read_blocks(struct zca_span text, struct zca_pem_file *contents, struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    bool ok = bio;
    bool more = ok;
    while (ok && more) {
        char *label = NULL;
        char *header = NULL;
        unsigned char *der = NULL;
        long len = 0;
        more = PEM_read_bio(bio, &label, &header, &der, &len) == 1;
        ok = !more || take_block(label, header, zca_span_of(der, (size_t)len), contents, err);
        OPENSSL_free(label);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)len);
    }
    if (ok && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return zca_error_set(err, ZCA_ERR_INVALID, "a PEM block cannot be read");
    }
    return ok;
}

bool zca_pem_file_read(const char *path, struct zca_pem_file *out_file, struct zca_error *err)
{
    struct stat status = {.st_mode = 0};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    zca_auto(zca_pem_file) struct zca_pem_file file = {.plain_key = ZCA_SECRET_BUFFER};
    if (!zca_file_load(path, max_file, &text, &status, err)) {
        return false;
    }
    file.mode = status.st_mode & 07777;
    file.chain = zca_chain_parse(zca_buffer_span(&text), NULL); /* NULL: there is none */
    if (!read_blocks(zca_buffer_span(&text), &file, err)) {
        return false;
    }
    *out_file = file;
    file = (struct zca_pem_file){.chain = NULL};
    return true;
}

void zca_pem_file_clear(struct zca_pem_file *file)
{
    zca_reference_clear(&file->reference);
    zca_chain_free(file->chain);
    zca_buffer_clear(&file->plain_key);
    *file = (struct zca_pem_file){.chain = NULL};
}
