/* tests/live_types_more.c: what depends on more than the bytes: time zones, types that are not
 * compiled in (composites, enums, domains, extensions), and the catalogs' own rows. */
#include "tests/live.h"
#include "tests/support/type_values.h"

#include "proto/types.h"

static tusk_conn *conn;

/* What the test's own types are; loaded after they are made. */
static tusk_catalog *catalog;
static tusk_text_style style;

static int32_t fixed_offset(void *ud, int64_t unix_seconds)
{
    (void)unix_seconds;
    return *(const int32_t *)ud;
}

static tusk_slice text_of(const tusk_row *row, int column)
{
    tusk_slice s = {NULL, 0};
    assert_int_equal(tusk_get(row, column, &s), TUSK_OK);
    return s;
}

static void learn_types(void)
{
    tusk_catalog_free(catalog);
    assert_int_equal(tusk_catalog_load(&catalog, conn), TUSK_OK);
    style = tusk_catalog_style(catalog);
}

static void end(const char *schema)
{
    char sql[96];
    snprintf(sql, sizeof sql, "drop schema %s cascade", schema);
    live_do_simple(conn, sql);
    tusk_catalog_free(catalog);
    catalog = NULL;
    tusk_close(conn);
}

static uint32_t oid_named(const char *name)
{
    uint32_t oid = tusk_catalog_oid(catalog, name);
    assert_int_not_equal(oid, 0);
    return oid;
}

/* ── comparing ── */

static void expect_text(tusk_value v, const tusk_text_style *with, tusk_slice want,
                        const char *what)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    int status = tusk_value_text(v, with, &out);
    if (status != TUSK_OK || out.len != want.len ||
        (want.len != 0 && memcmp(out.data, want.ptr, want.len) != 0))
        fail_msg("%s: %s\n  ours   %.*s\n  theirs %.*s", what, tusk_strerror(status), (int)out.len,
                 (char *)out.data, (int)want.len, want.ptr);
    tusk_buf_free(&out);
}

/* Each row is a value, and its text as the server makes it. */
static void compare_rows(const char *sql, size_t at_least)
{
    tusk_result *r;
    if (tusk_exec(conn, &r, sql, TUSK_NOARGS) != TUSK_OK)
        fail_msg("%s: %s", sql, tusk_errmsg(conn));
    assert_true(tusk_result_rows(r) >= at_least);
    for (size_t i = 0; i < tusk_result_rows(r); i++) {
        const tusk_row *row = tusk_result_row(r, i);
        assert_int_equal(tusk_col(row, 0).format, TUSK_FORMAT_BINARY);
        expect_text(tusk_col(row, 0), &style, text_of(row, 1), sql);
    }
    tusk_result_free(r);
}

/* ── tests ── */

static void in_zone(const char *set, int32_t east, const char *from, const char *step)
{
    char sql[512];
    tusk_result *r;
    const tusk_text_style zoned = {fixed_offset, NULL, &east};
    live_do(conn, set);
    snprintf(sql, sizeof sql,
             "select t, format('%%s', t) from (select '%s'::timestamptz + i * '%s'::interval t "
             "from generate_series(-500, 500) i) x",
             from, step);
    assert_int_equal(tusk_exec(conn, &r, sql, TUSK_NOARGS), TUSK_OK);
    for (size_t i = 0; i < tusk_result_rows(r); i++) {
        const tusk_row *row = tusk_result_row(r, i);
        expect_text(tusk_col(row, 0), &zoned, text_of(row, 1), "timestamptz with a zone");
    }
    assert_int_equal(tusk_result_rows(r), 1001);
    tusk_result_free(r);
}

static void zone(void)
{
    conn = live_open(NULL);
    in_zone("set timezone = '<+0545>-05:45'", 20700, "1800-01-01 00:00:00.5Z",
            "123456789.123457 s");
    in_zone("set timezone = '<-08>+08'", -28800, "0001-01-01 00:00:00Z", "1 day 00:00:00.001");
    /* Local mean time: to the second. */
    in_zone("set timezone = 'Africa/Monrovia'", -2588, "1800-01-01 00:00:00Z", "1234567.89 s");
    tusk_close(conn);
}

static void composites(void)
{
    conn = live_open(NULL);
    live_do_simple(conn, "create schema more; set search_path = more, public;"
                         "create type mood as enum ('sad', 'so so', '', 'a\"b\\c,(d)');"
                         "create domain small as int4 check (value < 100);"
                         "create type pair as (a int4, b text, dropped int8, c numeric[]);"
                         "alter type pair drop attribute dropped;"
                         "create type nest as (p pair, m mood, s small, q pair[], r small[]);"
                         "create type textrange as range (subtype = text);"
                         "create table things (n nest)");
    learn_types();
    compare_rows("select v, format('%s', v) from unnest(enum_range(null::mood)) v", 4);
    compare_rows("select v, format('%s', v) from (select array_agg(v order by v) v from "
                 "unnest(enum_range(null::mood)) v) x",
                 1);
    compare_rows("select v, format('%s', v) from (select row(i, chr(i), array[i, i / 7.0])::pair v "
                 "from generate_series(1, 300) i) x",
                 300);
    compare_rows("select v, format('%s', v) from (values (row(null, '', '{}')::pair), (null), "
                 "(row(1, null, null)::pair)) x(v) where v is not null or v::text = '(1,,)'",
                 1);
    compare_rows(
        "select v, format('%s', v) from (select row(row(1, ' \"x\"', '{1,NULL}')::pair, "
        "'so so', 5, array[row(2, 'b', null)::pair, null], array[1, 2]::small[])::nest v) x",
        1);
    compare_rows("select v, format('%s', v) from (select row(1, 'a', null, row(2, '()', "
                 "array['x', null]), '{}'::int4[]) v) x",
                 1);
    compare_rows("select v, format('%s', v) from (select array[row(1, 'a'), row(2, 'b')] v) x", 1);
    compare_rows("select v, format('%s', v) from (values ('[a,b)'::textrange), ('(\" \",)')) x(v)",
                 2);
    compare_rows(
        "select v, format('%s', v) from (values ('{[a,b),[\"c c\",)}'::textmultirange)) x(v)", 1);
    compare_rows("select v, format('%s', v) from (values (array['[a,b)'::textrange, null])) x(v)",
                 1);
    end("more");
}

/* Composites of ten fields of all kinds, with NULLs and arrays: sent, sent back, written. */
static const char *const field_types[] = {"int4",      "text", "numeric",  "timestamptz", "_text",
                                          "int8range", "inet", "_numeric", "box",         "jsonb"};

enum { FIELDS = sizeof field_types / sizeof *field_types, COMPOSITES = 2000 };

static tusk_arg random_field(type_random *random, const char *name, tusk_buf *bytes)
{
    const type_case *elem = type_case_named(name[0] == '_' ? name + 1 : name);
    uint32_t oid = tusk_type_oid(name);
    size_t at = bytes->len;
    if (name[0] == '_')
        type_make_array(random, bytes, elem, tusk_type_oid(name + 1));
    else
        elem->make(random, bytes);
    tusk_arg field = tusk_bytea(NULL, bytes->len - at);
    field.oid = oid;
    if (type_below(random, 5) == 0)
        field.kind = TUSK_ARG_NULL;
    return field;
}

static void random_composites(void)
{
    type_random random = {UINT64_C(0x853C49E6748FEA9B)};
    tusk_buf bytes, ours;
    conn = live_open(NULL);
    live_do_simple(conn, "create schema more; set search_path = more, public; set timezone = 'UTC';"
                         "create type wide as (a int4, b text, c numeric, d timestamptz, e text[], "
                         "f int8range, g inet, h numeric[], i box, j jsonb)");
    learn_types();
    tusk_buf_init(&bytes, 0, NULL, NULL);
    tusk_buf_init(&ours, 0, NULL, NULL);
    for (int i = 0; i < COMPOSITES; i++) {
        tusk_arg fields[FIELDS];
        tusk_result *r;
        size_t at = 0;
        tusk_buf_clear(&bytes);
        tusk_buf_clear(&ours);
        for (int k = 0; k < FIELDS; k++)
            fields[k] = random_field(&random, field_types[k], &bytes);
        /* Only now does the buffer stay where it is. NULLs have left their bytes in it. */
        for (int k = 0; k < FIELDS; k++) {
            fields[k].v.s.ptr = (const char *)bytes.data + at;
            at += fields[k].v.s.len;
        }
        const tusk_record_arg record = {oid_named("wide"), fields, FIELDS};
        if (tusk_exec(conn, &r, "select $1::wide, format('%s', $1)",
                      TUSK_ARGS(tusk_of_record(&record))) != TUSK_OK)
            fail_msg("%s", tusk_errmsg(conn));
        tusk_value v = tusk_col(tusk_result_row(r, 0), 0);
        assert_int_equal(tusk_type_record_arg.encode(&ours, &record), TUSK_OK);
        assert_int_equal(ours.len, v.len);
        assert_memory_equal(ours.data, v.ptr, ours.len);
        expect_text(v, &style, text_of(tusk_result_row(r, 0), 1), "a random composite");
        tusk_result_free(r);
    }
    tusk_buf_free(&bytes);
    tusk_buf_free(&ours);
    end("more");
}

/* Only servers from 17 on know it. */
static void infinite_intervals(void)
{
    conn = live_open(NULL);
    if (live_number(conn, "select current_setting('server_version_num')::int4") >= 170000) {
        compare_rows("select v, format('%s', v) from (values ('infinity'::interval), "
                     "('-infinity'), ('178956970 years 7 mons 2147483647 days')) x(v)",
                     3);
        const tusk_interval most = {INT64_MAX, INT32_MAX, INT32_MAX};
        tusk_result *r;
        bool same = false;
        assert_int_equal(tusk_exec(conn, &r, "select $1 = interval 'infinity'",
                                   TUSK_ARGS(tusk_of_interval(&most))),
                         TUSK_OK);
        assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &same), TUSK_OK);
        assert_true(same);
        tusk_result_free(r);
    }
    tusk_close(conn);
}

/* Composites, arrays and ranges as arguments. */
static void container_arguments(void)
{
    conn = live_open(NULL);
    live_do_simple(conn, "create schema more; set search_path = more, public;"
                         "create type pair as (a int4, b text, c numeric)");
    learn_types();
    const tusk_arg fields[] = {tusk_int4(7), tusk_null(), tusk_text_as(1700, "1.50", 4)};
    tusk_arg first[] = {fields[0], fields[1], fields[2]};
    first[1].oid = 25;
    const tusk_record_arg record = {oid_named("pair"), first, 3};
    const tusk_arg elems[] = {tusk_int4(1), tusk_null(), tusk_text_as(23, "3", 1), tusk_int4(4)};
    const tusk_array_arg grid = {1007, 23, elems, 4, 2, {2, 2}, {0, 5}};
    const tusk_range_arg ranges[] = {
        {3904, false, true, true, tusk_int4(1), tusk_int4(4)},
        {3904, false, false, false, tusk_int4(9), tusk_null()},
    };
    const tusk_multirange_arg multi = {4451, ranges, 2};
    const tusk_slice words[] = {{"a b", 3}, {"", 0}, {"NULL", 4}};
    const double numbers[] = {1.5, -2};
    const bool flags[] = {true, false};
    const tusk_items text_items = {words, 3}, number_items = {numbers, 2}, flag_items = {flags, 2},
                     none = {NULL, 0};
    const tusk_decimal price = {-12345, 2};
    const tusk_arg args[] = {tusk_of_record(&record),         tusk_of_array(&grid),
                             tusk_of_range(&ranges[0]),       tusk_of_multirange(&multi),
                             tusk_array_of_text(&text_items), tusk_array_of_float8(&number_items),
                             tusk_array_of_bool(&flag_items), tusk_array_of_int4(&none),
                             tusk_of_decimal(&price)};
    static const char *const want[] = {"(7,,1.50)",
                                       "[0:1][5:6]={{1,NULL},{3,4}}",
                                       "[1,5)",
                                       "{[1,5),[10,)}",
                                       "{\"a b\",\"\",\"NULL\"}",
                                       "{1.5,-2}",
                                       "{t,f}",
                                       "{}",
                                       "-123.45"};
    tusk_result *r;
    if (tusk_exec(
            conn, &r,
            "select format('%s', $1::pair), format('%s', $2::int4[]), format('%s', $3::int4range), "
            "format('%s', $4::int4multirange), format('%s', $5::text[]), format('%s', "
            "$6::float8[]), "
            "format('%s', $7::bool[]), format('%s', $8::int4[]), format('%s', $9::numeric)",
            args, sizeof args / sizeof *args) != TUSK_OK)
        fail_msg("%s", tusk_errmsg(conn));
    for (int i = 0; i < tusk_result_width(r); i++) {
        tusk_slice got = text_of(tusk_result_row(r, 0), i);
        assert_int_equal(got.len, strlen(want[i]));
        assert_memory_equal(got.ptr, want[i], got.len);
    }
    tusk_result_free(r);
    end("more");
}

static bool install(const char *extension)
{
    char sql[96];
    tusk_result *r;
    snprintf(sql, sizeof sql, "create extension if not exists %s", extension);
    int status = tusk_exec(conn, &r, sql, TUSK_NOARGS);
    tusk_result_free(r);
    if (status != TUSK_OK)
        print_message("without extension %s: %s\n", extension, tusk_errmsg(conn));
    else
        learn_types();
    return status == TUSK_OK;
}

static void extensions(void)
{
    conn = live_open(NULL);
    live_do_simple(conn, "drop schema if exists ext cascade; create schema ext; "
                         "set search_path = ext, public");
    if (install("hstore"))
        compare_rows("select v, format('%s', v) from (values ('a=>1,b=>NULL'::hstore), (''), "
                     "('\"q\\\"\\\\\"=>\" é, x\"')) x(v)",
                     3);
    if (install("citext"))
        compare_rows("select v, format('%s', v) from (values ('Ab'::citext), ('')) x(v)", 2);
    if (install("ltree")) {
        compare_rows("select v, format('%s', v) from (values ('a.b_1.C'::ltree), ('')) x(v)", 2);
        compare_rows("select v, format('%s', v) from (values ('a.*{1,2}.!b|c'::lquery)) x(v)", 1);
        compare_rows("select v, format('%s', v) from (values ('a & !b*'::ltxtquery)) x(v)", 1);
        compare_rows("select v, format('%s', v) from (values (array['a.b', 'c']::ltree[])) x(v)",
                     1);
    }
    if (install("cube"))
        compare_rows("select v, format('%s', v) from (values ('(1,2.5)'::cube), ('(1),(2)'), "
                     "('(1,2),(1,2)'), ('(0,-1e300,0.1),(1,1,1)')) x(v)",
                     4);
    if (install("vector"))
        compare_rows("select v, format('%s', v) from (values ('[1,-2.5,1e-10]'::vector)) x(v)", 1);
    end("ext");
}

/* Every text that we make is read by the server as the same hstore. */
static void hstore_arguments(void)
{
    tusk_buf bytes;
    tusk_result *r;
    conn = live_open(NULL);
    live_do_simple(conn, "drop schema if exists ext cascade; create schema ext; "
                         "set search_path = ext, public");
    if (install("hstore")) {
        static const char text[] = "a=>1, \"b \\\"\"=>NULL, c=>\"NULL\"";
        tusk_buf_init(&bytes, 0, NULL, NULL);
        uint32_t oid = oid_named("hstore");
        assert_int_equal(tusk_value_parse(oid, tusk_slice_of(text), &style, &bytes), TUSK_OK);
        tusk_arg arg = tusk_bytea(bytes.data, bytes.len);
        arg.oid = oid;
        assert_int_equal(tusk_exec(conn, &r, "select $1::hstore = $2::text::hstore, $1::hstore",
                                   TUSK_ARGS(arg, tusk_text(text))),
                         TUSK_OK);
        bool equal = false;
        assert_int_equal(tusk_get(tusk_result_row(r, 0), 0, &equal), TUSK_OK);
        assert_true(equal);
        tusk_hstore h;
        tusk_slice key;
        tusk_value value;
        assert_int_equal(tusk_to_hstore(tusk_col(tusk_result_row(r, 0), 1), &h), TUSK_OK);
        assert_int_equal(h.count, 3);
        int pairs = 0;
        for (; tusk_hstore_next(&h, &key, &value); pairs++)
            assert_true(tusk_is_null(value) == (key.len == 3));
        assert_int_equal(pairs, 3);
        tusk_result_free(r);
        tusk_buf_free(&bytes);
    }
    end("ext");
}

/* ── the catalogs ── */

enum { MAX_COLUMNS = 128 };

/* One table in text, and in binary where we can render it; both must show the same. */
static size_t compare_table(const char *table)
{
    char sql[256];
    int16_t formats[MAX_COLUMNS];
    tusk_result *text, *binary;
    snprintf(sql, sizeof sql, "select * from pg_catalog.%s limit 2000", table);
    tusk_request request = {.sql = tusk_slice_of(sql), .flags = TUSK_TEXT};
    if (tusk_exec_request(conn, &text, &request) != TUSK_OK)
        fail_msg("%s: %s", table, tusk_errmsg(conn));
    int width = tusk_result_width(text);
    assert_true(width <= MAX_COLUMNS);
    for (int i = 0; i < width; i++)
        formats[i] = tusk__type_renders(tusk_result_columns(text)[i].oid);
    request.flags = TUSK_ONCE;
    request.formats = formats;
    request.nformats = (size_t)width;
    if (tusk_exec_request(conn, &binary, &request) != TUSK_OK)
        fail_msg("%s: %s", table, tusk_errmsg(conn));
    assert_int_equal(tusk_result_rows(text), tusk_result_rows(binary));
    for (size_t i = 0; i < tusk_result_rows(text); i++)
        for (int k = 0; k < width; k++) {
            tusk_value t = tusk_col(tusk_result_row(text, i), k);
            tusk_value b = tusk_col(tusk_result_row(binary, i), k);
            assert_int_equal(tusk_is_null(t), tusk_is_null(b));
            if (!tusk_is_null(t))
                expect_text(b, NULL, (tusk_slice){(const char *)t.ptr, (size_t)t.len}, table);
        }
    size_t rows = tusk_result_rows(text);
    tusk_result_free(text);
    tusk_result_free(binary);
    return rows;
}

static void catalogs(void)
{
    tusk_result *tables;
    size_t rows = 0;
    conn = live_open(NULL);
    live_do(conn, "analyze");
    live_do(conn, "set timezone = 'UTC'");
    live_do(conn, "begin isolation level repeatable read");
    assert_int_equal(tusk_exec(conn, &tables,
                               "select relname::text from pg_class where relkind = 'r' and "
                               "relnamespace = 'pg_catalog'::regnamespace order by 1",
                               TUSK_NOARGS),
                     TUSK_OK);
    assert_true(tusk_result_rows(tables) > 50);
    for (size_t i = 0; i < tusk_result_rows(tables); i++) {
        char name[64];
        tusk_slice table = text_of(tusk_result_row(tables, i), 0);
        snprintf(name, sizeof name, "%.*s", (int)table.len, table.ptr);
        rows += compare_table(name);
    }
    assert_true(rows > 5000);
    tusk_result_free(tables);
    live_do(conn, "commit");
    tusk_close(conn);
}

static const live_test tests[] = {
    {"a zone's offset", zone},
    {"composites, enums, domains, ranges of one's own", composites},
    {"composites of everything", random_composites},
    {"infinite intervals", infinite_intervals},
    {"containers as arguments", container_arguments},
    {"types of extensions", extensions},
    {"hstore as an argument", hstore_arguments},
    {"every row of the catalogs", catalogs},
};

int main(void)
{
    return LIVE_RUN_ONCE("types, more", tests);
}
