/* proto/type_tsvector.c: tsvector: lexemes in order, each with its positions and their weights. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

#include <string.h>

enum { MAX_LEXEME = 2046, MAX_POSITIONS = 255, MAX_POSITION = 16383 };

/* Quotes and backslashes are doubled; tsquery does the same. */
void tusk__put_lexeme(tusk_buf *out, const char *lexeme, size_t len)
{
    tusk_put_u8(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (lexeme[i] == '\'' || lexeme[i] == '\\')
            tusk_put_u8(out, (uint8_t)lexeme[i]);
        tusk_put_u8(out, (uint8_t)lexeme[i]);
    }
    tusk_put_u8(out, '\'');
}

static int render_positions(tusk_buf *out, tusk__reader *in)
{
    uint16_t count = tusk__read_u16(in);
    int last = 0;
    if (count > MAX_POSITIONS)
        return TUSK_EDATA;
    for (uint16_t i = 0; i < count; i++) {
        uint16_t entry = tusk__read_u16(in);
        int position = entry & MAX_POSITION, weight = entry >> 14;
        if (position <= last)
            return TUSK_EDATA;
        last = position;
        tusk_put_u8(out, i == 0 ? ':' : ',');
        tusk__put_uint(out, (uint64_t)position);
        if (weight != 0)
            tusk_put_u8(out, (uint8_t)("DCBA"[weight]));
    }
    return TUSK_OK;
}

static int render_tsvector(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    (void)type;
    int32_t count = tusk__read_i32(in);
    int status = in->bad || count < 0 ? TUSK_EDATA : TUSK_OK;
    for (int32_t i = 0; i < count && status == TUSK_OK; i++) {
        size_t len;
        const char *lexeme = tusk__read_cstr(in, &len);
        if (in->bad || len > MAX_LEXEME)
            return TUSK_EDATA;
        if (i > 0)
            tusk_put_u8(c->out, ' ');
        tusk__put_lexeme(c->out, lexeme, len);
        status = render_positions(c->out, in);
    }
    return status;
}

/* ── text to binary ── */

/* Appends a lexeme, quoted or a plain word. */
static int take_lexeme(tusk_slice *s, tusk_buf *out)
{
    size_t start = out->len;
    bool quoted = tusk__take_char(s, '\'');
    for (;; s->ptr++, s->len--) {
        if (s->len == 0 && quoted)
            return TUSK_EDATA;
        if (s->len == 0)
            break;
        bool twice = s->len > 1 && s->ptr[1] == s->ptr[0];
        if (*s->ptr == '\\' || (quoted && *s->ptr == '\'' && twice)) {
            s->ptr++;
            s->len--;
            if (s->len == 0)
                return TUSK_EDATA;
        } else if (quoted && *s->ptr == '\'') {
            tusk__take_char(s, '\'');
            break;
        } else if (!quoted && (*s->ptr == ':' || *s->ptr == '\'' || tusk__is_space(*s->ptr))) {
            break;
        }
        if (*s->ptr == '\0')
            return TUSK_EDATA;
        tusk_put_u8(out, (uint8_t)*s->ptr);
    }
    size_t len = out->len - start;
    return len == 0 ? TUSK_EDATA : len > MAX_LEXEME ? TUSK_ERANGE : out->status;
}

/* The number and weight of one position; 0 if it is not one. */
static unsigned take_position(tusk_slice *s)
{
    unsigned position = 0;
    size_t digits = 0;
    for (; digits < 5 && s->len > 0 && tusk__is_digit(*s->ptr); digits++)
        position = position * 10 + (unsigned)(*s->ptr++ - '0'), s->len--;
    if (position == 0 || position > MAX_POSITION)
        return 0;
    char letter = s->len > 0 ? (char)(*s->ptr | 0x20) : '\0';
    if (letter >= 'a' && letter <= 'd') {
        position |= (unsigned)('d' - letter) << 14;
        s->ptr++;
        s->len--;
    }
    return position;
}

static int take_positions(tusk_slice *s, tusk_buf *out)
{
    unsigned count = 0, last = 0;
    size_t mark = tusk__buf_mark(out);
    tusk_put_u16(out, 0);
    if (!tusk__take_char(s, ':'))
        return TUSK_OK;
    do {
        unsigned position = take_position(s);
        if ((position & MAX_POSITION) <= last || ++count > MAX_POSITIONS)
            return TUSK_EDATA;
        last = position & MAX_POSITION;
        tusk_put_u16(out, (uint16_t)position);
    } while (tusk__take_char(s, ','));
    if (out->status == TUSK_OK)
        tusk__store16(out->data + mark, (uint16_t)count);
    return TUSK_OK;
}

/* The server's order: bytes, then length. Ascending only: equal lexemes would have to be merged. */
static bool ascending(const tusk_buf *out, size_t before, size_t before_len, size_t at, size_t len)
{
    int order = memcmp(out->data + before, out->data + at, before_len < len ? before_len : len);
    return order < 0 || (order == 0 && before_len < len);
}

static int parse_tsvector(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    tusk_buf *out = c->out;
    uint32_t count = 0;
    size_t before = 0, before_len = 0;
    (void)type;
    size_t mark = tusk__buf_mark(out);
    tusk_put_u32(out, 0);
    for (tusk__skip_spaces(&s); s.len > 0; tusk__skip_spaces(&s), count++) {
        size_t at = tusk__buf_mark(out);
        int status = take_lexeme(&s, out);
        if (status != TUSK_OK)
            return status;
        size_t len = out->len - at;
        if (count > 0 && !ascending(out, before, before_len, at, len))
            return TUSK_EDATA;
        before = at;
        before_len = len;
        tusk_put_u8(out, 0);
        status = take_positions(&s, out);
        if (status != TUSK_OK)
            return status;
        if (s.len > 0 && !tusk__is_space(*s.ptr))
            return TUSK_EDATA;
    }
    tusk__put_at_u32(out, mark, count);
    return TUSK_OK;
}

const tusk__codec tusk__codec_tsvector = {TUSK__REP_NONE, 0,    render_tsvector,
                                          parse_tsvector, NULL, false};
