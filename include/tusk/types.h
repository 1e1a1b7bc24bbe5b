/* tusk/types.h: the types that C has none for: small structs, views and iterators, getters for them,
 * and arguments made of them. As in tusk/value.h nothing here allocates, views live as long as the
 * bytes they look at, and a getter converts exactly or returns a value error.
 *
 * Structs of fixed size are read from binary and from text format alike. Views and iterators
 * (marked "binary only") need the binary format: TUSK_ETYPE for text, which tusk_value_parse turns
 * into binary. The oid of a value inside an array, a record or a range is the one that the server
 * wrote there; for a domain that is the domain's own: set it to the base type's to read it.
 *
 * Each struct has a tusk_type, for tusk_typed and tusk_to_type, and a constructor tusk_of_x(&x) of an
 * argument; *x must live until the call that takes the argument returns.
 *
 * tusk_value_parse does not read: tsquery, record and composites, cube, halfvec and sparsevec, names
 * for the reg* family (only numbers), a tsvector other than the server writes it (lexemes in its
 * order, none twice), types that have no binary form (aclitem, gtsvector); dates other than
 * ISO (2001-02-03 04:05:06.7+08 BC, infinity; a timestamptz or timetz must bring its offset as a
 * number); intervals other than "1 year 2 mons -3 days 04:05:06" and its unit words; numbers in other
 * bases or with underscores; money with other marks than $ , and . */
#ifndef TUSK_TYPES_H
#define TUSK_TYPES_H

#include <time.h>
#include <tusk/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ── structs of fixed size ─────────────────────────────────────────────────────────────────── */

/* Kept apart as the server does. All three at their maximum (minimum) is infinity (-infinity), which
 * servers before 17 do not know. */
typedef struct tusk_interval {
    int64_t us;
    int32_t days;
    int32_t months;
} tusk_interval;

typedef struct tusk_timetz {
    int64_t us;   /* since midnight, up to 24:00 */
    int32_t east; /* seconds east of UTC: 7200 is +02, less than 16 hours either way */
} tusk_timetz;

/* inet and cidr. */
typedef struct tusk_inet {
    uint8_t family; /* 4 or 6 */
    uint8_t bits;   /* of the netmask */
    bool is_cidr;   /* ignored when sent */
    uint8_t addr[16]; /* network order; the first 4 bytes for family 4 */
} tusk_inet;

typedef struct tusk_macaddr {
    uint8_t bytes[6];
} tusk_macaddr;

typedef struct tusk_macaddr8 {
    uint8_t bytes[8];
} tusk_macaddr8;

typedef struct tusk_point {
    double x, y;
} tusk_point;

typedef struct tusk_lseg {
    tusk_point p[2];
} tusk_lseg;

/* The server puts the corners in this order. */
typedef struct tusk_box {
    tusk_point high, low;
} tusk_box;

/* ax + by + c = 0; a and b are not both 0. */
typedef struct tusk_line {
    double a, b, c;
} tusk_line;

typedef struct tusk_circle {
    tusk_point center;
    double radius; /* not negative */
} tusk_circle;

typedef struct tusk_tid {
    uint32_t block;
    uint16_t offset;
} tusk_tid;

/* value * 10^-scale, sent as numeric; received, the numeric must be exactly that with this scale,
 * see tusk_to_decimal. scale from -1000 to 1000. */
typedef struct tusk_decimal {
    int64_t value;
    int32_t scale;
} tusk_decimal;

/* One line each: name, struct, oid. The list makes the getters, the types and the constructors. */
#define TUSK_STRUCT_MAP(X)                                                                         \
    X(interval, tusk_interval, 1186)                                                               \
    X(timetz, tusk_timetz, 1266)                                                                   \
    X(inet, tusk_inet, 869)                                                                        \
    X(macaddr, tusk_macaddr, 829)                                                                  \
    X(macaddr8, tusk_macaddr8, 774)                                                                \
    X(point, tusk_point, 600)                                                                      \
    X(lseg, tusk_lseg, 601)                                                                        \
    X(box, tusk_box, 603)                                                                          \
    X(line, tusk_line, 628)                                                                        \
    X(circle, tusk_circle, 718)                                                                    \
    X(tid, tusk_tid, 27)                                                                           \
    X(numeric, tusk_numeric, 1700)                                                                 \
    X(varbit, tusk_bits, 1562)                                                                     \
    X(path, tusk_path, 602)                                                                        \
    X(polygon, tusk_polygon, 604)

/* ── views ─ binary only ───────────────────────────────────────────────────────────────────── */

enum tusk_numeric_sign {
    TUSK_NUMERIC_POSITIVE = 0,
    TUSK_NUMERIC_NEGATIVE = 0x4000,
    TUSK_NUMERIC_NAN = 0xC000,
    TUSK_NUMERIC_INFINITY = 0xD000,
    TUSK_NUMERIC_MINUS_INFINITY = 0xF000
};

/* A numeric's own digits, in base 10000: digit i counts 10000^(weight - i). */
typedef struct tusk_numeric {
    uint16_t sign;   /* enum tusk_numeric_sign; beyond NEGATIVE there are no digits */
    uint16_t dscale; /* decimal digits behind the point, also zeros */
    int16_t weight;
    uint16_t ndigits;
    const uint8_t *digits; /* big-endian, two bytes each; see tusk_numeric_digit */
} tusk_numeric;

static inline int tusk_numeric_digit(const tusk_numeric *n, int i)
{
    return i < 0 || i >= n->ndigits ? 0 : n->digits[2 * i] << 8 | n->digits[2 * i + 1];
}

/* bit and varbit: the first bit is the highest of the first byte, bits behind the last are 0. */
typedef struct tusk_bits {
    int32_t count;
    const uint8_t *bytes;
} tusk_bits;

static inline int tusk_bits_at(const tusk_bits *bits, int32_t i)
{
    return bits->bytes[i / 8] >> (7 - i % 8) & 1;
}

/* Points are read with tusk_points_at. */
typedef struct tusk_path {
    bool closed;
    int32_t count;
    const uint8_t *points; /* big-endian pairs of doubles */
} tusk_path;

typedef struct tusk_polygon {
    int32_t count;
    const uint8_t *points;
} tusk_polygon;

/* Point i of a path or polygon; i must be below its count. */
TUSK_API tusk_point tusk_points_at(const uint8_t *points, int32_t i);

#define X(name, type, oid)                                                                         \
    TUSK_API extern const tusk_type tusk_type_##name;                                              \
    TUSK_API int tusk_to_##name(tusk_value, type *);                                               \
    static inline tusk_arg tusk_of_##name(const type *p)                                           \
    {                                                                                              \
        return tusk_typed(&tusk_type_##name, p);                                                   \
    }
TUSK_STRUCT_MAP(X)
#undef X

/* tusk_to_inet reads cidr as well; these say which of the two, and of bit and varbit, is sent. */
TUSK_API extern const tusk_type tusk_type_cidr; /* of a tusk_inet; bits right of the mask are 0 */
TUSK_API extern const tusk_type tusk_type_bit;  /* of a tusk_bits */

/* ── numeric, as what C has ────────────────────────────────────────────────────────────────── */

/* A numeric as value * 10^-scale, with the scale that is asked for in out->scale. TUSK_ERANGE: it has
 * more decimals than that, does not fit, or is not finite. Text format as well. */
TUSK_API int tusk_to_decimal(tusk_value, tusk_decimal *out);
TUSK_API extern const tusk_type tusk_type_decimal;
static inline tusk_arg tusk_of_decimal(const tusk_decimal *d)
{
    return tusk_typed(&tusk_type_decimal, d);
}
/* The nearest double. TUSK_ERANGE: too large, or too small to be other than 0. Text format as well. */
TUSK_API int tusk_numeric_to_float8(tusk_value, double *);
/* Text of a numeric, sent in binary: TUSK_EDATA and TUSK_ERANGE are found before it is. */
TUSK_API extern const tusk_type tusk_type_numeric_text; /* of a tusk_slice */
static inline tusk_arg tusk_of_numeric_text(const tusk_slice *text)
{
    return tusk_typed(&tusk_type_numeric_text, text);
}

/* ── dates and times ─ microseconds and days are since 2000-01-01, as in tusk/value.h ───────── */

/* Of date, timestamp and timestamptz these are the infinities; C's types have none: TUSK_ERANGE. */
#define TUSK_TIME_INFINITY       INT64_MAX
#define TUSK_TIME_MINUS_INFINITY INT64_MIN
#define TUSK_DATE_INFINITY       INT32_MAX
#define TUSK_DATE_MINUS_INFINITY INT32_MIN

/* A timestamptz, or a timestamp that is meant to be UTC. */
TUSK_API int tusk_timestamp_to_timespec(int64_t us, struct timespec *);
/* Nanoseconds are rounded down to microseconds. TUSK_ERANGE: not a time the server can hold. */
TUSK_API int tusk_timestamp_from_timespec(const struct timespec *, int64_t *us);
/* Proleptic Gregorian, no zone: for timestamptz the fields are UTC. *fraction: microseconds of the
 * second; it may be NULL. tm_isdst is 0. */
TUSK_API int tusk_timestamp_to_tm(int64_t us, struct tm *, int32_t *fraction);
/* The fields must be in their ranges (seconds up to 60); tm_wday, tm_yday and tm_isdst are not read. */
TUSK_API int tusk_timestamp_from_tm(const struct tm *, int32_t fraction, int64_t *us);
TUSK_API int tusk_date_to_tm(int32_t days, struct tm *);
TUSK_API int tusk_date_from_tm(const struct tm *, int32_t *days);

/* ── arrays ─ binary only ──────────────────────────────────────────────────────────────────── */

enum { TUSK_MAX_DIMS = 6 };

/* An array, checked as a whole by tusk_to_array. Elements come in row-major order. */
typedef struct tusk_array {
    uint32_t elem_oid;
    int32_t ndim; /* 0: empty */
    int32_t dims[TUSK_MAX_DIMS];
    int32_t lower[TUSK_MAX_DIMS];
    int32_t count;           /* of all elements */
    bool nulls;              /* there may be NULLs */
    const uint8_t *at, *end; /* the library's own: what was not handed out yet */
} tusk_array;

/* Also int2vector and oidvector, and array types that are not compiled in. */
TUSK_API int tusk_to_array(tusk_value, tusk_array *);
/* The next element; false after the last. */
TUSK_API bool tusk_array_next(tusk_array *, tusk_value *elem);

/* All elements of an array, of any number of dimensions, into out[0 .. *n - 1]. TUSK_ERANGE: there
 * are more than `room` (*n says how many); TUSK_ENULL: the array or one of its elements is NULL;
 * TUSK_ETYPE: the elements are others than int4, date; int8, time, timestamp, timestamptz, money;
 * float8. Except for *n on TUSK_ERANGE, out is not to be read after an error. */
TUSK_API int tusk_array_int4s(tusk_value, int32_t *out, size_t room, size_t *n);
TUSK_API int tusk_array_int8s(tusk_value, int64_t *out, size_t room, size_t *n);
TUSK_API int tusk_array_float8s(tusk_value, double *out, size_t room, size_t *n);

/* ── records ─ binary only ─────────────────────────────────────────────────────────────────── */

/* A record or a composite, checked as a whole by tusk_to_record. */
typedef struct tusk_record {
    int32_t width;
    const uint8_t *at, *end; /* the library's own */
} tusk_record;

/* Any type that is not compiled in is taken for a composite. */
TUSK_API int tusk_to_record(tusk_value, tusk_record *);
TUSK_API bool tusk_record_next(tusk_record *, tusk_value *field);

/* ── ranges ─ binary only ──────────────────────────────────────────────────────────────────── */

/* A bound that is infinite, and both of an empty range, are NULL values. */
typedef struct tusk_range {
    bool empty;
    bool lower_inclusive, upper_inclusive;
    bool lower_infinite, upper_infinite;
    tusk_value lower, upper;
} tusk_range;

/* For a range type that is not compiled in, the bounds have oid 0: set it before reading them. */
TUSK_API int tusk_to_range(tusk_value, tusk_range *);

typedef struct tusk_multirange {
    int32_t count;
    uint32_t range_oid;      /* 0 for a type that is not compiled in */
    const uint8_t *at, *end; /* the library's own */
} tusk_multirange;

TUSK_API int tusk_to_multirange(tusk_value, tusk_multirange *);
/* The next range, for tusk_to_range; false after the last. */
TUSK_API bool tusk_multirange_next(tusk_multirange *, tusk_value *range);

/* ── hstore ─ binary only ──────────────────────────────────────────────────────────────────── */

/* Of an hstore, whose oid differs from database to database: any type that is not compiled in. */
typedef struct tusk_hstore {
    int32_t count;
    const uint8_t *at, *end; /* the library's own */
} tusk_hstore;

TUSK_API int tusk_to_hstore(tusk_value, tusk_hstore *);
/* The next pair; the value is of type text, or NULL. */
TUSK_API bool tusk_hstore_next(tusk_hstore *, tusk_slice *key, tusk_value *value);

/* ── vector (pgvector) ─ binary only ───────────────────────────────────────────────────────── */

/* The numbers of a vector, whose oid differs from database to database as well, into
 * out[0 .. *n - 1]. TUSK_ERANGE: there are more than `room` (*n says how many). */
TUSK_API int tusk_to_vector(tusk_value, float *out, size_t room, size_t *n);

/* ── arguments that contain others ─────────────────────────────────────────────────────────── */

/* Elements, fields and bounds are arguments themselves; those in text format are converted to binary
 * first and need their oid. ndim 0 means one dimension, from 1, of `count` elements; count 0 is the
 * empty array. elem_oid and oid name the element and the array type. */
typedef struct tusk_array_arg {
    uint32_t oid, elem_oid;
    const tusk_arg *elems;
    size_t count;
    int ndim;
    int32_t dims[TUSK_MAX_DIMS];
    int32_t lower[TUSK_MAX_DIMS];
} tusk_array_arg;

/* A named composite; the server takes no anonymous record. Each field needs its oid. */
typedef struct tusk_record_arg {
    uint32_t oid;
    const tusk_arg *fields;
    size_t count;
} tusk_record_arg;

/* A bound that is NULL (tusk_null()) is infinite. */
typedef struct tusk_range_arg {
    uint32_t oid;
    bool empty, lower_inclusive, upper_inclusive;
    tusk_arg lower, upper;
} tusk_range_arg;

typedef struct tusk_multirange_arg {
    uint32_t oid;
    const tusk_range_arg *ranges;
    size_t count;
} tusk_multirange_arg;

/* A vector: 1 to 16000 finite numbers. */
typedef struct tusk_vector_arg {
    uint32_t oid;
    const float *ptr;
    size_t count;
} tusk_vector_arg;

/* A plain C array, one dimension, no NULLs. */
typedef struct tusk_items {
    const void *ptr;
    size_t count;
} tusk_items;

#define TUSK_CONTAINER_MAP(X)                                                                      \
    X(array)                                                                                       \
    X(record)                                                                                      \
    X(range)                                                                                       \
    X(multirange)                                                                                  \
    X(vector)

#define X(name)                                                                                    \
    TUSK_API extern const tusk_type tusk_type_##name##_arg; /* encodes only */                     \
    static inline tusk_arg tusk_of_##name(const tusk_##name##_arg *p)                              \
    {                                                                                              \
        tusk_arg a = tusk_typed(&tusk_type_##name##_arg, p);                                       \
        a.oid = p->oid;                                                                            \
        return a;                                                                                  \
    }
TUSK_CONTAINER_MAP(X)
#undef X

/* One line each: element, C type, oid of the array. */
#define TUSK_ITEMS_MAP(X)                                                                          \
    X(bool, bool, 1000)                                                                            \
    X(int2, int16_t, 1005)                                                                         \
    X(int4, int32_t, 1007)                                                                         \
    X(int8, int64_t, 1016)                                                                         \
    X(float4, float, 1021)                                                                         \
    X(float8, double, 1022)                                                                        \
    X(text, tusk_slice, 1009)                                                                      \
    X(bytea, tusk_slice, 1001)                                                                     \
    X(date, int32_t, 1182)                                                                         \
    X(timestamp, int64_t, 1115)                                                                    \
    X(timestamptz, int64_t, 1185)

/* tusk_array_of_int4(&items): items.ptr points to int32_t, and so on. */
#define X(name, type, oid)                                                                         \
    TUSK_API extern const tusk_type tusk_type_##name##_items; /* encodes only */                   \
    static inline tusk_arg tusk_array_of_##name(const tusk_items *p)                               \
    {                                                                                              \
        return tusk_typed(&tusk_type_##name##_items, p);                                           \
    }
TUSK_ITEMS_MAP(X)
#undef X

/* ── checks ────────────────────────────────────────────────────────────────────────────────── */

/* TUSK_OK if the server would take this as text in UTF-8: valid, and no NUL in it; else TUSK_EDATA. */
TUSK_API int tusk_text_check(tusk_slice);

#ifdef __cplusplus
}
#endif
#endif
