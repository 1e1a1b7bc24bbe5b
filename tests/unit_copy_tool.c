/* tests/unit_copy_tool.c: the parts of tusk copy that need no server: which text is a table and
 * which a query, the statement, the line in an error's context, rows counted in pieces of every
 * size, and the line that shows how far it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tools/tusk/copy_rows.h"
#include "tools/tusk/copy_sql.h"
#include "tools/tusk/progress.h"

static void tables_and_queries(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t length;
    } cases[] = {
        {"t", 1},
        {"  my.t$1  ", 8},
        {"a.b.c", 5},
        {"\"T\"", 3},
        {"\"a\"\"b\".\"c d\"", 12},
        {"\"select\"", 8},
        {"selection", 9},
        {"t (a, \"b)\" , c)", 1},
        {"s . t(a)", 5},
        {"tést", 5},
        {"", 0},
        {" ", 0},
        {"1t", 0},
        {"t.", 0},
        {".t", 0},
        {"t u", 0},
        {"t ()", 0},
        {"t (a", 0},
        {"t (a,)", 0},
        {"t (a) b", 0},
        {"t (1)", 0},
        {"\"t", 0},
        {"\"", 0},
        {"t; drop table t", 0},
        {"t -- a", 0},
        {"SELECT", 0},
        {"select 1", 0},
        {"values (a)", 0},
        {"table t", 0},
        {"With (a)", 0},
        {"(select 1)", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(copy_table(cases[i].text), cases[i].length);
}

static void makes(bool in, const char *what, copy_style style, const char *wanted)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    assert_int_equal(copy_statement(&out, in, what, &style), TUSK_OK);
    tusk_put_u8(&out, 0);
    assert_string_equal((char *)out.data, wanted);
    tusk_buf_free(&out);
}

static void statements(void **state)
{
    (void)state;
    makes(true, "s.t (a)", (copy_style){.format = "csv"}, "copy s.t (a) from stdin (format csv)");
    makes(false, "select 1 ; ", (copy_style){.format = "binary"},
          "copy (select 1\n) to stdout (format binary)");
    makes(false, "t",
          (copy_style){
              .format = "text", .header = true, .delimiter = "'", .null = "\\", .encoding = "x"},
          "copy t to stdout (format text, header, delimiter '''', null  E'\\\\', encoding 'x')");
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    const copy_style bad = {.format = "csv", .null = "\xff"};
    assert_int_equal(copy_statement(&out, true, "t", &bad), TUSK_EDATA);
    tusk_buf_free(&out);
}

static void lines_of_contexts(void **state)
{
    (void)state;
    assert_int_equal(copy_context_line("COPY t, line 3, column a: \"7\""), 3);
    assert_int_equal(copy_context_line("COPY t9, line 12: \"1,2\""), 12);
    assert_int_equal(copy_context_line("COPY t, Zeile 4294967297"), UINT64_C(4294967297));
    assert_int_equal(copy_context_line("function f(), line 1 at RAISE\nCOPY t, line 8"), 8);
    assert_int_equal(copy_context_line("COPY t, line: 5"), 0);
    assert_int_equal(copy_context_line("COPY t"), 0);
    assert_int_equal(copy_context_line("SQL function, line 5"), 0);
    assert_int_equal(copy_context_line(""), 0);
    assert_int_equal(copy_context_line(NULL), 0);
}

/* However the data is cut. */
static void counts(const char *format, const char *data, size_t n, uint64_t rows)
{
    for (size_t piece = 1; piece <= n; piece++) {
        copy_rows r;
        copy_rows_open(&r, format);
        for (size_t at = 0; at < n; at += piece) {
            /* A copy of its own, so that reading behind it is noticed. */
            const size_t size = n - at < piece ? n - at : piece;
            char *copy = malloc(size);
            assert_non_null(copy);
            memcpy(copy, data + at, size);
            copy_rows_put(&r, (tusk_slice){copy, size});
            free(copy);
        }
        assert_int_equal(r.rows, rows);
    }
}

static void rows(void **state)
{
    (void)state;
    static const char csv[] = "a,\"b\n\"\"\n\",c\n1,2\n\"\"\n", text[] = "a\tb\n\"\n\"\n";
    static const char binary[] = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\2xx" /* 2 bytes of extension */
                                 "\0\2\0\0\0\3abc\xff\xff\xff\xff"      /* "abc", NULL */
                                 "\0\0"                                 /* no column */
                                 "\0\1\0\0\0\0"                         /* an empty value */
                                 "\xff\xff";
    counts("csv", csv, sizeof csv - 1, 3);
    counts("text", text, sizeof text - 1, 3);
    counts("binary", binary, sizeof binary - 1, 3);
    counts("binary", binary, sizeof binary - 9, 2);
}

static void draws(progress p, int64_t seconds, size_t columns, const char *wanted)
{
    tusk_buf out;
    tusk_buf_init(&out, 0, NULL, NULL);
    p.began = 5;
    progress_put(&out, &p, 5 + seconds * 1000000000, columns);
    tusk_put_u8(&out, 0);
    assert_string_equal((char *)out.data, wanted);
    tusk_buf_free(&out);
}

static void bars(void **state)
{
    (void)state;
    draws((progress){.rows = 7, .bytes = 1200}, 0, 200, "7 rows  1.20 kB  0:00");
    draws((progress){.rows = 7, .bytes = 9996}, 4000, 200, "7 rows  10.0 kB  2 B/s  1:06:40");
    draws((progress){.rows = 7, .bytes = 999499, .done = 25, .all = 100}, 20, 200,
          "7 rows  999 kB  50.0 kB/s  [#####...............]  25 %  left 1:00");
    draws((progress){.rows = 7, .bytes = 999500, .done = 200, .all = 100}, 1, 200,
          "7 rows  1.00 MB  1.00 MB/s  [####################] 100 %  left 0:00");
    draws((progress){.all = 100}, 1, 200, "0 rows  0 B  0 B/s  [....................]   0 %  0:01");
    draws((progress){.all = 100}, 1, 8, "0 rows  ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_queries),
        cmocka_unit_test(statements),
        cmocka_unit_test(lines_of_contexts),
        cmocka_unit_test(rows),
        cmocka_unit_test(bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
