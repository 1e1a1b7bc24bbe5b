/* proto/type_range.c: ranges and multiranges. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/numeric.h"
#include "proto/range.h"

#include <string.h>

bool tusk__range_flags_valid(uint8_t flags)
{
    if (flags & TUSK__RANGE_EMPTY)
        return flags == TUSK__RANGE_EMPTY;
    bool lower = (flags & (TUSK__RANGE_LOWER_INC | TUSK__RANGE_LOWER_INF)) ==
                 (TUSK__RANGE_LOWER_INC | TUSK__RANGE_LOWER_INF);
    bool upper = (flags & (TUSK__RANGE_UPPER_INC | TUSK__RANGE_UPPER_INF)) ==
                 (TUSK__RANGE_UPPER_INC | TUSK__RANGE_UPPER_INF);
    return flags < 32 && !lower && !upper;
}

static int render_bound(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    int32_t len = tusk__read_i32(in);
    if (in->bad || len < 0)
        return TUSK_EDATA;
    size_t mark = tusk__buf_mark(c->out);
    int status = tusk__render_part(c, type->of, in, (size_t)len);
    if (status == TUSK_OK)
        status = tusk__quote_tail(c->out, mark, TUSK__QUOTE_RANGE, ',', (size_t)len);
    return status;
}

static int render_range(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    uint8_t flags = tusk__read_u8(in);
    if (in->bad || !tusk__range_flags_valid(flags))
        return TUSK_EDATA;
    if (flags & TUSK__RANGE_EMPTY) {
        tusk_put_str(c->out, "empty");
        return TUSK_OK;
    }
    int status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    tusk_put_u8(c->out, flags & TUSK__RANGE_LOWER_INC ? '[' : '(');
    if (!(flags & TUSK__RANGE_LOWER_INF))
        status = render_bound(c, type, in);
    tusk_put_u8(c->out, ',');
    if (status == TUSK_OK && !(flags & TUSK__RANGE_UPPER_INF))
        status = render_bound(c, type, in);
    tusk_put_u8(c->out, flags & TUSK__RANGE_UPPER_INC ? ']' : ')');
    tusk__conv_leave(c);
    return status;
}

/* ── the order of bounds ── */

static int compare_signed(const uint8_t *a, const uint8_t *b, size_t len)
{
    /* Two's complement, big-endian: the order of the bytes but for the first bit. */
    int first = (a[0] ^ 0x80) - (b[0] ^ 0x80);
    return first != 0 ? first : memcmp(a, b, len);
}

static bool numerics_crossed(tusk__reader lower, tusk__reader upper)
{
    tusk_numeric a, b;
    return tusk__read_numeric(&lower, &a) == TUSK_OK && tusk__read_numeric(&upper, &b) == TUSK_OK &&
           tusk__numeric_compare(&a, &b) > 0;
}

int tusk__range_check(uint32_t bound_oid, const tusk_buf *out, size_t lower, size_t upper)
{
    const tusk__type *type = tusk__type_find(bound_oid);
    size_t low_len = upper - lower, high_len = out->len - upper;
    if (out->status != TUSK_OK || type == NULL || low_len <= 4 || high_len <= 4)
        return out->status;
    const uint8_t *low = out->data + lower + 4, *high = out->data + upper + 4;
    bool crossed = false;
    if (type->codec->rep == TUSK__REP_I32 || type->codec->rep == TUSK__REP_I64)
        crossed = low_len == high_len && compare_signed(low, high, low_len - 4) > 0;
    else if (type->codec == &tusk__codec_numeric)
        crossed = numerics_crossed(tusk__reader_of(low, low_len - 4),
                                   tusk__reader_of(high, high_len - 4));
    return crossed ? TUSK_ERANGE : TUSK_OK;
}

/* Takes a range in front of *text. */
static int take_range(tusk__conv *c, const tusk__type *type, tusk_slice *text)
{
    tusk__item lower, upper;
    uint8_t flags = 0;
    if (tusk__take_char(text, '['))
        flags |= TUSK__RANGE_LOWER_INC;
    else if (!tusk__take_char(text, '('))
        return TUSK_EDATA;
    if (tusk__item_take(text, TUSK__QUOTE_RANGE, ",", &lower) != TUSK_OK)
        return TUSK_EDATA;
    tusk__take_char(text, ',');
    if (tusk__item_take(text, TUSK__QUOTE_RANGE, ",])", &upper) != TUSK_OK)
        return TUSK_EDATA;
    if (tusk__take_char(text, ']'))
        flags |= TUSK__RANGE_UPPER_INC;
    else if (!tusk__take_char(text, ')'))
        return TUSK_EDATA;
    bool lower_inf = lower.text.len == 0 && !lower.quoted;
    bool upper_inf = upper.text.len == 0 && !upper.quoted;
    if (lower_inf)
        flags = (uint8_t)((flags & ~TUSK__RANGE_LOWER_INC) | TUSK__RANGE_LOWER_INF);
    if (upper_inf)
        flags = (uint8_t)((flags & ~TUSK__RANGE_UPPER_INC) | TUSK__RANGE_UPPER_INF);
    tusk_put_u8(c->out, flags);
    size_t lower_at = tusk__buf_mark(c->out);
    int status = lower_inf ? TUSK_OK : tusk__item_part(c, type->of, &lower);
    size_t upper_at = tusk__buf_mark(c->out);
    if (status == TUSK_OK && !upper_inf)
        status = tusk__item_part(c, type->of, &upper);
    return status == TUSK_OK ? tusk__range_check(type->of, c->out, lower_at, upper_at) : status;
}

static bool take_empty(tusk_slice *text)
{
    tusk_slice word = {text->ptr, text->len < 5 ? text->len : 5};
    if (!tusk__is_word(word, "empty"))
        return false;
    text->ptr += 5;
    text->len -= 5;
    return true;
}

static int take_range_or_empty(tusk__conv *c, const tusk__type *type, tusk_slice *text)
{
    int status = TUSK_OK;
    tusk__skip_spaces(text);
    if (take_empty(text))
        tusk_put_u8(c->out, TUSK__RANGE_EMPTY);
    else
        status = take_range(c, type, text);
    tusk__skip_spaces(text);
    return status;
}

static int parse_range(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    int status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    status = take_range_or_empty(c, type, &text);
    tusk__conv_leave(c);
    return status == TUSK_OK && text.len != 0 ? TUSK_EDATA : status;
}

const tusk__codec tusk__codec_range = {TUSK__REP_RANGE, 0, render_range, parse_range, NULL, false};

/* ── multiranges ── */

static int render_multirange(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    int32_t count = tusk__read_i32(in);
    if (in->bad || count < 0)
        return TUSK_EDATA;
    int status = tusk__conv_enter(c);
    if (status != TUSK_OK)
        return status;
    tusk_put_u8(c->out, '{');
    for (int32_t i = 0; i < count && status == TUSK_OK; i++) {
        if (i > 0)
            tusk_put_u8(c->out, ',');
        int32_t len = tusk__read_i32(in);
        status = in->bad || len < 0 ? TUSK_EDATA : tusk__render_part(c, type->of, in, (size_t)len);
    }
    tusk_put_u8(c->out, '}');
    tusk__conv_leave(c);
    return status;
}

/* Where the next range lies: its type, its length to be patched, and itself. */
static int take_member(tusk__conv *c, const tusk__type *range, tusk_slice *text)
{
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    int status = take_range_or_empty(c, range, text);
    tusk__put_at_u32(c->out, mark, (uint32_t)(c->out->len - mark - 4));
    return status;
}

static int parse_multirange(tusk__conv *c, const tusk__type *type, tusk_slice text)
{
    tusk__type range;
    uint32_t count = 0;
    text = tusk__trim(text);
    if (!tusk__type_resolve(c->style, type->of, &range) || range.codec->rep != TUSK__REP_RANGE)
        return TUSK_ETYPE;
    size_t mark = tusk__buf_mark(c->out);
    tusk_put_u32(c->out, 0);
    int status = tusk__take_char(&text, '{') ? tusk__conv_enter(c) : TUSK_EDATA;
    if (status != TUSK_OK)
        return status;
    tusk__skip_spaces(&text);
    if (text.len == 0 || *text.ptr != '}') {
        do {
            status = take_member(c, &range, &text);
            count++;
        } while (status == TUSK_OK && tusk__take_char(&text, ','));
    }
    tusk__conv_leave(c);
    tusk__put_at_u32(c->out, mark, count);
    if (status == TUSK_OK && (!tusk__take_char(&text, '}') || text.len != 0))
        status = TUSK_EDATA;
    return status;
}

const tusk__codec tusk__codec_multirange = {TUSK__REP_MULTIRANGE, 0,    render_multirange,
                                            parse_multirange,     NULL, false};
