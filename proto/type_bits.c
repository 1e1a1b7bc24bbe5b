/* proto/type_bits.c: bit and varbit: a count of bits, then the bytes that hold them. */
#include "proto/buf.h"
#include "proto/decimal.h"
#include "proto/types.h"

static size_t bytes_for(int32_t count)
{
    return ((size_t)count + 7) / 8;
}

/* Bits behind the last are 0. */
static bool padding_is_zero(const tusk_bits *bits)
{
    int spare = (8 - bits->count % 8) % 8;
    return spare == 0 || (bits->bytes[bits->count / 8] & ((1 << spare) - 1)) == 0;
}

static int read_bits(tusk__reader *in, tusk_bits *bits)
{
    bits->count = tusk__read_i32(in);
    if (in->bad || bits->count < 0)
        return TUSK_EDATA;
    bits->bytes = tusk__read_bytes(in, bytes_for(bits->count));
    return !in->bad && padding_is_zero(bits) ? TUSK_OK : TUSK_EDATA;
}

static int render_bits(tusk__conv *c, const tusk__type *type, tusk__reader *in)
{
    tusk_bits bits;
    (void)type;
    int status = read_bits(in, &bits);
    if (status != TUSK_OK || bits.count == 0)
        return status;
    uint8_t *to = tusk__buf_extend(c->out, (size_t)bits.count);
    for (int32_t i = 0; to != NULL && i < bits.count; i++)
        to[i] = (uint8_t)('0' + tusk_bits_at(&bits, i));
    return TUSK_OK;
}

static int hex_value(char c)
{
    char lower = (char)(c | 0x20);
    if (tusk__is_digit(c))
        return c - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* 0101, b0101, or xF5: four bits a digit. */
static int parse_bits(tusk__conv *c, const tusk__type *type, tusk_slice s)
{
    (void)type;
    bool hex = s.len != 0 && (*s.ptr == 'x' || *s.ptr == 'X');
    if (hex || (s.len != 0 && (*s.ptr == 'b' || *s.ptr == 'B')))
        tusk__take_char(&s, *s.ptr);
    size_t width = hex ? 4 : 1;
    if (s.len > (size_t)INT32_MAX / width - 8)
        return TUSK_ERANGE;
    tusk_put_u32(c->out, (uint32_t)(s.len * width));
    unsigned byte = 0;
    for (size_t i = 0; i < s.len; i++) {
        int v = hex_value(s.ptr[i]);
        if (v < 0 || (!hex && v > 1))
            return TUSK_EDATA;
        byte = byte << width | (unsigned)v;
        if ((i + 1) * width % 8 == 0)
            tusk_put_u8(c->out, (uint8_t)byte);
    }
    unsigned rest = (unsigned)(s.len * width % 8);
    if (rest != 0)
        tusk_put_u8(c->out, (uint8_t)(byte << (8 - rest)));
    return TUSK_OK;
}

int tusk_to_varbit(tusk_value v, tusk_bits *out)
{
    tusk__reader in;
    tusk_bits bits;
    int status = tusk__open(v, &tusk__codec_bits, NULL, 0, &in);
    if (status == TUSK_OK)
        status = read_bits(&in, &bits);
    if (status != TUSK_OK)
        return status;
    if (!tusk__reader_end(&in))
        return TUSK_EDATA;
    *out = bits;
    return TUSK_OK;
}

static int encode_varbit(tusk_buf *out, const void *p)
{
    const tusk_bits *bits = p;
    if (bits->count < 0)
        return TUSK_ERANGE;
    if (!padding_is_zero(bits))
        return TUSK_EDATA;
    tusk_put_u32(out, (uint32_t)bits->count);
    tusk_put_bytes(out, bits->bytes, bytes_for(bits->count));
    return out->status;
}

TUSK__STRUCT_TYPE(varbit, tusk_bits, 1562);
const tusk_type tusk_type_bit = {"bit", 1560, sizeof(tusk_bits), encode_varbit, decode_varbit};

const tusk__codec tusk__codec_bits = {TUSK__REP_NONE, 0, render_bits, parse_bits, NULL, false};
