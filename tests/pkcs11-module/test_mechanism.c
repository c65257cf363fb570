/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pkcs11-module/mechanism.h"
#include "tests/pkcs11-module/bed.h"

static size_t list(CK_SLOT_ID slot, CK_MECHANISM_TYPE types[128])
{
    CK_ULONG count = 128;
    assert_int_equal(C_GetMechanismList(slot, types, &count), CKR_OK);
    return count;
}

static bool has(CK_SLOT_ID slot, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_TYPE types[128];
    size_t count = list(slot, types);
    for (size_t i = 0; i < count; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

static CK_MECHANISM_INFO info_of(CK_SLOT_ID slot, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM_INFO info = {0};
    assert_int_equal(C_GetMechanismInfo(slot, type, &info), CKR_OK);
    return info;
}

static void list_names_each_mechanism_once_and_all_have_an_info(void **state)
{
    bed_start(*state);
    CK_MECHANISM_TYPE types[128];
    CK_SLOT_ID slot = bed_slot("web");
    size_t count = list(slot, types);
    assert_in_range(count, 20, 60);
    for (size_t i = 0; i < count; i++) {
        CK_MECHANISM_INFO info = info_of(slot, types[i]);
        assert_true(info.ulMinKeySize <= info.ulMaxKeySize);
        assert_int_equal(info.flags & CKF_HW, 0);
        assert_int_not_equal(info.flags, 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(types[i], types[j]);
        }
    }
}

static void list_tells_the_count_and_minds_the_room(void **state)
{
    bed_start(*state);
    CK_MECHANISM_TYPE types[128];
    CK_SLOT_ID slot = bed_slot("web");
    CK_ULONG count = 0;
    assert_int_equal(C_GetMechanismList(slot, NULL, &count), CKR_OK);
    assert_int_equal(count, list(slot, types));
    CK_ULONG short_count = count - 1;
    types[short_count] = 4711;
    assert_int_equal(C_GetMechanismList(slot, types, &short_count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(short_count, count);
    assert_int_equal(types[count - 1], 4711);
    assert_int_equal(C_GetMechanismList(slot, types, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismList(88888, types, &count), CKR_SLOT_ID_INVALID);
}

static void info_tells_what_the_table_says(void **state)
{
    bed_start(*state);
    CK_SLOT_ID slot = bed_slot("web");
    CK_MECHANISM_INFO info = info_of(slot, CKM_ECDSA);
    assert_int_equal(info.ulMinKeySize, 256);
    assert_int_equal(info.ulMaxKeySize, 521);
    assert_int_equal(info.flags,
                     CKF_SIGN | CKF_VERIFY | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS);
    info = info_of(slot, CKM_RSA_PKCS);
    assert_int_equal(info.ulMinKeySize, 2048);
    assert_int_equal(info.flags, CKF_SIGN | CKF_VERIFY | CKF_ENCRYPT | CKF_DECRYPT);
    assert_int_equal(C_GetMechanismInfo(slot, CKM_RSA_PKCS, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismInfo(slot, CKM_MD5, &info), CKR_MECHANISM_INVALID);
    assert_int_equal(C_GetMechanismInfo(88888, CKM_RSA_PKCS, &info), CKR_SLOT_ID_INVALID);
}

static void weak_mechanisms_need_the_option(void **state)
{
    struct scene *scene = *state;
    bed_start(scene);
    assert_false(has(bed_slot("web"), CKM_ECDSA_SHA1));
    assert_false(has(bed_slot("web"), CKM_SHA1_RSA_PKCS));
    assert_true(has(bed_slot("web"), CKM_SHA_1));
    assert_int_equal(C_Finalize(NULL), CKR_OK);

    bed_configure(scene, "legacy-mechanisms = yes\n", "plain", "[identity other]\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    CK_SLOT_ID slot = bed_slot("other");
    assert_true(has(slot, CKM_ECDSA_SHA1));
    assert_true(has(slot, CKM_SHA1_RSA_PKCS));
    assert_int_equal(info_of(slot, CKM_RSA_PKCS).ulMinKeySize, 1024);
    assert_int_equal(info_of(slot, CKM_RSA_PKCS_KEY_PAIR_GEN).ulMinKeySize, 1024);
}

/* An authority is shown all that it signs, so a token of one offers no bare digests. */
static void authorities_get_hashed_signatures_only(void **state)
{
    (void)state;
    size_t cursor = 0, count = 0;
    for (const struct zca_mechanism *row = zca_mechanism_next(ZCA_ON_AUTHORITY, &cursor); row;
         row = zca_mechanism_next(ZCA_ON_AUTHORITY, &cursor)) {
        assert_non_null(row->digest);
        assert_int_equal(row->flags & ~(CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS),
                         CKF_SIGN | CKF_VERIFY);
        count++;
    }
    assert_in_range(count, 6, 9);
    assert_null(zca_mechanism_find(CKM_ECDSA, ZCA_ON_AUTHORITY));
    assert_null(zca_mechanism_find(CKM_RSA_PKCS, ZCA_ON_AUTHORITY));
    assert_string_equal(zca_mechanism_find(CKM_ECDSA_SHA256, ZCA_ON_AUTHORITY)->name,
                        "CKM_ECDSA_SHA256");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(list_names_each_mechanism_once_and_all_have_an_info),
        ROW(list_tells_the_count_and_minds_the_room),
        ROW(info_tells_what_the_table_says),
        ROW(weak_mechanisms_need_the_option),
        cmocka_unit_test(authorities_get_hashed_signatures_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
