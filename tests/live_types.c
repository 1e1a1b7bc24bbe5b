/* tests/live_types.c: every type against the server. For the edges and thousands of random values
 * of each: the C struct holds them (decode, then encode, gives the same bytes), the server sends
 * the same bytes back, the text we make of them is the server's own to the byte, and reading that
 * text gives the bytes again. The same for arrays; containers of types that are not compiled in and
 * the catalogs' own rows are in live_types_more.c. */
#include "tests/live.h"
#include "tests/support/type_values.h"

#include "proto/types.h"

enum {
    CHUNK = 250,
    RANDOM_VALUES = 10000,
    RANDOM_FLOATS = 100000, /* their text is an algorithm */
    RANDOM_ARRAYS = 400,
    SHOWN = 3
};

static tusk_conn *conn;
static int wrong; /* of the type under test */

/* One type's values under test, back to back. */
static struct batch {
    uint32_t oid;
    const type_case *type; /* NULL: an array */
    bool unparsed;
    tusk_buf bytes;
    size_t at[CHUNK + 1];
    size_t count;
} batch;

static void complain(const char *what, const tusk_value *v, const tusk_buf *got, tusk_slice want)
{
    char hex[129] = "";
    for (int i = 0; i < v->len && i < 64; i++)
        snprintf(hex + 2 * i, 3, "%02x", v->ptr[i]);
    if (wrong++ < SHOWN)
        print_error("%s: %s: of %s\n  ours   %.*s\n  theirs %.*s\n", tusk_type_name(v->oid), what,
                    hex, (int)got->len, got->len != 0 ? (char *)got->data : "", (int)want.len,
                    want.ptr);
}

static bool same(const tusk_buf *buf, const void *bytes, size_t len)
{
    return buf->len == len && (len == 0 || memcmp(buf->data, bytes, len) == 0);
}

static void check_struct(const tusk_value *v, tusk_buf *scratch)
{
    _Alignas(16) uint8_t room[128];
    const tusk_type *type = batch.type != NULL ? batch.type->type : NULL;
    if (type == NULL)
        return;
    assert_true(type->size <= sizeof room);
    tusk_buf_clear(scratch);
    int status = tusk_to_type(*v, type, room);
    if (status == TUSK_OK)
        status = type->encode(scratch, room);
    if (status != TUSK_OK || !same(scratch, v->ptr, (size_t)v->len))
        complain("decode, then encode", v, scratch, tusk_slice_of(tusk_strerror(status)));
}

/* What the server made of value i: its bytes, and its text. */
static void check_value(size_t i, const tusk_row *row, tusk_buf *scratch)
{
    tusk_value v = {batch.bytes.data + batch.at[i], (int32_t)(batch.at[i + 1] - batch.at[i]),
                    batch.oid, TUSK_FORMAT_BINARY};
    tusk_slice back, text;
    check_struct(&v, scratch);
    assert_int_equal(tusk_to_bytes(tusk_col(row, 0), &back), TUSK_OK);
    assert_int_equal(tusk_to_text(tusk_col(row, 1), &text), TUSK_OK);
    tusk_buf sent;
    tusk_buf_init(&sent, 0, NULL, NULL);
    tusk_put_bytes(&sent, v.ptr, (size_t)v.len);
    if (!same(&sent, back.ptr, back.len))
        complain("sent and came back otherwise, as text", &v, &sent, text);
    tusk_buf_free(&sent);
    tusk_buf_clear(scratch);
    int status = tusk_value_text(v, NULL, scratch);
    if (status != TUSK_OK || !same(scratch, text.ptr, text.len))
        complain(tusk_strerror(status), &v, scratch, text);
    /* NaN has many bit patterns and one text. */
    if (batch.unparsed || memmem(text.ptr, text.len, "NaN", 3) != NULL)
        return;
    tusk_buf_clear(scratch);
    status = tusk_value_parse(batch.oid, text, NULL, scratch);
    if (status != TUSK_OK || !same(scratch, v.ptr, (size_t)v.len))
        complain("parsed otherwise", &v, scratch, text);
}

/* select v, text of v from values $1::T, $2::T ... */
static void build_sql(tusk_buf *sql, size_t count)
{
    char item[96];
    tusk_buf_clear(sql);
    tusk_put_str(sql, "select v, format('%s', v) from (values ");
    for (size_t i = 1; i <= count; i++) {
        snprintf(item, sizeof item, "%s($%zu::pg_catalog.\"%s\")", i > 1 ? "," : "", i,
                 tusk_type_name(batch.oid));
        tusk_put_str(sql, item);
    }
    tusk_put_str(sql, ") x(v)");
    tusk_put_u8(sql, 0);
}

static void run_batch(tusk_buf *sql, tusk_buf *scratch)
{
    static tusk_arg args[CHUNK];
    tusk_result *r;
    if (batch.count == 0)
        return;
    for (size_t i = 0; i < batch.count; i++) {
        args[i] = tusk_bytea(batch.bytes.data + batch.at[i], batch.at[i + 1] - batch.at[i]);
        args[i].oid = batch.oid;
    }
    build_sql(sql, batch.count);
    if (tusk_exec(conn, &r, (const char *)sql->data, args, batch.count) != TUSK_OK) {
        wrong++;
        print_error("%s: %s\n", tusk_type_name(batch.oid), tusk_errmsg(conn));
    }
    for (size_t i = 0; i < tusk_result_rows(r); i++)
        check_value(i, tusk_result_row(r, i), scratch);
    assert_true(wrong != 0 || tusk_result_rows(r) == batch.count);
    tusk_result_free(r);
    tusk_buf_clear(&batch.bytes);
    batch.count = 0;
}

/* Marks the end of a value that was appended; runs the batch when it is full. */
static void next_value(tusk_buf *sql, tusk_buf *scratch)
{
    assert_int_equal(batch.bytes.status, TUSK_OK);
    batch.at[++batch.count] = batch.bytes.len;
    if (batch.count == CHUNK)
        run_batch(sql, scratch);
}

static void open_batch(uint32_t oid, const type_case *type, bool unparsed, tusk_buf *sql,
                       tusk_buf *scratch)
{
    tusk_buf_init(&batch.bytes, 0, NULL, NULL);
    tusk_buf_init(sql, 0, NULL, NULL);
    tusk_buf_init(scratch, 0, NULL, NULL);
    batch.oid = oid;
    batch.type = type;
    batch.unparsed = unparsed;
    batch.count = 0;
    wrong = 0;
    assert_int_not_equal(oid, 0);
}

static int close_batch(tusk_buf *sql, tusk_buf *scratch)
{
    run_batch(sql, scratch);
    tusk_buf_free(&batch.bytes);
    tusk_buf_free(sql);
    tusk_buf_free(scratch);
    return wrong;
}

static int scalars_of(const type_case *t, type_random *random)
{
    tusk_buf sql, scratch;
    open_batch(tusk_type_oid(t->name), t, t->unparsed, &sql, &scratch);
    for (const char *const *edge = t->edges; edge != NULL && *edge != NULL; edge++) {
        if (tusk_value_parse(batch.oid, tusk_slice_of(*edge), NULL, &batch.bytes) != TUSK_OK) {
            print_error("%s: cannot parse %s\n", t->name, *edge);
            wrong++;
        } else {
            next_value(&sql, &scratch);
        }
    }
    bool is_float = strncmp(t->name, "float", 5) == 0;
    for (int i = 0; i < (is_float ? RANDOM_FLOATS : RANDOM_VALUES); i++) {
        t->make(random, &batch.bytes);
        next_value(&sql, &scratch);
    }
    return close_batch(&sql, &scratch);
}

static int arrays_of(const type_case *t, type_random *random)
{
    tusk_buf sql, scratch;
    uint32_t oid = tusk_type_oid(t->name);
    open_batch(tusk_type_array_of(oid), NULL, t->unparsed, &sql, &scratch);
    for (int i = 0; i < RANDOM_ARRAYS; i++) {
        type_make_array(random, &batch.bytes, t, oid);
        next_value(&sql, &scratch);
    }
    return close_batch(&sql, &scratch);
}

static void for_all(int (*one)(const type_case *, type_random *))
{
    type_random random = {UINT64_C(0x9E3779B97F4A7C15)};
    int failed = 0;
    conn = live_open(NULL);
    live_do_simple(conn, "set timezone = 'UTC'; set lc_monetary = 'C'; set extra_float_digits = 1");
    for (size_t i = 0; i < type_cases_count; i++)
        failed += one(&type_cases[i], &random) != 0;
    tusk_close(conn);
    assert_int_equal(failed, 0);
}

static void scalars(void)
{
    for_all(scalars_of);
}

static void arrays(void)
{
    for_all(arrays_of);
}

/* ── text that the server reads, and how ── */

static const struct input {
    const char *type, *text;
} inputs[] = {
    {"bool", " TRUE "},
    {"bool", "of"},
    {"bool", "o"},
    {"bool", "y"},
    {"bool", "tru"},
    {"bool", "2"},
    {"int4", " 12 "},
    {"int4", "+7"},
    {"int4", "2147483648"},
    {"int4", "1 2"},
    {"int4", ""},
    {"int2", "-32769"},
    {"int8", "9223372036854775808"},
    {"oid", "-1"},
    {"oid", "4294967296"},
    {"float8", " 1.5 "},
    {"float8", ".5"},
    {"float8", "5."},
    {"float8", "."},
    {"float8", "1e"},
    {"float8", "1e400"},
    {"float8", "1e-400"},
    {"float8", "-inf"},
    {"float8", "+Infinity"},
    {"float8", "nan"},
    {"float8", "4.9e-324"},
    {"float8", "2.4e-324"},
    {"float4", "1e39"},
    {"float4", "1e-46"},
    {"float4", "16777217"},
    {"float8", "179769313486231580793e289"},
    {"numeric", " -12.50e3 "},
    {"numeric", "1e131071"},
    {"numeric", "1e131072"},
    {"numeric", "1e-16383"},
    {"numeric", "1e-16384"},
    {"numeric", "-0"},
    {"numeric", "0001.1000"},
    {"numeric", "1e5"},
    {"numeric", "123456789e-5"},
    {"numeric", "1.2.3"},
    {"numeric", "inf"},
    {"numeric", ".1"},
    {"numeric", "0e10"},
    {"numeric", "10000e-4"},
    {"uuid", "{A0EEBC99-9C0B4EF8-BB6D6BB9-BD380A11}"},
    {"uuid", "a0eebc999c0b4ef8bb6d6bb9bd380a11"},
    {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1"},
    {"bytea", "\\x0 0"},
    {"bytea", "\\x01 fF"},
    {"bytea", "a\\\\b\\001"},
    {"bytea", "\\x1"},
    {"bytea", "\\400"},
    {"char", "abc"},
    {"char", "\\101"},
    {"date", "2001-02-29"},
    {"date", "2000-1-2"},
    {"date", "0000-01-01"},
    {"date", "4714-11-23 BC"},
    {"date", "5874898-01-01"},
    {"date", "0044-03-15 bc"},
    {"time", "24:00:01"},
    {"time", "12:30"},
    {"time", "23:59:60"},
    {"time", "12:00:00.1234567"},
    {"timetz", "12:00+0530"},
    {"timetz", "12:00:00Z"},
    {"timetz", "12:00-16"},
    {"timestamp", "2000-01-01"},
    {"timestamp", "2000-01-01T01:02:03.5"},
    {"timestamp", "294277-01-01"},
    {"timestamp", "1999-12-31 24:00:00"},
    {"timestamptz", "2000-01-01 00:00:00-08"},
    {"timestamptz", "4714-11-23 23:00:00-01 BC"},
    {"interval", "1.5 hours"},
    {"interval", "1 week 2 days"},
    {"interval", "-00:00:00.000001"},
    {"interval", "2562047788:00:54.775807"},
    {"interval", "2562047788:00:54.775808"},
    {"interval", "1 decade"},
    {"interval", "90 min"},
    {"interval", "3 days 04:05"},
    {"inet", "1.2.3.256"},
    {"inet", "1.2.3.4/33"},
    {"inet", "::ffff:1.2.3.4/96"},
    {"inet", "1::2::3"},
    {"inet", "1:2:3:4:5:6:7:8"},
    {"inet", "1:2:3:4:5:6:7:8:9"},
    {"inet", "::g"},
    {"inet", "1:2:3:4:5:6:7::"},
    {"inet", "::2:3:4:5:6:7:8"},
    {"cidr", "10.0.0.1/8"},
    {"cidr", "10.1.2.3"},
    {"macaddr", "08002b:010203"},
    {"macaddr", "0800.2b01.0203"},
    {"macaddr", "08-00-2b-01-02-03"},
    {"macaddr", "08002b010203"},
    {"macaddr", "08:00:2b:01:02"},
    {"macaddr8", "08:00:2b:01:02:03"},
    {"bit", "B101"},
    {"varbit", "x1F"},
    {"varbit", "012"},
    {"point", " ( 1 , 2 ) "},
    {"point", "1,2"},
    {"point", "(1,2"},
    {"box", "(0,0),(1,1)"},
    {"box", "((1,0),(0,1))"},
    {"box", "1,2,3,4"},
    {"lseg", "(1,2),(3,4)"},
    {"lseg", "((1,2),(3,4))"},
    {"path", "(1,2),(3,4)"},
    {"path", "[(1,2)]"},
    {"polygon", "(1,2),(3,4)"},
    {"line", "{0,0,1}"},
    {"circle", "<(1,2),-1>"},
    {"tid", "(1,2)"},
    {"tid", "(1,70000)"},
    {"pg_lsn", "0/g"},
    {"int4range", "[1,1)"},
    {"int4range", " [ 1 , 2 ) "},
    {"int4range", "[2,1]"},
    {"int4range", "EMPTY"},
    {"int4range", "[1,2"},
    {"int4multirange", " { [1,2) , [5,6) } "},
    {"int4multirange", "{empty}"},
    {"_int4", " { 1 , 2 } "},
    {"_int4", "{{1,2},{3}}"},
    {"_int4", "{1,}"},
    {"_int4", "{1}x"},
    {"_int4", "[1:2]={1}"},
    {"_int4", "[2:3]={1,2}"},
    {"_int4", "{NULL}"},
    {"_text", "{\"NULL\"}"},
    {"_text", "{ a b , \" c \" }"},
    {"_text", "{a\\,b,c\\\"d}"},
    {"_text", "{\"a\"b}"},
    {"_text", "{nUll}"},
    {"_text", "{\\n}"},
    {"_box", "{(1,1),(0,0);(2,2),(1,1)}"},
    {"_text", "{}"},
    {"_text", "{,}"},
    {"_text", "{\"\"}"},
    {"_int4", "{{{{{{{1}}}}}}}"},
    {"tsvector", "b a"},
    {"tsvector", "'a b':1c"},
    {"tsvector", "a:1,2"},
    {"int2vector", "1 2x"},
    {"money", "12.3"},
    {"money", "-$1,234.56"},
    {"pg_snapshot", "10:20:10,15,15"},
    {"pg_snapshot", "20:10:"},
    {"json", "{"},
    {"regclass", "-"},
    {"regclass", "1259"},
};

/* What we may refuse although the server reads it: tusk/types.h lists it. */
static bool known_refusal(const struct input *in)
{
    static const struct input known[] = {{"tsvector", "b a"}, {"lseg", "1,2,3,4"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].type, in->type) == 0 && strcmp(known[i].text, in->text) == 0)
            return true;
    return false;
}

/* What the server makes of it: as text, or of the binary that we made of the text. */
static int ask(const struct input *in, tusk_arg arg, tusk_result **r, tusk_slice *out)
{
    char sql[96];
    snprintf(sql, sizeof sql, "select $1::pg_catalog.\"%s\"", in->type);
    *out = (tusk_slice){NULL, 0};
    int status = tusk_exec(conn, r, sql, &arg, 1);
    if (status == TUSK_OK)
        tusk_to_bytes(tusk_col(tusk_result_row(*r, 0), 0), out);
    return status;
}

static int check_input(const struct input *in)
{
    tusk_buf ours;
    tusk_result *theirs_result, *ours_result = NULL;
    tusk_slice theirs, back = {NULL, 0}, text = {in->text, strlen(in->text)};
    uint32_t oid = tusk_type_oid(in->type);
    int there = ask(in, tusk_text_as(oid, text.ptr, text.len), &theirs_result, &theirs);
    tusk_buf_init(&ours, 0, NULL, NULL);
    int here = tusk_value_parse(oid, text, NULL, &ours);
    if (here == TUSK_OK) {
        tusk_arg arg = tusk_bytea(ours.data, ours.len);
        arg.oid = oid;
        here = ask(in, arg, &ours_result, &back);
    }
    bool equal =
        back.len == theirs.len && (back.len == 0 || memcmp(back.ptr, theirs.ptr, back.len) == 0);
    bool fine = here == TUSK_OK ? there == TUSK_OK && equal : there != TUSK_OK || known_refusal(in);
    /* That we took what the server then refuses is only right for what is left to it. */
    if (here == TUSK_ESERVER && strcmp(in->type, "json") != 0)
        fine = false;
    if (!fine)
        print_error("%s \"%s\": ours %d, %zu bytes; theirs %d, %zu bytes\n", in->type, in->text,
                    here, back.len, there, theirs.len);
    tusk_buf_free(&ours);
    tusk_result_free(ours_result);
    tusk_result_free(theirs_result);
    return !fine;
}

static void text_inputs(void)
{
    int failed = 0;
    conn = live_open(NULL);
    live_do_simple(conn, "set timezone = 'UTC'; set lc_monetary = 'C'");
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        failed += check_input(&inputs[i]);
    tusk_close(conn);
    assert_int_equal(failed, 0);
}

static const live_test tests[] = {
    {"every scalar, edges and random", scalars},
    {"arrays of every scalar", arrays},
    {"text is read as the server reads it", text_inputs},
};

int main(void)
{
    return LIVE_RUN_ONCE("types", tests);
}
