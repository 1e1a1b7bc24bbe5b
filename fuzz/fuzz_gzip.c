/* fuzz/fuzz_gzip.c: the gzip filter of COPY. The first byte says what the rest is: data, which must
 * come back as it was, or something to decompress, which must go the same way whole and in pieces.
 * Found is a difference, a total that is none, or output out of proportion to what zlib can make.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <tusk/copy.h>

enum { MOST = 1 << 22, LARGEST_RATIO = 1040 };

typedef struct result {
    bytes out;
    int status;
    uint64_t total_in;
} result;

static int take(void *ud, tusk_slice s)
{
    result *r = ud;
    if (s.len == 0)
        fuzz_found("output", "nothing was handed over");
    bytes_add(&r->out, s.ptr, s.len);
    return r->out.len > MOST ? TUSK_ETOOBIG : TUSK_OK;
}

static void pass(tusk_gzip *g, const uint8_t *p, size_t n, size_t piece, result *r)
{
    for (size_t at = 0; at < n && r->status == TUSK_OK; at += piece) {
        size_t now = n - at < piece ? n - at : piece;
        r->status = tusk_gzip_put(g, (tusk_slice){(const char *)p + at, now});
    }
    bool ended = r->status != TUSK_OK;
    if (!ended)
        r->status = tusk_gzip_end(g);
    if (tusk_gzip_put(g, tusk_slice_of("x")) != TUSK_EINVAL)
        fuzz_found("the end", "more was taken");
    r->total_in = tusk_gzip_total_in(g);
    if (r->total_in > n || (!ended && r->total_in != n))
        fuzz_found("total", "of the input");
    if (tusk_gzip_total_out(g) != r->out.len)
        fuzz_found("total", "of the output");
    tusk_gzip_free(g);
}

static void inflate_in(const uint8_t *p, size_t n, size_t piece, result *r)
{
    tusk_gzip *g;
    if (tusk_gzip_inflate(&g, take, r) != TUSK_OK)
        fuzz_found("could not be opened", "inflate");
    pass(g, p, n, piece, r);
}

/* Of what is refused in the end, more or less of it may be shown before zlib notices. */
static void same(const result *whole, const result *parts)
{
    size_t n = whole->out.len < parts->out.len ? whole->out.len : parts->out.len;
    bool sound = whole->status == TUSK_OK;
    if (whole->status != parts->status || (sound && whole->out.len != parts->out.len))
        fuzz_found("pieces", "end otherwise than the whole");
    if (n > 0 && memcmp(whole->out.data, parts->out.data, n) != 0)
        fuzz_found("pieces", "give other bytes than the whole");
}

static void decompress(const uint8_t *p, size_t n, size_t piece)
{
    result whole = {0}, parts = {0};
    inflate_in(p, n, n, &whole);
    inflate_in(p, n, piece, &parts);
    /* Where more comes out than is wanted, the two stop at different places. */
    if (whole.status != TUSK_ETOOBIG)
        same(&whole, &parts);
    if (whole.out.len > (n + 1) * LARGEST_RATIO)
        fuzz_found("memory", "out of proportion to the input");
    bytes_free(&whole.out);
    bytes_free(&parts.out);
}

static void there_and_back(const uint8_t *p, size_t n, size_t piece, int level)
{
    result packed = {0}, back = {0};
    tusk_gzip *g;
    if (tusk_gzip_deflate(&g, level, take, &packed) != TUSK_OK)
        fuzz_found("could not be opened", "deflate");
    pass(g, p, n, piece, &packed);
    if (packed.status != TUSK_OK)
        fuzz_found("deflate", "failed");
    inflate_in(packed.out.data, packed.out.len, piece, &back);
    if (back.status != TUSK_OK || back.out.len != n || (n > 0 && memcmp(back.out.data, p, n) != 0))
        fuzz_found("there and back", "is not the same");
    bytes_free(&packed.out);
    bytes_free(&back.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    unsigned how = data[0];
    size_t piece = 1 + (how >> 1) % 16 + size / 64;
    if (how % 2 == 0)
        decompress(data + 1, size - 1, piece);
    else
        there_and_back(data + 1, size - 1, piece, (int)(how >> 5));
    return 0;
}
