/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "tests/pkcs11-module/bed.h"

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;

#define VALUE(type, variable)                                                                      \
    {                                                                                              \
        type, &variable, sizeof(variable)                                                          \
    }
#define TEXT(type, text)                                                                           \
    {                                                                                              \
        type, (void *)(text), sizeof(text) - 1                                                     \
    }

static CK_SESSION_HANDLE session;
static CK_OBJECT_HANDLE public_key, private_key;

static int setup(void **state)
{
    int rc = bed_setup(state);
    if (rc == 0) {
        bed_start(*state);
        session = bed_scratch();
        bed_generate(session, CKM_EC_KEY_PAIR_GEN, false, &public_key, &private_key);
    }
    return rc;
}

static CK_RV get(CK_OBJECT_HANDLE object, CK_ATTRIBUTE *attributes, CK_ULONG count)
{
    return C_GetAttributeValue(session, object, attributes, count);
}

static CK_RV set(CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *attribute)
{
    return C_SetAttributeValue(session, object, (CK_ATTRIBUTE *)attribute, 1);
}

static CK_RV copy(CK_OBJECT_HANDLE object, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                  CK_OBJECT_HANDLE *out_copy)
{
    return C_CopyObject(session, object, (CK_ATTRIBUTE *)attributes, count, out_copy);
}

static bool is_true(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;
    CK_ATTRIBUTE asked = VALUE(type, value);
    assert_int_equal(get(object, &asked, 1), CKR_OK);
    return value == CK_TRUE;
}

static CK_OBJECT_HANDLE make_data(const CK_ATTRIBUTE *more)
{
    CK_OBJECT_HANDLE handle = 0;
    CK_ATTRIBUTE given[] = {VALUE(CKA_CLASS, data_class), TEXT(CKA_VALUE, "bytes"), {0}};
    CK_ULONG count = 2;
    if (more) {
        given[count++] = *more;
    }
    assert_int_equal(C_CreateObject(session, given, count, &handle), CKR_OK);
    return handle;
}

/* ---- C_GetAttributeValue ---- */

static void get_goes_on_behind_what_it_cannot_tell(void **state)
{
    uint8_t id[64];
    uint8_t value[64];
    CK_BBOOL sign = CK_FALSE;
    CK_ULONG class = 0;
    CK_ATTRIBUTE asked[] = {
        {999,          id, sizeof(id)},
        VALUE(CKA_VALUE, value), {CKA_KEY_TYPE, id, 2         },
        VALUE(CKA_CLASS, class), VALUE(CKA_SIGN, sign),
    };
    (void)state;

    CK_RV rv = get(private_key, asked, ZCA_COUNT(asked));

    assert_int_equal(rv, CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(asked[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(asked[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(asked[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(class, CKO_PRIVATE_KEY);
    assert_int_equal(sign, CK_TRUE);
}

static void get_says_why_it_does_not_tell(void **state)
{
    uint8_t value[64];
    CK_ATTRIBUTE secret = VALUE(CKA_VALUE, value);
    CK_ATTRIBUTE cramped = {CKA_EC_PARAMS, value, 3};
    CK_ATTRIBUTE alien = VALUE(CKA_MODULUS, value);
    (void)state;
    assert_int_equal(get(private_key, &secret, 1), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(get(public_key, &cramped, 1), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(get(public_key, &alien, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(get(private_key, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(get(private_key, &secret, (CK_ULONG)1 << 60), CKR_ARGUMENTS_BAD);
    assert_int_equal(get(77777, &secret, 1), CKR_OBJECT_HANDLE_INVALID);
}

static void get_tells_lengths_without_buffers(void **state)
{
    CK_ATTRIBUTE asked[] = {
        {CKA_EC_POINT, NULL, 0},
        {CKA_LABEL,    NULL, 7}
    };
    (void)state;

    assert_int_equal(get(public_key, asked, 2), CKR_OK);

    assert_int_equal(asked[0].ulValueLen, 67);
    assert_int_equal(asked[1].ulValueLen, 0);
}

static void find_by_point_finds_new_keys(void **state)
{
    CK_OBJECT_HANDLE found[2] = {0};
    CK_OBJECT_HANDLE other_public = 0;
    CK_OBJECT_HANDLE other_private = 0;
    zca_auto(zca_buffer) struct zca_buffer info = {0};
    bed_value(session, public_key, CKA_PUBLIC_KEY_INFO, &info);
    const CK_ATTRIBUTE wanted = {CKA_PUBLIC_KEY_INFO, info.data, info.len};
    (void)state;

    bed_generate(session, CKM_EC_KEY_PAIR_GEN, false, &other_public, &other_private);

    assert_int_equal(bed_find(session, &wanted, 1, found, 2), 2);
    assert_int_equal(found[0] + found[1], public_key + private_key);
}

/* ---- C_SetAttributeValue ---- */

static void set_names_of_keys(void **state)
{
    const CK_ATTRIBUTE names[] = {TEXT(CKA_ID, "id"), TEXT(CKA_LABEL, "label"),
                                  TEXT(CKA_SUBJECT, "subject")};
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        uint8_t told[16];
        CK_ATTRIBUTE asked = {names[i].type, told, sizeof(told)};
        assert_int_equal(set(private_key, &names[i]), CKR_OK);
        assert_int_equal(get(private_key, &asked, 1), CKR_OK);
        assert_int_equal(asked.ulValueLen, names[i].ulValueLen);
        assert_memory_equal(told, names[i].pValue, names[i].ulValueLen);
    }
    CK_OBJECT_HANDLE found = 0;
    assert_int_equal(bed_find(session, names, 1, &found, 1), 1);
    assert_int_equal(found, private_key);
}

static void set_one_way_attributes(void **state)
{
    CK_OBJECT_HANDLE open_key = 0;
    CK_OBJECT_HANDLE other = 0;
    CK_MECHANISM mechanism = {.mechanism = CKM_EC_KEY_PAIR_GEN};
    CK_ATTRIBUTE curve[] = {TEXT(CKA_EC_PARAMS, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")};
    CK_ATTRIBUTE open_part[] = {VALUE(CKA_SENSITIVE, no), VALUE(CKA_EXTRACTABLE, yes)};
    const CK_ATTRIBUTE closing[] = {VALUE(CKA_SENSITIVE, yes), VALUE(CKA_EXTRACTABLE, no)};
    (void)state;
    assert_int_equal(
        C_GenerateKeyPair(session, &mechanism, curve, 1, open_part, 2, &other, &open_key), CKR_OK);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(set(open_key, &closing[i]), CKR_OK);
        assert_int_equal(set(open_key, &closing[i]), CKR_OK);
        assert_int_equal(set(open_key, &open_part[i]), CKR_ATTRIBUTE_READ_ONLY);
        assert_int_equal(copy(open_key, &open_part[i], 1, &other), CKR_ATTRIBUTE_READ_ONLY);
    }
    assert_false(is_true(open_key, CKA_ALWAYS_SENSITIVE));
    assert_false(is_true(open_key, CKA_NEVER_EXTRACTABLE));
}

static void set_what_is_not_to_be_set_fails(void **state)
{
    const CK_ATTRIBUTE class = VALUE(CKA_CLASS, data_class);
    const CK_ATTRIBUTE token = VALUE(CKA_TOKEN, yes);
    const CK_ATTRIBUTE local = VALUE(CKA_LOCAL, yes);
    const CK_ATTRIBUTE trusted = VALUE(CKA_TRUSTED, yes);
    const CK_ATTRIBUTE unknown = {999, &yes, 1};
    const CK_ATTRIBUTE wide = {CKA_SIGN, &data_class, sizeof(data_class)};
    (void)state;
    assert_int_equal(set(private_key, &class), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(set(private_key, &token), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(set(private_key, &local), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(set(public_key, &trusted), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(set(private_key, &unknown), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(set(private_key, &wide), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(set(private_key, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(set(77777, &unknown), CKR_OBJECT_HANDLE_INVALID);
}

static void object_that_forbids_it_is_left_alone(void **state)
{
    const CK_ATTRIBUTE label = TEXT(CKA_LABEL, "new");
    const CK_ATTRIBUTE fixed = VALUE(CKA_MODIFIABLE, no);
    const CK_ATTRIBUTE single = VALUE(CKA_COPYABLE, no);
    const CK_ATTRIBUTE lasting = VALUE(CKA_DESTROYABLE, no);
    CK_OBJECT_HANDLE ignored = 0;
    (void)state;
    assert_int_equal(set(make_data(&fixed), &label), CKR_ACTION_PROHIBITED);
    assert_int_equal(copy(make_data(&single), NULL, 0, &ignored), CKR_ACTION_PROHIBITED);
    assert_int_equal(C_DestroyObject(session, make_data(&lasting)), CKR_ACTION_PROHIBITED);
}

/* ---- threads ---- */

#define NUM_CHANGES 300

static void *rename_often(void *type)
{
    CK_SESSION_HANDLE own = bed_open("scratch", CKF_RW_SESSION);
    for (int i = 0; i < NUM_CHANGES; i++) {
        uint8_t name[2] = {(uint8_t)i, (uint8_t)(i >> 8)};
        CK_ATTRIBUTE given = {*(CK_ATTRIBUTE_TYPE *)type, name, sizeof(name)};
        if (C_SetAttributeValue(own, private_key, &given, 1) != CKR_OK) {
            return type;
        }
    }
    return NULL;
}

static void changes_of_two_threads_are_both_kept(void **state)
{
    CK_ATTRIBUTE_TYPE types[] = {CKA_ID, CKA_SUBJECT};
    pthread_t threads[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, rename_often, &types[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    for (size_t i = 0; i < 2; i++) {
        uint8_t told[2] = {0};
        CK_ATTRIBUTE asked = {types[i], told, sizeof(told)};
        assert_int_equal(get(private_key, &asked, 1), CKR_OK);
        assert_int_equal(told[0] + (told[1] << 8), NUM_CHANGES - 1);
    }
}

/* ---- C_CopyObject ---- */

static void copy_to_the_token_as_keytool_does(void **state)
{
    const CK_ATTRIBUTE given[] = {VALUE(CKA_TOKEN, yes), TEXT(CKA_ID, "alias")};
    CK_OBJECT_HANDLE stored = 0;
    (void)state;

    assert_int_equal(copy(private_key, given, 2, &stored), CKR_OK);
    assert_int_equal(C_DestroyObject(session, private_key), CKR_OK);

    assert_true(is_true(stored, CKA_TOKEN));
    assert_true(is_true(stored, CKA_LOCAL));
    assert_true(is_true(stored, CKA_NEVER_EXTRACTABLE));
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA};
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_SignInit(session, &mechanism, stored), CKR_OK);
    assert_int_equal(
        C_Sign(session, (CK_BYTE *)"01234567890123456789012345678901", 32, signature, &len),
        CKR_OK);
}

static void copy_changes_what_it_is_told_to(void **state)
{
    const CK_ATTRIBUTE value = TEXT(CKA_VALUE, "other");
    const CK_ATTRIBUTE class = VALUE(CKA_CLASS, data_class);
    CK_OBJECT_HANDLE data = make_data(NULL);
    CK_OBJECT_HANDLE other = 0;
    char told[8] = "";
    CK_ATTRIBUTE asked = {CKA_VALUE, told, sizeof(told)};
    (void)state;

    assert_int_equal(copy(data, &value, 0, &other), CKR_OK);
    assert_false(is_true(other, CKA_PRIVATE));
    assert_int_equal(copy(data, &value, 1, &other), CKR_OK);
    assert_int_equal(get(other, &asked, 1), CKR_OK);
    assert_string_equal(told, "other");
    assert_int_equal(copy(data, &class, 1, &other), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(copy(data, NULL, 1, &other), CKR_ARGUMENTS_BAD);
    assert_int_equal(copy(data, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(copy(77777, NULL, 0, &other), CKR_OBJECT_HANDLE_INVALID);
}

static void copy_never_makes_private_things_public(void **state)
{
    const CK_ATTRIBUTE in_public = VALUE(CKA_PRIVATE, no);
    CK_OBJECT_HANDLE other = 0;
    (void)state;
    assert_int_equal(copy(private_key, &in_public, 1, &other), CKR_TEMPLATE_INCONSISTENT);
}

static void copies_have_unique_ids_of_their_own(void **state)
{
    zca_auto(zca_buffer) struct zca_buffer one = {0};
    zca_auto(zca_buffer) struct zca_buffer two = {0};
    CK_OBJECT_HANDLE other = 0;
    (void)state;
    assert_int_equal(copy(private_key, NULL, 0, &other), CKR_OK);
    bed_value(session, private_key, CKA_UNIQUE_ID, &one);
    bed_value(session, other, CKA_UNIQUE_ID, &two);
    assert_false(zca_span_equal(zca_buffer_span(&one), zca_buffer_span(&two)));
}

/* ---- C_DestroyObject, C_GetObjectSize, who sees what ---- */

static void destroy_is_for_good(void **state)
{
    CK_ULONG size = 0;
    (void)state;
    assert_int_equal(C_GetObjectSize(session, private_key, &size), CKR_OK);
    assert_true(size > 0 && size < 65536);
    assert_int_equal(C_GetObjectSize(session, private_key, NULL), CKR_ARGUMENTS_BAD);

    assert_int_equal(C_DestroyObject(session, private_key), CKR_OK);

    assert_int_equal(C_DestroyObject(session, private_key), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_GetObjectSize(session, private_key, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void session_objects_are_seen_by_all_and_die_with_their_session(void **state)
{
    CK_SESSION_HANDLE first = session;
    CK_BBOOL token = 2;
    CK_ATTRIBUTE asked = VALUE(CKA_TOKEN, token);
    (void)state;
    session = bed_open("scratch", 0);

    assert_int_equal(get(public_key, &asked, 1), CKR_OK);
    assert_int_equal(C_DestroyObject(session, private_key), CKR_OK);
    assert_int_equal(C_CloseSession(first), CKR_OK);

    assert_int_equal(get(public_key, &asked, 1), CKR_OBJECT_HANDLE_INVALID);
}

static void private_objects_are_not_there_after_logout(void **state)
{
    CK_BBOOL token = 2;
    CK_ATTRIBUTE asked = VALUE(CKA_TOKEN, token);
    CK_OBJECT_HANDLE data = make_data(NULL);
    (void)state;

    assert_int_equal(C_Logout(session), CKR_OK);

    assert_int_equal(get(private_key, &asked, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(get(data, &asked, 1), CKR_OK);
    assert_int_not_equal(make_data(NULL), 0); /* public ones need no login */
}

static void token_objects_are_not_changed_by_readers(void **state)
{
    const CK_ATTRIBUTE stored = VALUE(CKA_TOKEN, yes);
    const CK_ATTRIBUTE label = TEXT(CKA_LABEL, "new");
    CK_OBJECT_HANDLE data = make_data(&stored);
    CK_OBJECT_HANDLE other = 0;
    (void)state;
    session = bed_open("scratch", 0);

    assert_int_equal(set(data, &label), CKR_SESSION_READ_ONLY);
    assert_int_equal(C_DestroyObject(session, data), CKR_SESSION_READ_ONLY);
    assert_int_equal(copy(data, &stored, 1, &other), CKR_SESSION_READ_ONLY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_goes_on_behind_what_it_cannot_tell),
        TEST(get_says_why_it_does_not_tell),
        TEST(get_tells_lengths_without_buffers),
        TEST(find_by_point_finds_new_keys),
        TEST(set_names_of_keys),
        TEST(set_one_way_attributes),
        TEST(set_what_is_not_to_be_set_fails),
        TEST(object_that_forbids_it_is_left_alone),
        TEST(changes_of_two_threads_are_both_kept),
        TEST(copy_to_the_token_as_keytool_does),
        TEST(copy_changes_what_it_is_told_to),
        TEST(copy_never_makes_private_things_public),
        TEST(copies_have_unique_ids_of_their_own),
        TEST(destroy_is_for_good),
        TEST(session_objects_are_seen_by_all_and_die_with_their_session),
        TEST(private_objects_are_not_there_after_logout),
        TEST(token_objects_are_not_changed_by_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
