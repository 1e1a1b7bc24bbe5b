/* tusk/value.h: values as they travel: (type oid, format, bytes). Everything here is a view over
 * bytes that somebody else owns: a row's values live until the row does, an argument until the call
 * it is handed to returns. Nothing here allocates.
 *
 * A getter converts exactly or returns a value error: TUSK_ENULL, TUSK_ETYPE (another type),
 * TUSK_ERANGE (does not fit the C type), TUSK_EDATA (the bytes are not a value of that type).
 * On any error the output is untouched. Getters accept binary and text format alike.
 * Wire layouts: PostgreSQL's own *_send and *_recv functions. */
#ifndef TUSK_VALUE_H
#define TUSK_VALUE_H

#include <string.h>
#include <tusk/base.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tusk_format { TUSK_FORMAT_TEXT = 0, TUSK_FORMAT_BINARY = 1 };

/* A value: len -1 is SQL NULL (ptr is then NULL). */
typedef struct tusk_value {
    const uint8_t *ptr;
    int32_t len;
    uint32_t oid;
    int16_t format;
} tusk_value;

static inline bool tusk_is_null(tusk_value v)
{
    return v.len < 0;
}

/* A type of your own is one of these; ours are too. decode must account for every byte of `in`;
 * encode appends the binary form, or calls tusk_buf_fail. Both return a status. */
typedef struct tusk_type {
    const char *name;
    uint32_t oid;
    size_t size; /* of the C value */
    int (*encode)(tusk_buf *out, const void *c_value);
    int (*decode)(tusk_value in, void *c_value);
} tusk_type;

/* ── arguments ─ what a $n is bound to; made by the constructors below ─────────────────────── */
enum tusk_arg_kind {
    TUSK_ARG_NULL,   /* SQL NULL; oid 0 lets the server infer the type */
    TUSK_ARG_BOOL,   /* v.i */
    TUSK_ARG_INT2,   /* v.i */
    TUSK_ARG_INT4,   /* v.i */
    TUSK_ARG_INT8,   /* v.i; every type whose binary form is 8 bytes of integer */
    TUSK_ARG_FLOAT4, /* v.f */
    TUSK_ARG_FLOAT8, /* v.f */
    TUSK_ARG_TEXT,   /* v.s in text format: with oid 0 the server types it for itself */
    TUSK_ARG_BINARY, /* v.s is the binary form of the type oid */
    TUSK_ARG_TYPED   /* v.t: encoded by the type's own function */
};

typedef struct tusk_arg {
    uint32_t oid;
    uint8_t kind; /* enum tusk_arg_kind */
    union {
        int64_t i;
        double f;
        tusk_slice s;
        struct {
            const tusk_type *type;
            const void *ptr;
        } t;
    } v;
} tusk_arg;

static inline tusk_arg tusk__arg(uint32_t oid, enum tusk_arg_kind kind)
{
    tusk_arg a;
    a.oid = oid; /* field by field: memset would go through memory, and cost as much as a send */
    a.kind = (uint8_t)kind;
    a.v.s.ptr = NULL;
    a.v.s.len = 0;
    return a;
}
static inline tusk_arg tusk__arg_int(uint32_t oid, enum tusk_arg_kind kind, int64_t i)
{
    tusk_arg a = tusk__arg(oid, kind);
    a.v.i = i;
    return a;
}
static inline tusk_arg tusk__arg_bytes(uint32_t oid, enum tusk_arg_kind kind, const void *p, size_t n)
{
    tusk_arg a = tusk__arg(oid, kind);
    a.v.s.ptr = (const char *)p;
    a.v.s.len = n;
    return a;
}
static inline tusk_arg tusk_null(void)
{
    return tusk__arg(0, TUSK_ARG_NULL);
}
static inline tusk_arg tusk_bool(bool b)
{
    return tusk__arg_int(16, TUSK_ARG_BOOL, b);
}
static inline tusk_arg tusk_int2(int16_t i)
{
    return tusk__arg_int(21, TUSK_ARG_INT2, i);
}
static inline tusk_arg tusk_int4(int32_t i)
{
    return tusk__arg_int(23, TUSK_ARG_INT4, i);
}
static inline tusk_arg tusk_int8(int64_t i)
{
    return tusk__arg_int(20, TUSK_ARG_INT8, i);
}
static inline tusk_arg tusk_oid(uint32_t i)
{
    return tusk__arg_int(26, TUSK_ARG_INT4, (int32_t)i);
}
static inline tusk_arg tusk_float4(float f)
{
    tusk_arg a = tusk__arg(700, TUSK_ARG_FLOAT4);
    a.v.f = (double)f;
    return a;
}
static inline tusk_arg tusk_float8(double f)
{
    tusk_arg a = tusk__arg(701, TUSK_ARG_FLOAT8);
    a.v.f = f;
    return a;
}
/* Microseconds since 2000-01-01 00:00 (UTC for timestamptz); INT64_MIN and INT64_MAX are
 * -infinity and infinity. Days since 2000-01-01 for date. */
static inline tusk_arg tusk_timestamptz(int64_t us)
{
    return tusk__arg_int(1184, TUSK_ARG_INT8, us);
}
static inline tusk_arg tusk_timestamp(int64_t us)
{
    return tusk__arg_int(1114, TUSK_ARG_INT8, us);
}
static inline tusk_arg tusk_date(int32_t days)
{
    return tusk__arg_int(1082, TUSK_ARG_INT4, days);
}
static inline tusk_arg tusk_bytea(const void *p, size_t n)
{
    return tusk__arg_bytes(17, TUSK_ARG_BINARY, p, n);
}
static inline tusk_arg tusk_uuid(const uint8_t bytes[16])
{
    return tusk__arg_bytes(2950, TUSK_ARG_BINARY, bytes, 16);
}
/* Text of declared type text. */
static inline tusk_arg tusk_textn(const char *s, size_t n)
{
    return tusk__arg_bytes(25, TUSK_ARG_BINARY, s, n);
}
/* Text whose type the server infers from the query, exactly as a quoted literal's; NULL is SQL NULL.
 * The pointer is read when the argument is encoded, that is before the submitting call returns. */
static inline tusk_arg tusk_text(const char *s)
{
    return s ? tusk__arg_bytes(0, TUSK_ARG_TEXT, s, strlen(s)) : tusk_null();
}
/* Text input of the type `oid`, e.g. "[1,5)" for an int4range. */
static inline tusk_arg tusk_text_as(uint32_t oid, const char *s, size_t n)
{
    return tusk__arg_bytes(oid, TUSK_ARG_TEXT, s, n);
}
static inline tusk_arg tusk_typed(const tusk_type *type, const void *c_value)
{
    tusk_arg a = tusk__arg(type->oid, TUSK_ARG_TYPED);
    a.v.t.type = type;
    a.v.t.ptr = c_value;
    return a;
}

/* An argument list in place: tusk_exec(conn, &r, sql, TUSK_ARGS(tusk_int4(1), tusk_text("x"))). */
#define TUSK_NOARGS NULL, 0
#ifndef __cplusplus
#define TUSK_ARGS(...)                                                                             \
    (const tusk_arg[]){__VA_ARGS__}, sizeof((const tusk_arg[]){__VA_ARGS__}) / sizeof(tusk_arg)
#endif

/* ── rows ─────────────────────────────────────────────────────────────────────────────────── */

/* One column of a result, as RowDescription gives it. name lives as long as the row or the
 * callback it was handed to. */
typedef struct tusk_column {
    tusk_slice name;
    uint32_t oid;    /* of the type; domains appear as their base type */
    uint32_t table;  /* oid of the table, 0 if it is no table's column */
    int32_t typmod;  /* -1: none */
    int16_t attnum;  /* of the table's column, 0 if none */
    int16_t typlen;  /* pg_type.typlen; negative: variable */
    int16_t format;  /* enum tusk_format */
} tusk_column;

/* Where a column's bytes lie within its row. len -1: NULL. */
typedef struct tusk_cell {
    uint32_t at;
    int32_t len;
} tusk_cell;

/* A row: read it through tusk_col and tusk_get. Valid until the row callback returns, or as long as
 * the tusk_result that holds it. */
typedef struct tusk_row {
    const uint8_t *bytes;
    const tusk_cell *cells;
    const tusk_column *columns;
    int width;
    uint64_t item; /* with TUSK_MANY (tusk/conn.h): the argument row that it answers, from 0 */
} tusk_row;

static inline int tusk_row_width(const tusk_row *row)
{
    return row->width;
}

/* Column i of the row, counted from 0; no copy. Out of range gives a value every getter refuses
 * with TUSK_EINVAL. */
static inline tusk_value tusk_col(const tusk_row *row, int i)
{
    tusk_value v = {NULL, -1, 0, -1};
    if (i >= 0 && i < row->width) {
        v.len = row->cells[i].len;
        v.ptr = v.len < 0 ? NULL : row->bytes + row->cells[i].at;
        v.oid = row->columns[i].oid;
        v.format = row->columns[i].format;
    }
    return v;
}

/* ── getters ──────────────────────────────────────────────────────────────────────────────── */

/* bool only. */
TUSK_API int tusk_to_bool(tusk_value, bool *);
/* Any integer type whose value fits: int2, int4, int8, oid, and the types that are stored as one
 * (xid, cid, reg*; date gives days, time and the timestamps give microseconds to int8). */
TUSK_API int tusk_to_int4_any(tusk_value, int32_t *);
TUSK_API int tusk_to_int8_any(tusk_value, int64_t *);
/* The same for what is unsigned: oid, xid, cid, reg*; a negative one does not fit. */
TUSK_API int tusk_to_oid_any(tusk_value, uint32_t *);
/* float4, float8, and integers that are exact in a double. */
TUSK_API int tusk_to_float8_any(tusk_value, double *);
/* The bytes of text, varchar, bpchar, name, json, xml, "char", enum labels and every type whose
 * binary form is its text (also unknown oids), and of any value in text format. */
TUSK_API int tusk_to_text_any(tusk_value, tusk_slice *);
/* The raw bytes of a bytea in binary format, or of any value in binary format. */
TUSK_API int tusk_to_bytes(tusk_value, tusk_slice *);
/* 16 bytes. */
TUSK_API int tusk_to_uuid(tusk_value, uint8_t out[16]);
/* By the type's own decode. */
TUSK_API int tusk_to_type(tusk_value, const tusk_type *, void *c_value);

static inline uint32_t tusk__load32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}
static inline uint64_t tusk__load64(const uint8_t *p)
{
    return (uint64_t)p[0] << 56 | (uint64_t)p[1] << 48 | (uint64_t)p[2] << 40 |
           (uint64_t)p[3] << 32 | (uint64_t)p[4] << 24 | (uint64_t)p[5] << 16 |
           (uint64_t)p[6] << 8 | (uint64_t)p[7];
}
/* The fast paths are inline: a compare and one byte-swapped load. The compare is one expression,
 * because compilers make of three compares a wide load over narrow stores, which costs more than all
 * the rest. */
static inline bool tusk__is_plain(tusk_value v, uint32_t oid, uint32_t len)
{
    uint32_t got_len = (uint32_t)v.len, got_format = (uint32_t)v.format;
    return ((v.oid ^ oid) | (got_len ^ len) | (got_format ^ (uint32_t)TUSK_FORMAT_BINARY)) == 0;
}
static inline int tusk_to_int4(tusk_value v, int32_t *out)
{
    if (tusk__is_plain(v, 23, 4)) {
        *out = (int32_t)tusk__load32(v.ptr);
        return TUSK_OK;
    }
    return tusk_to_int4_any(v, out);
}
static inline int tusk_to_int8(tusk_value v, int64_t *out)
{
    if (tusk__is_plain(v, 20, 8) || tusk__is_plain(v, 1184, 8)) {
        *out = (int64_t)tusk__load64(v.ptr);
        return TUSK_OK;
    }
    return tusk_to_int8_any(v, out);
}
static inline int tusk_to_oid(tusk_value v, uint32_t *out)
{
    if (tusk__is_plain(v, 26, 4)) {
        *out = tusk__load32(v.ptr);
        return TUSK_OK;
    }
    return tusk_to_oid_any(v, out);
}
static inline int tusk_to_float8(tusk_value v, double *out)
{
    if (tusk__is_plain(v, 701, 8)) {
        uint64_t bits = tusk__load64(v.ptr);
        memcpy(out, &bits, sizeof bits);
        return TUSK_OK;
    }
    return tusk_to_float8_any(v, out);
}
/* text, varchar and name are the same in both formats. */
static inline bool tusk__is_text(uint32_t oid)
{
    return oid == 25 || oid == 1043 || oid == 19;
}
static inline int tusk_to_text(tusk_value v, tusk_slice *out)
{
    if (tusk__is_text(v.oid) && v.len >= 0) {
        out->ptr = (const char *)v.ptr;
        out->len = (size_t)v.len;
        return TUSK_OK;
    }
    return tusk_to_text_any(v, out);
}

/* ── text ─ a value as the server itself would write it ────────────────────────────────────── */

/* What pg_type tells about a type that is not compiled in (enums, domains, composites, extensions). */
typedef struct tusk_typedesc {
    uint32_t oid;
    uint32_t of; /* array: its element; domain: its base; range: its bounds' type; multirange: its
                    range; else 0 */
    char kind;   /* pg_type.typtype ('b' base, 'c' composite, 'd' domain, 'e' enum, 'r' range, 'm'
                    multirange), or 'a' array */
    tusk_slice name; /* pg_type.typname: makes hstore, citext, ltree, vector ... known */
} tusk_typedesc;

/* What the text of a value depends on besides its bytes; zero what is not known. */
typedef struct tusk_text_style {
    /* Seconds EAST of UTC at that time, for timestamptz; NULL: UTC. */
    int32_t (*utc_offset)(void *ud, int64_t unix_seconds);
    /* Types that are not compiled in; NULL for one that is not known. NULL: none is. */
    const tusk_typedesc *(*find_type)(void *ud, uint32_t oid);
    void *ud;
} tusk_text_style;

/* Appends the value as the output function of its type would write it, with DateStyle ISO,
 * IntervalStyle postgres, bytea_output hex and extra_float_digits 1 whatever the session's own
 * settings are; a value in text format is copied. style NULL: all zero.
 * Three types have a text that depends on more: the reg* family appears as its number (or "-"), money
 * as in the C locale, and an unknown type in binary is TUSK_ETYPE, as is a type that only the server
 * can print (pg_ndistinct and the like). TUSK_ENULL appends nothing.
 * On a value error nothing is appended; lack of memory or room also fails the buffer. */
TUSK_API int tusk_value_text(tusk_value, const tusk_text_style *style, tusk_buf *out);

/* The other way: appends the binary form of `text`, which is read as the type's input function would
 * (tusk/types.h says which types and notations are not). TUSK_ETYPE: this type is not parsed;
 * TUSK_EDATA: malformed; TUSK_ERANGE: out of the type's range. On error nothing is appended. */
TUSK_API int tusk_value_parse(uint32_t oid, tusk_slice text, const tusk_text_style *style,
                              tusk_buf *out);

/* pg_type.typname of a compiled-in type ("int4", "_int4" for its array), or NULL. */
TUSK_API const char *tusk_type_name(uint32_t oid);
/* The other way; 0 if no such type is compiled in. */
TUSK_API uint32_t tusk_type_oid(const char *name);
/* The array type of a compiled-in type that is not an array itself; 0 if there is none. */
TUSK_API uint32_t tusk_type_array_of(uint32_t oid);

/* tusk_to_x_any of a row's column: the way of what is not the plain type. */
TUSK_API int tusk_get_int4_any(const tusk_row *, int i, int32_t *);
TUSK_API int tusk_get_int8_any(const tusk_row *, int i, int64_t *);
TUSK_API int tusk_get_oid_any(const tusk_row *, int i, uint32_t *);
TUSK_API int tusk_get_float8_any(const tusk_row *, int i, double *);

/* Column i is binary and of that size; if it is of that type too, there is no value to make first. */
static inline bool tusk__is_plain_cell(const tusk_row *row, int i, int32_t len)
{
    return (unsigned)i < (unsigned)row->width && row->cells[i].len == len &&
           row->columns[i].format == TUSK_FORMAT_BINARY;
}
static inline const uint8_t *tusk__cell_at(const tusk_row *row, int i)
{
    return row->bytes + row->cells[i].at;
}
static inline int tusk_get_int4(const tusk_row *row, int i, int32_t *out)
{
    if (tusk__likely(tusk__is_plain_cell(row, i, 4) && row->columns[i].oid == 23)) {
        *out = (int32_t)tusk__load32(tusk__cell_at(row, i));
        return TUSK_OK;
    }
    return tusk_get_int4_any(row, i, out);
}
/* int8, timestamp and timestamptz. */
static inline int tusk_get_int8(const tusk_row *row, int i, int64_t *out)
{
    if (tusk__likely(tusk__is_plain_cell(row, i, 8))) {
        uint32_t oid = row->columns[i].oid;
        if (tusk__likely(oid == 20 || oid == 1184 || oid == 1114)) {
            *out = (int64_t)tusk__load64(tusk__cell_at(row, i));
            return TUSK_OK;
        }
    }
    return tusk_get_int8_any(row, i, out);
}
static inline int tusk_get_oid(const tusk_row *row, int i, uint32_t *out)
{
    if (tusk__likely(tusk__is_plain_cell(row, i, 4) && row->columns[i].oid == 26)) {
        *out = tusk__load32(tusk__cell_at(row, i));
        return TUSK_OK;
    }
    return tusk_get_oid_any(row, i, out);
}
static inline int tusk_get_float8(const tusk_row *row, int i, double *out)
{
    if (tusk__likely(tusk__is_plain_cell(row, i, 8) && row->columns[i].oid == 701)) {
        uint64_t bits = tusk__load64(tusk__cell_at(row, i));
        memcpy(out, &bits, sizeof bits);
        return TUSK_OK;
    }
    return tusk_get_float8_any(row, i, out);
}
static inline int tusk_get_bool(const tusk_row *row, int i, bool *out)
{
    if (tusk__likely(tusk__is_plain_cell(row, i, 1) && row->columns[i].oid == 16 &&
                     *tusk__cell_at(row, i) <= 1)) {
        *out = *tusk__cell_at(row, i) != 0;
        return TUSK_OK;
    }
    return tusk_to_bool(tusk_col(row, i), out);
}
static inline int tusk_get_text(const tusk_row *row, int i, tusk_slice *out)
{
    if ((unsigned)i >= (unsigned)row->width || row->cells[i].len < 0 ||
        !tusk__is_text(row->columns[i].oid))
        return tusk_to_text_any(tusk_col(row, i), out);
    out->ptr = (const char *)tusk__cell_at(row, i);
    out->len = (size_t)row->cells[i].len;
    return TUSK_OK;
}

#ifdef __cplusplus
}
#endif

/* tusk_to(value, &c_variable) picks the getter by the variable's type;
 * tusk_get(row, i, &c_variable) is the same for column i of a row. */
#ifndef __cplusplus
#define tusk_to(val, out)                                                                          \
    _Generic((out),                                                                                \
        bool *: tusk_to_bool,                                                                      \
        int32_t *: tusk_to_int4,                                                                   \
        int64_t *: tusk_to_int8,                                                                   \
        uint32_t *: tusk_to_oid,                                                                   \
        double *: tusk_to_float8,                                                                  \
        tusk_slice *: tusk_to_text)(val, out)
#define tusk_get(row, i, out)                                                                      \
    _Generic((out),                                                                                \
        bool *: tusk_get_bool,                                                                     \
        int32_t *: tusk_get_int4,                                                                  \
        int64_t *: tusk_get_int8,                                                                  \
        uint32_t *: tusk_get_oid,                                                                  \
        double *: tusk_get_float8,                                                                 \
        tusk_slice *: tusk_get_text)(row, i, out)
#else
static inline int tusk_to(tusk_value v, bool *out) { return tusk_to_bool(v, out); }
static inline int tusk_to(tusk_value v, int32_t *out) { return tusk_to_int4(v, out); }
static inline int tusk_to(tusk_value v, int64_t *out) { return tusk_to_int8(v, out); }
static inline int tusk_to(tusk_value v, uint32_t *out) { return tusk_to_oid(v, out); }
static inline int tusk_to(tusk_value v, double *out) { return tusk_to_float8(v, out); }
static inline int tusk_to(tusk_value v, tusk_slice *out) { return tusk_to_text(v, out); }
static inline int tusk_get(const tusk_row *r, int i, bool *out) { return tusk_get_bool(r, i, out); }
static inline int tusk_get(const tusk_row *r, int i, int32_t *out) { return tusk_get_int4(r, i, out); }
static inline int tusk_get(const tusk_row *r, int i, int64_t *out) { return tusk_get_int8(r, i, out); }
static inline int tusk_get(const tusk_row *r, int i, uint32_t *out) { return tusk_get_oid(r, i, out); }
static inline int tusk_get(const tusk_row *r, int i, double *out) { return tusk_get_float8(r, i, out); }
static inline int tusk_get(const tusk_row *r, int i, tusk_slice *out) { return tusk_get_text(r, i, out); }
#endif

#endif
