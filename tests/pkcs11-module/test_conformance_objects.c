/* SPDX-License-Identifier: Apache-2.0 */
/* What PKCS#11 demands of objects on any token: attributes, changes, copies, searches, lives (PKCS#11 3.0, 5.7). */
#include <string.h>

#include "tests/pkcs11-module/stored.h"

enum { NO_SESSION = 99999, NO_OBJECT = 77777 };

static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static char label[] = "a label";
static char value[] = "a value";
static char another[] = "another";

/* A CKO_DATA session object with one more boolean. */
static CK_OBJECT_HANDLE make(CK_SESSION_HANDLE session, CK_ATTRIBUTE_TYPE type, CK_BBOOL *boolean)
{
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,   &data_class, sizeof(data_class)},
        {CKA_PRIVATE, &no,         sizeof(no)        },
        {CKA_LABEL,   label,       strlen(label)     },
        {CKA_VALUE,   value,       strlen(value)     },
        {type,        boolean,     sizeof(*boolean)  },
    };
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &object), CKR_OK);
    return object;
}

static CK_OBJECT_HANDLE make_plain(CK_SESSION_HANDLE session)
{
    return make(session, CKA_TOKEN, &no);
}

static void check_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
                        const char *wanted)
{
    zca_auto(zca_buffer) struct zca_buffer found = {0};
    bed_value(session, object, type, &found);
    check_text(found, wanted);
}

/* ---- C_CreateObject ---- */

static void create_needs_a_whole_template(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE only_value = {CKA_VALUE, value, strlen(value)};
    CK_ATTRIBUTE unknown[] = {
        {CKA_CLASS,          &data_class, sizeof(data_class)},
        {CKA_VENDOR_DEFINED, value,       strlen(value)     },
    };
    assert_int_equal(C_CreateObject(session, &only_value, 1, &object), CKR_TEMPLATE_INCOMPLETE);
    assert_int_equal(C_CreateObject(session, NULL, 1, &object), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CreateObject(session, unknown, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CreateObject(session, unknown, 2, &object), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(C_CreateObject(NO_SESSION, unknown, 1, &object), CKR_SESSION_HANDLE_INVALID);
}

static void empty_values_are_values(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,   &data_class, sizeof(data_class)},
        {CKA_PRIVATE, &no,         sizeof(no)        },
        {CKA_LABEL,   NULL,        0                 },
    };
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &object), CKR_OK);
    check_value(session, object, CKA_LABEL, "");
    assert_int_equal(bed_find(session, &attributes[2], 1, NULL, 0), 1);
}

/* ---- C_GetAttributeValue, C_SetAttributeValue ---- */

static void attributes_come_as_far_as_they_can(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = make_plain(session);
    char text[32];
    char small[2];
    CK_ATTRIBUTE attributes[] = {
        {CKA_LABEL,   text,  sizeof(text) },
        {CKA_MODULUS, small, sizeof(small)},
        {CKA_VALUE,   small, sizeof(small)},
        {CKA_VALUE,   NULL,  0            },
    };
    CK_RV rv = C_GetAttributeValue(session, object, attributes, ZCA_COUNT(attributes));
    assert_true(rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(attributes[0].ulValueLen, strlen(label));
    assert_memory_equal(text, label, strlen(label));
    assert_int_equal(attributes[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(attributes[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(attributes[3].ulValueLen, strlen(value));
    assert_int_equal(C_GetAttributeValue(session, NO_OBJECT, attributes, 1),
                     CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_GetAttributeValue(session, object, NULL, 1), CKR_ARGUMENTS_BAD);
}

static void attributes_change_if_they_may(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_OBJECT_HANDLE fixed = make(session, CKA_MODIFIABLE, &no);
    CK_ATTRIBUTE class = {CKA_CLASS, &data_class, sizeof(data_class)};
    assert_int_equal(stored_set_label(session, object, another), CKR_OK);
    check_value(session, object, CKA_LABEL, another);
    assert_int_equal(C_SetAttributeValue(session, object, &class, 1), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(stored_set_label(session, fixed, another), CKR_ACTION_PROHIBITED);
    check_value(session, fixed, CKA_LABEL, label);
    assert_int_equal(stored_set_label(session, NO_OBJECT, "x"), CKR_OBJECT_HANDLE_INVALID);
}

/* All or nothing. */
static void half_a_change_is_none(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_ATTRIBUTE attributes[] = {
        {CKA_LABEL, another,     strlen(another)   },
        {CKA_CLASS, &data_class, sizeof(data_class)},
    };
    assert_int_equal(C_SetAttributeValue(session, object, attributes, 2), CKR_ATTRIBUTE_READ_ONLY);
    check_value(session, object, CKA_LABEL, label);
}

/* ---- C_CopyObject ---- */

static void copies_differ_as_they_are_told(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_OBJECT_HANDLE copy = 0;
    CK_ATTRIBUTE changes[] = {
        {CKA_LABEL,   another, strlen(another)},
        {CKA_TOKEN,   &yes,    sizeof(yes)    },
        {CKA_PRIVATE, &yes,    sizeof(yes)    },
    };
    assert_int_equal(C_CopyObject(session, object, changes, 3, &copy), CKR_OK);
    check_value(session, copy, CKA_LABEL, another);
    check_value(session, copy, CKA_VALUE, value);
    check_value(session, object, CKA_LABEL, label);
    assert_int_equal(C_DestroyObject(session, object), CKR_OK);
    assert_int_equal(stored_count(session, another), 1); /* stored */
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(stored_count(session, another), 0); /* and private */
}

static void copies_that_may_not_be_are_refused(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_OBJECT_HANDLE fixed = make(session, CKA_COPYABLE, &no);
    CK_OBJECT_HANDLE private = make(session, CKA_TOKEN, &no);
    CK_OBJECT_HANDLE copy = 0;
    CK_ATTRIBUTE class = {CKA_CLASS, &data_class, sizeof(data_class)};
    CK_ATTRIBUTE to_private = {CKA_PRIVATE, &yes, sizeof(yes)};
    CK_ATTRIBUTE to_public = {CKA_PRIVATE, &no, sizeof(no)};
    assert_int_equal(C_CopyObject(session, fixed, NULL, 0, &copy), CKR_ACTION_PROHIBITED);
    assert_int_equal(C_CopyObject(session, object, &class, 1, &copy), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(C_CopyObject(session, object, NULL, 1, &copy), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CopyObject(session, object, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CopyObject(session, NO_OBJECT, NULL, 0, &copy), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_CopyObject(session, private, &to_private, 1, &private), CKR_OK);
    assert_int_equal(C_CopyObject(session, private, &to_public, 1, &copy),
                     CKR_TEMPLATE_INCONSISTENT);
}

/* ---- lives ---- */

static void destroyed_objects_are_gone_and_handles_are_not_used_again(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_OBJECT_HANDLE fixed = make(session, CKA_DESTROYABLE, &no);
    CK_ULONG size = 0;
    assert_int_equal(C_GetObjectSize(session, object, &size), CKR_OK);
    assert_int_equal(C_DestroyObject(session, object), CKR_OK);
    assert_int_equal(C_DestroyObject(session, object), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_GetObjectSize(session, object, &size), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_DestroyObject(session, fixed), CKR_ACTION_PROHIBITED);
    assert_true(make_plain(session) > object);
}

static void session_objects_are_seen_by_all_and_die_with_theirs(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE first = stored_session(0);
    CK_SESSION_HANDLE second = stored_session(0);
    CK_OBJECT_HANDLE object = make_plain(first);
    check_value(second, object, CKA_LABEL, label);
    assert_int_equal(stored_find(second, CKO_DATA, label), object);
    assert_int_equal(C_CloseSession(first), CKR_OK);
    assert_int_equal(stored_find(second, CKO_DATA, label), 0);
}

static void logout_takes_private_session_objects(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_ULONG size = 0;
    CK_OBJECT_HANDLE object = make_plain(session);
    CK_OBJECT_HANDLE private = 0;
    CK_ATTRIBUTE to_private = {CKA_PRIVATE, &yes, sizeof(yes)};
    assert_int_equal(C_CopyObject(session, object, &to_private, 1, &private), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(C_GetObjectSize(session, object, &size), CKR_OK);
    assert_int_equal(C_GetObjectSize(session, private, &size), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(C_Login(session, CKU_USER, (CK_UTF8CHAR *)BED_PIN, strlen(BED_PIN)), CKR_OK);
    assert_int_equal(C_GetObjectSize(session, private, &size), CKR_OBJECT_HANDLE_INVALID);
}

static void read_only_sessions_leave_token_objects_alone(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    CK_SESSION_HANDLE reader = stored_session(0);
    CK_OBJECT_HANDLE object = stored_data(session, "kept", false);
    CK_OBJECT_HANDLE copy = 0;
    CK_ATTRIBUTE to_session = {CKA_TOKEN, &no, sizeof(no)};
    assert_int_equal(stored_set_label(reader, object, "x"), CKR_SESSION_READ_ONLY);
    assert_int_equal(C_DestroyObject(reader, object), CKR_SESSION_READ_ONLY);
    assert_int_equal(C_CopyObject(reader, object, NULL, 0, &copy), CKR_SESSION_READ_ONLY);
    assert_int_equal(C_CopyObject(reader, object, &to_session, 1, &copy), CKR_OK);
}

/* ---- searches ---- */

static void search_has_a_beginning_and_an_end(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    assert_int_equal(C_FindObjects(session, &found, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_FindObjects(session, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjects(session, &found, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
}

/* The objects of the moment it began, a few at a time. */
static void search_hands_out_what_there_was(void **state)
{
    enum { MADE = 5 };

    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_HANDLE found[MADE];
    CK_ULONG count = 0;
    CK_ATTRIBUTE attribute = {CKA_LABEL, label, strlen(label)};
    for (int i = 0; i < MADE; i++) {
        assert_int_not_equal(make_plain(session), 0);
    }
    assert_int_equal(C_FindObjectsInit(session, &attribute, 1), CKR_OK);
    assert_int_not_equal(make_plain(session), 0);
    assert_int_equal(C_FindObjects(session, found, 2, &count), CKR_OK);
    assert_int_equal(count, 2);
    assert_int_equal(C_FindObjects(session, found, 0, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(C_FindObjects(session, found, MADE, &count), CKR_OK);
    assert_int_equal(count, MADE - 2);
    assert_int_equal(C_FindObjects(session, found, MADE, &count), CKR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
}

static void search_matches_all_of_its_template(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = stored_session(0);
    CK_OBJECT_CLASS other = CKO_CERTIFICATE;
    CK_ATTRIBUTE attributes[] = {
        {CKA_LABEL, label,       strlen(label)     },
        {CKA_CLASS, &data_class, sizeof(data_class)},
    };
    assert_int_not_equal(make_plain(session), 0);
    assert_int_equal(bed_find(session, attributes, 2, NULL, 0), 1);
    attributes[1].pValue = &other;
    assert_int_equal(bed_find(session, attributes, 2, NULL, 0), 0);
    attributes[0].ulValueLen--; /* no prefixes */
    assert_int_equal(bed_find(session, attributes, 1, NULL, 0), 0);
}

/* ---- keys ---- */

static void private_values_stay_inside(void **state)
{
    bed_start(*state);
    CK_SESSION_HANDLE session = bed_scratch();
    uint8_t secret[64];
    CK_BBOOL sensitive = CK_FALSE;
    CK_ATTRIBUTE attributes[] = {
        {CKA_VALUE,     secret,     sizeof(secret)   },
        {CKA_SENSITIVE, &sensitive, sizeof(sensitive)},
    };
    CK_ATTRIBUTE to_open = {CKA_SENSITIVE, &no, sizeof(no)};
    CK_ATTRIBUTE to_extractable = {CKA_EXTRACTABLE, &yes, sizeof(yes)};
    assert_true(stored_pair(session, CKM_EC_KEY_PAIR_GEN, "key", true));
    CK_OBJECT_HANDLE key = stored_find(session, CKO_PRIVATE_KEY, "key");
    assert_int_equal(C_GetAttributeValue(session, key, attributes, 2), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(attributes[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(C_SetAttributeValue(session, key, &to_open, 1), CKR_ATTRIBUTE_READ_ONLY);
    assert_int_equal(C_SetAttributeValue(session, key, &to_extractable, 1),
                     CKR_ATTRIBUTE_READ_ONLY);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(create_needs_a_whole_template),
        CASE(empty_values_are_values),
        CASE(attributes_come_as_far_as_they_can),
        CASE(attributes_change_if_they_may),
        CASE(half_a_change_is_none),
        CASE(copies_differ_as_they_are_told),
        CASE(copies_that_may_not_be_are_refused),
        CASE(destroyed_objects_are_gone_and_handles_are_not_used_again),
        CASE(session_objects_are_seen_by_all_and_die_with_theirs),
        CASE(logout_takes_private_session_objects),
        CASE(read_only_sessions_leave_token_objects_alone),
        CASE(search_has_a_beginning_and_an_end),
        CASE(search_hands_out_what_there_was),
        CASE(search_matches_all_of_its_template),
        CASE(private_values_stay_inside),
    };
    return cmocka_run_group_tests_name("pkcs11/conformance objects", tests, NULL, NULL);
}
