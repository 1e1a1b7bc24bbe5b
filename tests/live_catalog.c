/* tests/live_catalog.c: types that a database brings: enums, domains, composites, ranges, arrays of
 * them, nested. Loaded in one query, fetched in binary, written as the server writes them. */
#include "tests/live.h"

static const char *const setup[] = {
    "create schema live_catalog",
    "set search_path to live_catalog, public",
    "create type mood as enum ('sad', 'ok', 'it''s \"fine\"')",
    "create domain positive as int check (value > 0)",
    "create domain more_positive as positive",
    "create type pair as (n positive, m mood, \"odd name\" text)",
    "create type nest as (p pair, ps pair[], d more_positive[])",
    "create type moods as range (subtype = mood)",
    "create table kept (a int, gone int, b mood)",
    "alter table kept drop column gone",
};

static const char *const values[] = {
    "'ok'::mood",
    "'it''s \"fine\"'::mood",
    "array['sad', 'ok', null]::mood[]",
    "7::positive",
    "array[1, 2]::positive[]",
    "row(1, 'ok', 'x,y \"z\" \\')::pair",
    "row(null, null, '')::pair",
    "array[row(1, 'sad', null), null]::pair[]",
    "row(row(1, 'ok', 'a'), array[row(2, 'sad', 'b')]::pair[], array[3, 4])::nest",
    "moods('sad', 'ok', '[]')",
    "array[moods('sad', null), moods('ok', 'ok')]",
    "row(1, 'ok')::kept",
    "row(1, 'ok'::mood, array[row(5, 'sad', 'q')]::pair[])",
    "null::mood",
};

static tusk_conn *begin(void)
{
    tusk_conn *c = live_open(NULL);
    for (size_t i = 0; i < sizeof setup / sizeof *setup; i++)
        if (tusk_exec(c, NULL, setup[i], TUSK_NOARGS) != TUSK_OK)
            fail_msg("%s: %s", setup[i], tusk_errmsg(c));
    return c;
}

static void end(tusk_conn *c)
{
    assert_int_equal(tusk_exec(c, NULL, "drop schema live_catalog cascade", TUSK_NOARGS), TUSK_OK);
    tusk_close(c);
}

static void each_value_is_written_as_by_the_server(void)
{
    tusk_conn *c = begin();
    tusk_catalog *cat;
    assert_int_equal(tusk_catalog_load(&cat, c), TUSK_OK);
    tusk_text_style style = tusk_catalog_style(cat);
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char sql[512];
        tusk_result *r;
        snprintf(sql, sizeof sql, "select v, v::text from (select %s as v) as s", values[i]);
        assert_int_equal(tusk_exec(c, &r, sql, TUSK_NOARGS), TUSK_OK);
        const tusk_row *row = tusk_result_row(r, 0);
        tusk_slice expected;
        tusk_buf_clear(&out);
        assert_int_equal(tusk_col(row, 0).format, TUSK_FORMAT_BINARY);
        if (tusk_get(row, 1, &expected) == TUSK_ENULL) {
            assert_true(tusk_is_null(tusk_col(row, 0)));
        } else {
            int status = tusk_value_text(tusk_col(row, 0), &style, &out);
            if (status != TUSK_OK || out.len != expected.len ||
                memcmp(out.data, expected.ptr, out.len) != 0)
                fail_msg("%s: status %d, %.*s instead of %.*s", values[i], status, (int)out.len,
                         (const char *)out.data, (int)expected.len, expected.ptr);
        }
        tusk_result_free(r);
    }
    tusk_buf_free(&out);
    tusk_catalog_free(cat);
    end(c);
}

static void labels_fields_and_names(void)
{
    tusk_conn *c = begin();
    tusk_catalog *cat;
    assert_int_equal(tusk_catalog_load(&cat, c), TUSK_OK);
    uint32_t mood = tusk_catalog_oid(cat, "mood");
    assert_int_not_equal(mood, 0);
    assert_int_equal(tusk_catalog_oid(cat, "live_catalog.mood"), mood);
    assert_int_equal(tusk_catalog_oid(cat, "public.mood"), 0);
    assert_int_equal(tusk_catalog_oid(cat, "no such type"), 0);
    assert_int_equal(tusk_catalog_oid(cat, "int4"), 23);
    assert_int_equal(tusk_catalog_find(cat, mood)->kind, 'e');
    assert_null(tusk_catalog_find(cat, 23));
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(tusk_value_text(tusk_catalog_labels(cat, mood), NULL, &out), TUSK_OK);
    assert_int_equal(
        tusk_value_text(tusk_catalog_field_names(cat, tusk_catalog_oid(cat, "kept")), NULL, &out),
        TUSK_OK);
    static const char expected[] = "{sad,ok,\"it's \\\"fine\\\"\"}{a,b}";
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.len);
    assert_true(tusk_is_null(tusk_catalog_labels(cat, 23)));
    assert_true(tusk_is_null(tusk_catalog_field_types(cat, mood)));
    tusk_buf_free(&out);
    tusk_catalog_free(cat);
    end(c);
}

int main(void)
{
    static const live_test tests[] = {
        {"each value is written as by the server", each_value_is_written_as_by_the_server},
        {"labels, fields and names", labels_fields_and_names},
    };
    return LIVE_RUN("catalog", tests);
}
