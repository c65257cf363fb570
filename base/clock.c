/* SPDX-License-Identifier: Apache-2.0 */
/* Wall and monotonic time, RFC 3339 text, ASN.1 times. */
#include "base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t read_clock_ms(clockid_t id)
{
    struct timespec now = {0};
    (void)clock_gettime(id, &now); /* fails only for a clock that does not exist */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t zca_clock_now_s(void)
{
    return read_clock_ms(CLOCK_REALTIME) / 1000;
}

int64_t zca_clock_now_ms(void)
{
    return read_clock_ms(CLOCK_REALTIME);
}

int64_t zca_clock_monotonic_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

int64_t zca_clock_monotonic_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail: the clock exists */
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put_number(char *target, int digits, int number)
{
    for (int i = digits - 1; i >= 0; i--) {
        target[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

void zca_clock_format(int64_t time_ms, char out_text[ZCA_RFC3339_SIZE])
{
    static const char form[ZCA_RFC3339_SIZE] = "0000-00-00T00:00:00.000Z";
    int millisecond = (int)((time_ms % 1000 + 1000) % 1000);
    time_t seconds = time_ms / 1000 - (time_ms % 1000 < 0);
    struct tm when;
    if (!gmtime_r(&seconds, &when) || when.tm_year < -1900 || when.tm_year > 8099) {
        (void)snprintf(out_text, ZCA_RFC3339_SIZE, "invalid");
        return;
    }
    memcpy(out_text, form, sizeof(form));
    put_number(out_text, 4, when.tm_year + 1900);
    put_number(out_text + 5, 2, when.tm_mon + 1);
    put_number(out_text + 8, 2, when.tm_mday);
    put_number(out_text + 11, 2, when.tm_hour);
    put_number(out_text + 14, 2, when.tm_min);
    put_number(out_text + 17, 2, when.tm_sec);
    put_number(out_text + 20, 3, millisecond);
}

/* Reads exactly `digits` digits at *cursor, within [min, max]. */
static bool take_number(const char **cursor, int digits, int min, int max, int *out_number)
{
    int number = 0;
    for (int i = 0; i < digits; i++) {
        if (!isdigit((unsigned char)(*cursor)[i])) {
            return false;
        }
        number = 10 * number + ((*cursor)[i] - '0');
    }
    *cursor += digits;
    *out_number = number;
    return number >= min && number <= max;
}

static bool take_one_of(const char **cursor, const char *characters)
{
    if (**cursor == '\0' || !strchr(characters, **cursor)) {
        return false;
    }
    (*cursor)++;
    return true;
}

static bool take_date(const char **cursor, struct tm *when)
{
    bool ok = take_number(cursor, 4, 0, 9999, &when->tm_year) && take_one_of(cursor, "-") &&
              take_number(cursor, 2, 1, 12, &when->tm_mon) && take_one_of(cursor, "-") &&
              take_number(cursor, 2, 1, 31, &when->tm_mday);
    when->tm_year -= 1900;
    when->tm_mon -= 1;
    return ok;
}

/* A leap second is 60: the first second of the next minute. */
static bool take_time(const char **cursor, struct tm *when)
{
    return take_number(cursor, 2, 0, 23, &when->tm_hour) && take_one_of(cursor, ":") &&
           take_number(cursor, 2, 0, 59, &when->tm_min) && take_one_of(cursor, ":") &&
           take_number(cursor, 2, 0, 60, &when->tm_sec);
}

/* Digits after the third are read and dropped. */
static bool take_fraction(const char **cursor, int64_t *out_ms)
{
    *out_ms = 0;
    if (!take_one_of(cursor, ".")) {
        return true;
    }
    if (!isdigit((unsigned char)**cursor)) {
        return false;
    }
    for (int weight = 100; isdigit((unsigned char)**cursor); weight /= 10) {
        *out_ms += (int64_t)weight * (**cursor - '0');
        (*cursor)++;
    }
    return true;
}

static bool take_offset(const char **cursor, int64_t *out_offset_s)
{
    *out_offset_s = 0;
    if (take_one_of(cursor, "Zz")) {
        return true;
    }
    int sign = **cursor == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    bool ok = take_one_of(cursor, "+-") && take_number(cursor, 2, 0, 23, &hours) &&
              take_one_of(cursor, ":") && take_number(cursor, 2, 0, 59, &minutes);
    *out_offset_s = sign * (hours * 3600 + minutes * 60);
    return ok;
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

/* As timegm(3), which reads the time zone of the machine first: a file, in each new process. From year 0. */
static int64_t to_seconds(const struct tm *when)
{
    const int64_t days_to_1970 = 719528;
    int year = when->tm_year + 1900;
    int64_t days = 365 * (int64_t)year + (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    for (int month = 0; month < when->tm_mon; month++) {
        days += days_in_month(year, month);
    }
    days += when->tm_mday - 1 - days_to_1970;
    return ((days * 24 + when->tm_hour) * 60 + when->tm_min) * 60 + when->tm_sec;
}

bool zca_clock_parse(const char *text, int64_t *out_time_ms, struct zca_error *err)
{
    const char *cursor = text;
    struct tm when = {0};
    int64_t offset_s = 0;
    int64_t fraction_ms = 0;
    bool ok = take_date(&cursor, &when) && take_one_of(&cursor, "Tt ") &&
              take_time(&cursor, &when) && take_fraction(&cursor, &fraction_ms) &&
              take_offset(&cursor, &offset_s) && *cursor == '\0' &&
              when.tm_mday <= days_in_month(when.tm_year + 1900, when.tm_mon);
    if (!ok) {
        return zca_error_set(err, ZCA_ERR_INVALID, "time '%.40s' is not RFC 3339", text);
    }
    *out_time_ms = (to_seconds(&when) - offset_s) * 1000 + fraction_ms;
    return true;
}

bool zca_clock_from_asn1(const ASN1_TIME *time, int64_t *out_time_s, struct zca_error *err)
{
    struct tm when = {0};
    if (!time || ASN1_TIME_to_tm(time, &when) != 1) { /* NULL would be read as now */
        return zca_error_set(err, ZCA_ERR_INVALID, "an ASN.1 time cannot be read");
    }
    *out_time_s = to_seconds(&when);
    return true;
}
