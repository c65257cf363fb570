/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11-module/operation.h"
#include "tests/base/check.h"

static CK_RV read_pss(CK_MECHANISM_TYPE type, unsigned places, CK_ULONG bits,
                      CK_RSA_PKCS_PSS_PARAMS pss, struct zca_parameters *out)
{
    const struct zca_mechanism *mechanism = zca_mechanism_find(type, places);
    const CK_MECHANISM given = {type, &pss, sizeof(pss)};
    assert_non_null(mechanism);
    return zca_parameters_read(mechanism, &given, bits, out);
}

/* RFC 8017, 9.1.1: emLen >= hLen + sLen + 2, and emBits is modBits - 1 */
static void pss_salt_fits_the_modulus(void **state)
{
    (void)state;

    static const struct {
        CK_ULONG bits, salt_len;
        CK_RV rv;
    } cases[] = {
        {2048, 0,            CKR_OK                     },
        {2048, 32,           CKR_OK                     },
        {2048, 222,          CKR_OK                     },
        {2048, 223,          CKR_MECHANISM_PARAM_INVALID},
        {2049, 222,          CKR_OK                     }, /* EM is one byte shorter than the modulus */
        {2049, 223,          CKR_MECHANISM_PARAM_INVALID},
        {2050, 223,          CKR_OK                     },
        {2048, (CK_ULONG)-1, CKR_MECHANISM_PARAM_INVALID},
    };

    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        struct zca_parameters found;
        CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, cases[i].salt_len};
        assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, ZCA_ON_LOCAL, cases[i].bits, pss, &found),
                         cases[i].rv);
        if (cases[i].rv == CKR_OK) {
            assert_string_equal(found.digest, "SHA256");
            assert_string_equal(found.mask_digest, "SHA256");
            assert_int_equal(found.salt_len, cases[i].salt_len);
        }
    }
}

static void pss_hash_is_that_of_the_mechanism(void **state)
{
    (void)state;
    struct zca_parameters found;
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA384, CKG_MGF1_SHA256, 32};
    assert_int_equal(read_pss(CKM_SHA256_RSA_PKCS_PSS, ZCA_ON_LOCAL, 2048, pss, &found),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(read_pss(CKM_SHA384_RSA_PKCS_PSS, ZCA_ON_LOCAL, 2048, pss, &found), CKR_OK);
    pss.mgf = 77;
    assert_int_equal(read_pss(CKM_SHA384_RSA_PKCS_PSS, ZCA_ON_LOCAL, 2048, pss, &found),
                     CKR_MECHANISM_PARAM_INVALID);
}

static void pss_with_sha1_needs_the_option(void **state)
{
    (void)state;
    struct zca_parameters found;
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA_1, CKG_MGF1_SHA1, 20};
    unsigned legacy = ZCA_ON_LOCAL | ZCA_ON_LEGACY;
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, ZCA_ON_LOCAL, 2048, pss, &found),
                     CKR_MECHANISM_INVALID);
    assert_int_equal(read_pss(CKM_RSA_PKCS_PSS, legacy, 2048, pss, &found), CKR_OK);
    assert_int_equal(read_pss(CKM_SHA1_RSA_PKCS_PSS, legacy, 2048, pss, &found), CKR_OK);
}

static void mechanisms_without_parameter_take_none(void **state)
{
    (void)state;
    static const CK_MECHANISM_TYPE types[] = {CKM_ECDSA, CKM_ECDSA_SHA256, CKM_RSA_PKCS, CKM_EDDSA,
                                              CKM_SHA256_RSA_PKCS};
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        char something[] = "something";
        struct zca_parameters found;
        const struct zca_mechanism *mechanism = zca_mechanism_find(types[i], ZCA_ON_LOCAL);
        CK_MECHANISM given = {types[i], something, 0};
        assert_int_equal(zca_parameters_read(mechanism, &given, 256, &found), CKR_OK);
        given.ulParameterLen = sizeof(something);
        assert_int_equal(zca_parameters_read(mechanism, &given, 256, &found),
                         CKR_MECHANISM_PARAM_INVALID);
        given.pParameter = NULL;
        assert_int_equal(zca_parameters_read(mechanism, &given, 256, &found), CKR_ARGUMENTS_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pss_salt_fits_the_modulus),
        cmocka_unit_test(pss_hash_is_that_of_the_mechanism),
        cmocka_unit_test(pss_with_sha1_needs_the_option),
        cmocka_unit_test(mechanisms_without_parameter_take_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
