/* SPDX-License-Identifier: Apache-2.0 */
/*
 * THE attribute table (PKCS#11 3.0, 4; current mechanisms, 2.1 and 2.3): who has what, who may give it, what it is
 * when nobody did.
 */
#include "pkcs11-module/attribute.h"

#include <stdint.h>

#include "base/auto.h"

/* Who may give a value. What we load ourselves is not asked. */
#define OURS ZCA_MAY(ZCA_ORIGIN_LOAD)
#define CREATED (OURS | ZCA_MAY(ZCA_ORIGIN_CREATE))
#define GENERATED (OURS | ZCA_MAY(ZCA_ORIGIN_GENERATE))
#define MADE (CREATED | GENERATED)
#define COPIED (MADE | ZCA_MAY(ZCA_ORIGIN_COPY))
#define FREE (COPIED | ZCA_MAY(ZCA_ORIGIN_CHANGE))

#define OF_KEY ZCA_ATTRIBUTE_OF_KEY
#define HIDDEN (CREATED | OF_KEY | ZCA_ATTRIBUTE_SECRET)
#define ONLY_ON ZCA_ATTRIBUTE_ONLY_ON
#define ONLY_OFF ZCA_ATTRIBUTE_ONLY_OFF

/* Which objects. */
#define ANY ZCA_CLASS_ANY
#define KEYS ZCA_CLASS_KEYS
#define DATA ZCA_CLASS_DATA
#define CERTIFICATE ZCA_CLASS_CERTIFICATE
#define PUBLIC ZCA_CLASS_PUBLIC
#define PRIVATE ZCA_CLASS_PRIVATE
#define SECRET ZCA_CLASS_SECRET
#define PROFILE ZCA_CLASS_PROFILE
#define TRUST ZCA_CLASS_TRUST
#define GUARDED (PRIVATE | SECRET)
#define PAIR (PUBLIC | PRIVATE)

#define ABSENT (-1)

#define ROW(type, form, classes, flags, fallback)                                                  \
    {                                                                                              \
        type, #type, ZCA_FORM_##form, classes, flags, fallback                                     \
    }

/* sorted by type */
static const struct zca_attribute_row rows[] = {
    ROW(CKA_CLASS, NUMBER, ANY, MADE, ABSENT),
    ROW(CKA_TOKEN, BOOLEAN, ANY, COPIED, 0),
    ROW(CKA_PRIVATE, BOOLEAN, GUARDED, COPIED, 1),
    ROW(CKA_PRIVATE, BOOLEAN, ANY & ~GUARDED, COPIED, 0),
    ROW(CKA_LABEL, TEXT, ANY, FREE, 0),
    ROW(CKA_UNIQUE_ID, TEXT, ANY, OURS, ABSENT),
    ROW(CKA_APPLICATION, TEXT, DATA, FREE, 0),
    ROW(CKA_VALUE, BYTES, DATA, FREE, 0),
    ROW(CKA_VALUE, BYTES, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_VALUE, BYTES, GUARDED, HIDDEN, ABSENT),
    ROW(CKA_OBJECT_ID, BYTES, DATA, FREE, 0),
    ROW(CKA_CERTIFICATE_TYPE, NUMBER, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_ISSUER, BYTES, CERTIFICATE | TRUST, CREATED, ABSENT),
    ROW(CKA_SERIAL_NUMBER, BYTES, CERTIFICATE | TRUST, CREATED, ABSENT),
    ROW(CKA_TRUSTED, BOOLEAN, CERTIFICATE | PUBLIC | SECRET, FREE, 0),
    ROW(CKA_CERTIFICATE_CATEGORY, NUMBER, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_JAVA_MIDP_SECURITY_DOMAIN, NUMBER, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_URL, TEXT, CERTIFICATE, CREATED, 0),
    ROW(CKA_HASH_OF_SUBJECT_PUBLIC_KEY, BYTES, CERTIFICATE, CREATED, 0),
    ROW(CKA_HASH_OF_ISSUER_PUBLIC_KEY, BYTES, CERTIFICATE, CREATED, 0),
    ROW(CKA_NAME_HASH_ALGORITHM, NUMBER, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_CHECK_VALUE, BYTES, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_KEY_TYPE, NUMBER, KEYS, MADE, ABSENT),
    ROW(CKA_SUBJECT, BYTES, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_SUBJECT, BYTES, PAIR, FREE, 0),
    ROW(CKA_ID, BYTES, CERTIFICATE | KEYS, FREE, 0),
    ROW(CKA_SENSITIVE, BOOLEAN, GUARDED, FREE | ONLY_ON, 1),
    ROW(CKA_ENCRYPT, BOOLEAN, PUBLIC | SECRET, FREE, 0),
    ROW(CKA_DECRYPT, BOOLEAN, GUARDED, FREE, 0),
    ROW(CKA_WRAP, BOOLEAN, PUBLIC | SECRET, FREE, 0),
    ROW(CKA_UNWRAP, BOOLEAN, GUARDED, FREE, 0),
    ROW(CKA_SIGN, BOOLEAN, PRIVATE, FREE, 1),
    ROW(CKA_SIGN, BOOLEAN, SECRET, FREE, 0),
    ROW(CKA_SIGN_RECOVER, BOOLEAN, PRIVATE, FREE, 0),
    ROW(CKA_VERIFY, BOOLEAN, PUBLIC, FREE, 1),
    ROW(CKA_VERIFY, BOOLEAN, SECRET, FREE, 0),
    ROW(CKA_VERIFY_RECOVER, BOOLEAN, PUBLIC, FREE, 0),
    ROW(CKA_DERIVE, BOOLEAN, KEYS, FREE, 0),
    ROW(CKA_START_DATE, DATE, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_START_DATE, DATE, KEYS, FREE, 0),
    ROW(CKA_END_DATE, DATE, CERTIFICATE, CREATED, ABSENT),
    ROW(CKA_END_DATE, DATE, KEYS, FREE, 0),
    ROW(CKA_MODULUS, INTEGER, PAIR, CREATED | OF_KEY, ABSENT),
    ROW(CKA_MODULUS_BITS, NUMBER, PUBLIC, GENERATED | OF_KEY, ABSENT),
    ROW(CKA_PUBLIC_EXPONENT, INTEGER, PUBLIC, MADE | OF_KEY, ABSENT),
    ROW(CKA_PUBLIC_EXPONENT, INTEGER, PRIVATE, CREATED | OF_KEY, ABSENT),
    ROW(CKA_PRIVATE_EXPONENT, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_PRIME_1, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_PRIME_2, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_EXPONENT_1, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_EXPONENT_2, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_COEFFICIENT, INTEGER, PRIVATE, HIDDEN, ABSENT),
    ROW(CKA_PUBLIC_KEY_INFO, BYTES, PAIR, CREATED | OF_KEY, ABSENT),
    ROW(CKA_PUBLIC_KEY_INFO, BYTES, CERTIFICATE, OURS, ABSENT),
    ROW(CKA_VALUE_LEN, NUMBER, SECRET, GENERATED, ABSENT),
    ROW(CKA_EXTRACTABLE, BOOLEAN, GUARDED, FREE | ONLY_OFF, 0),
    ROW(CKA_LOCAL, BOOLEAN, KEYS, OURS, 0),
    ROW(CKA_NEVER_EXTRACTABLE, BOOLEAN, GUARDED, OURS, 0),
    ROW(CKA_ALWAYS_SENSITIVE, BOOLEAN, GUARDED, OURS, 0),
    ROW(CKA_KEY_GEN_MECHANISM, NUMBER, KEYS, OURS, 0),
    ROW(CKA_MODIFIABLE, BOOLEAN, ANY, COPIED, 1),
    ROW(CKA_COPYABLE, BOOLEAN, ANY, FREE | ONLY_OFF, 1),
    ROW(CKA_DESTROYABLE, BOOLEAN, ANY, FREE | ONLY_OFF, 1),
    ROW(CKA_EC_PARAMS, BYTES, PUBLIC, MADE, ABSENT),
    ROW(CKA_EC_PARAMS, BYTES, PRIVATE, CREATED, ABSENT),
    ROW(CKA_EC_POINT, BYTES, PUBLIC, CREATED | OF_KEY, ABSENT),
    ROW(CKA_ALWAYS_AUTHENTICATE, BOOLEAN, PRIVATE, MADE, 0),
    ROW(CKA_WRAP_WITH_TRUSTED, BOOLEAN, GUARDED, FREE | ONLY_ON, 0),
    ROW(CKA_PROFILE_ID, NUMBER, PROFILE, OURS, ABSENT),
    ROW(CKA_ALLOWED_MECHANISMS, MECHANISMS, KEYS, MADE, ABSENT),
    ROW(CKA_NSS_EMAIL, TEXT, CERTIFICATE, FREE, ABSENT),
    ROW(CKA_TRUST_DIGITAL_SIGNATURE, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_NON_REPUDIATION, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_KEY_ENCIPHERMENT, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_DATA_ENCIPHERMENT, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_KEY_AGREEMENT, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_KEY_CERT_SIGN, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_CRL_SIGN, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_SERVER_AUTH, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_CLIENT_AUTH, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_CODE_SIGNING, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_EMAIL_PROTECTION, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_IPSEC_END_SYSTEM, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_IPSEC_TUNNEL, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_IPSEC_USER, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_TIME_STAMPING, NUMBER, TRUST, FREE, ABSENT),
    ROW(CKA_TRUST_STEP_UP_APPROVED, BOOLEAN, TRUST, FREE, ABSENT),
    ROW(CKA_CERT_SHA1_HASH, BYTES, TRUST, FREE, ABSENT),
    ROW(CKA_CERT_MD5_HASH, BYTES, TRUST, FREE, ABSENT),
    ROW(CKA_ZCA_STATE, TEXT, ANY, OURS, ABSENT),
};

static const struct {
    CK_OBJECT_CLASS class;
    unsigned bit;
} classes[] = {
    {CKO_DATA,        ZCA_CLASS_DATA       },
    {CKO_CERTIFICATE, ZCA_CLASS_CERTIFICATE},
    {CKO_PUBLIC_KEY,  ZCA_CLASS_PUBLIC     },
    {CKO_PRIVATE_KEY, ZCA_CLASS_PRIVATE    },
    {CKO_SECRET_KEY,  ZCA_CLASS_SECRET     },
    {CKO_PROFILE,     ZCA_CLASS_PROFILE    },
    {CKO_NSS_TRUST,   ZCA_CLASS_TRUST      },
};

const struct zca_attribute_row *zca_attribute_rows(size_t *out_num_rows)
{
    *out_num_rows = ZCA_COUNT(rows);
    return rows;
}

const struct zca_attribute_row *zca_attribute_find(CK_ATTRIBUTE_TYPE type)
{
    size_t low = 0;
    size_t high = ZCA_COUNT(rows);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rows[middle].type < type) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ZCA_COUNT(rows) && rows[low].type == type ? &rows[low] : NULL;
}

const struct zca_attribute_row *zca_attribute_of(CK_ATTRIBUTE_TYPE type, unsigned class)
{
    const struct zca_attribute_row *row = zca_attribute_find(type);
    while (row && row < rows + ZCA_COUNT(rows) && row->type == type) {
        if (row->classes & class) {
            return row;
        }
        row++;
    }
    return NULL;
}

unsigned zca_class_bit(CK_OBJECT_CLASS class)
{
    for (size_t i = 0; i < ZCA_COUNT(classes); i++) {
        if (classes[i].class == class) {
            return classes[i].bit;
        }
    }
    return 0;
}

/* ---- forms ---- */

static bool is_boolean(const uint8_t *data, size_t len)
{
    (void)data; /* 0 is false, everything else true */
    return len == sizeof(CK_BBOOL);
}

static bool is_number(const uint8_t *data, size_t len)
{
    (void)data;
    return len == sizeof(CK_ULONG);
}

static bool is_bytes(const uint8_t *data, size_t len)
{
    (void)data;
    (void)len;
    return true;
}

/* How many bytes follow the first one of a character; -1: it cannot be a first one (RFC 3629, 3). */
static int followers_of(uint8_t first)
{
    static const struct {
        uint8_t from, to;
        int followers;
    } firsts[] = {
        {0x00, 0x7f, 0},
        {0xc2, 0xdf, 1},
        {0xe0, 0xef, 2},
        {0xf0, 0xf4, 3},
    };

    for (size_t i = 0; i < ZCA_COUNT(firsts); i++) {
        if (first >= firsts[i].from && first <= firsts[i].to) {
            return firsts[i].followers;
        }
    }
    return -1;
}

static bool is_text(const uint8_t *data, size_t len)
{
    int followers = 0;
    for (size_t i = 0; i < len; i++) {
        if (followers == 0) {
            followers = followers_of(data[i]);
        } else {
            followers = (data[i] & 0xc0) == 0x80 ? followers - 1 : -1;
        }
        if (followers < 0) {
            return false;
        }
    }
    return followers == 0;
}

static bool is_date(const uint8_t *data, size_t len)
{
    bool is_digits = true;
    for (size_t i = 0; i < len; i++) {
        is_digits = is_digits && data[i] >= '0' && data[i] <= '9';
    }
    return len == 0 || (len == sizeof(CK_DATE) && is_digits);
}

static bool is_integer(const uint8_t *data, size_t len)
{
    (void)data;
    return len != 0;
}

static bool is_mechanisms(const uint8_t *data, size_t len)
{
    (void)data;
    return len % sizeof(CK_MECHANISM_TYPE) == 0;
}

bool zca_attribute_value_fits(const struct zca_attribute_row *row, const CK_ATTRIBUTE *value)
{
    static bool (*const forms[])(const uint8_t *data, size_t len) = {
        [ZCA_FORM_BOOLEAN] = is_boolean,
        [ZCA_FORM_NUMBER] = is_number,
        [ZCA_FORM_BYTES] = is_bytes,
        [ZCA_FORM_TEXT] = is_text,
        [ZCA_FORM_DATE] = is_date,
        [ZCA_FORM_INTEGER] = is_integer,
        [ZCA_FORM_MECHANISMS] = is_mechanisms,
    };
    return value->ulValueLen <= ZCA_MAX_VALUE && (value->pValue || value->ulValueLen == 0) &&
           forms[row->form](value->pValue, value->ulValueLen);
}
