/* proto/types.h: the inside of the value layer. One list (types_list.h) names every built-in type and
 * its codec; one codec is a family's way between binary, text and C. A type is added by a line in the
 * list and, if its binary form is new, a codec in its family's file. */
#ifndef TUSK_PROTO_TYPES_H
#define TUSK_PROTO_TYPES_H

#include "proto/bytes.h"
#include <tusk/types.h>

/* How deep containers may lie within each other, in binary and in text. */
enum { TUSK__MAX_DEPTH = 32 };

/* What the binary form is made of, as far as the getters of tusk/value.h care. */
enum tusk__rep {
    TUSK__REP_NONE, /* there is no binary form, or no getter for it but its own */
    TUSK__REP_BOOL,
    TUSK__REP_I16,
    TUSK__REP_I32,
    TUSK__REP_U32,
    TUSK__REP_I64,
    TUSK__REP_U64,
    TUSK__REP_F32,
    TUSK__REP_F64,
    TUSK__REP_TEXT,      /* binary and text are the same bytes */
    TUSK__REP_VERSIONED, /* a version byte 1, then text */
    TUSK__REP_UUID,
    TUSK__REP_ARRAY,
    TUSK__REP_RANGE,
    TUSK__REP_MULTIRANGE,
    TUSK__REP_RECORD
};

typedef struct tusk__type tusk__type;

/* One conversion under way. */
typedef struct tusk__conv {
    tusk_buf *out;                /* what is converted is appended here */
    const tusk_text_style *style; /* may be NULL */
    int depth;                    /* of the container we are in */
} tusk__conv;

typedef struct tusk__codec {
    uint8_t rep; /* enum tusk__rep */
    char delim;  /* between elements of its arrays; 0 is a comma */
    /* Binary to the server's text. Need not check that `in` was used up, nor read within bounds: the
     * caller asks tusk__reader_end. NULL: the text is not a function of the bytes. */
    int (*render)(tusk__conv *, const tusk__type *, tusk__reader *in);
    /* Text to binary; NULL: not supported. */
    int (*parse)(tusk__conv *, const tusk__type *, tusk_slice text);
    /* Whether the server would take an argument that is already binary; NULL: it is not checked. */
    int (*check)(const uint8_t *bytes, size_t len);
    bool uncertain; /* render may differ from the server's own text, or the server may refuse to send
                       binary at all: a program that wants text asks for text */
} tusk__codec;

struct tusk__type {
    uint32_t oid;
    uint32_t of; /* array: its element's oid; range: its bounds'; multirange: its range's */
    const char *name;
    const tusk__codec *codec;
};

/* The compiled-in type, or NULL. */
const tusk__type *tusk__type_find(uint32_t oid);
/* The same, with the style's own knowledge behind it; false: unknown. */
bool tusk__type_resolve(const tusk_text_style *, uint32_t oid, tusk__type *out);
/* The codec of an extension's type by its name, or NULL. */
const tusk__codec *tusk__codec_named(tusk_slice name);
/* Whether every value of this compiled-in type can be asked for in binary and rendered as the server
 * would. */
bool tusk__type_renders(uint32_t oid);

/* One value in binary to text, for the containers: reads len bytes of `in`. */
int tusk__render_part(tusk__conv *, uint32_t oid, tusk__reader *in, size_t len);
/* One value in text to binary, preceded by its length, as containers hold it. */
int tusk__parse_part(tusk__conv *, uint32_t oid, tusk_slice text);
/* Counts a level of nesting; TUSK_EDATA when there are too many. Every enter has its leave. */
int tusk__conv_enter(tusk__conv *);
void tusk__conv_leave(tusk__conv *);

/* Arguments: only the bytes of the value, not its length. On failure the buffer may hold a part of it:
 * the caller rolls back. */
int tusk__arg_put(tusk_buf *out, const tusk_arg *);
/* enum tusk_format of what tusk__arg_put appends. */
int tusk__arg_format(const tusk_arg *);

/* Replaces a text value of a type of at most `size` binary bytes by its binary form in `room`. Status:
 * also the refusals every getter begins with (TUSK_EINVAL, TUSK_ENULL). */
int tusk__value_binary(tusk_value *, void *room, size_t size);

/* The start of a getter of its own: refuses what is not of that codec, brings text to binary in `room`
 * (NULL: binary only) and opens the bytes. On TUSK_OK the caller reads, then asks tusk__reader_end. */
int tusk__open(tusk_value, const tusk__codec *, void *room, size_t size, tusk__reader *in);
/* The bytes of a value that is not NULL. An empty one may come without a pointer. */
static inline tusk__reader tusk__value_reader(const tusk_value *v)
{
    return tusk__reader_of(v->ptr != NULL ? v->ptr : (const uint8_t *)"", (size_t)v->len);
}

/* Refuses what no getter can read. */
static inline int tusk__readable(tusk_value v)
{
    if (v.format != TUSK_FORMAT_TEXT && v.format != TUSK_FORMAT_BINARY)
        return TUSK_EINVAL;
    return tusk_is_null(v) ? TUSK_ENULL : TUSK_OK;
}

/* The server's MaxArraySize: more elements it refuses. */
enum { TUSK__MAX_ELEMENTS = 134217727 };
/* The header of an array, or of a value of a type that is not compiled in; the elements behind it are
 * not looked at. */
int tusk__array_open(const tusk_value *, tusk_array *);

/* An argument's bytes in binary whatever its kind, behind their length, as containers and COPY hold
 * them; NULL as length -1. Text needs an oid whose text is parsed. */
int tusk__arg_put_binary(tusk_buf *out, const tusk_arg *, const tusk_text_style *);

/* A tusk_type for a struct whose getter is tusk_to_<name> and whose encoder is encode_<name>. */
#define TUSK__STRUCT_TYPE(name, c_type, oid)                                                       \
    static int decode_##name(tusk_value v, void *out)                                              \
    {                                                                                              \
        return tusk_to_##name(v, out);                                                             \
    }                                                                                              \
    const tusk_type tusk_type_##name = {#name, oid, sizeof(c_type), encode_##name, decode_##name}

/* Quotes what was appended behind `mark` if that is necessary where it stands: within an array, a
 * record or a range. Each level of nesting doubles the quotes within, so that a few hundred bytes
 * could ask for gigabytes: TUSK_ETOOBIG when there are out of proportion many for the part's size in
 * binary. */
enum tusk__quoting { TUSK__QUOTE_ARRAY, TUSK__QUOTE_RECORD, TUSK__QUOTE_RANGE };
int tusk__quote_tail(tusk_buf *, size_t mark, enum tusk__quoting, char delim, size_t binary_size);

/* One item of a container's text. */
typedef struct tusk__item {
    tusk_slice text; /* without its quotes; still holds its escapes if `escaped` */
    bool quoted, escaped;
} tusk__item;
/* Takes the item in front of *s, up to one of the characters of `ends`, which stays. Only in arrays is
 * white space around it dropped, and are quotes all or nothing. */
int tusk__item_take(tusk_slice *s, enum tusk__quoting, const char *ends, tusk__item *);
/* Parses an item into a part (see tusk__parse_part). */
int tusk__item_part(tusk__conv *, uint32_t oid, const tusk__item *);

/* n * size bytes in place for a count from the wire; NULL and a bad reader if they are not there. */
static inline const uint8_t *tusk__read_items(tusk__reader *in, int64_t n, size_t size)
{
    if (n < 0 || (uint64_t)n > tusk__reader_left(in) / size)
        in->bad = true;
    return in->bad ? NULL : tusk__read_bytes(in, (size_t)n * size);
}
static inline double tusk__read_f64(tusk__reader *in)
{
    uint64_t bits = tusk__read_u64(in);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}
static inline void tusk__put_f64(tusk_buf *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    tusk_put_u64(out, bits);
}
static inline void tusk__put_f32(tusk_buf *out, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    tusk_put_u32(out, bits);
}

/* 'it''s': what tsvector and tsquery have in common. */
void tusk__put_lexeme(tusk_buf *, const char *lexeme, size_t len);

/* Refuses a NUL, which no text type of the server can hold. */
int tusk__check_text(const uint8_t *, size_t);

#define TUSK__TYPE(oid, array, name, codec, of) extern const tusk__codec tusk__codec_##codec;
#include "proto/types_list.h"
#undef TUSK__TYPE
extern const tusk__codec tusk__codec_array;
extern const tusk__codec tusk__codec_range;
extern const tusk__codec tusk__codec_multirange;
extern const tusk__codec tusk__codec_record;
extern const tusk__codec tusk__codec_hstore;
extern const tusk__codec tusk__codec_pgvector;
extern const tusk__codec tusk__codec_halfvec;
extern const tusk__codec tusk__codec_sparsevec;
extern const tusk__codec tusk__codec_cube;

#endif
