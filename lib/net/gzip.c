/* lib/net/gzip.c: tusk/copy.h over zlib. */
#include <stdlib.h>
#include <string.h>
#include <tusk/copy.h>
#include <zlib.h>

#define PIECE ((size_t)64 << 10)
/* zlib's windowBits: the largest window, and 16 more for the gzip format. */
#define GZIP_WINDOW (15 + 16)

struct tusk_gzip {
    z_stream z;
    bool inflating;
    bool between;  /* inflating: a member has ended, ... */
    bool begun;    /* ... and one has begun before */
    bool over;     /* failed or ended: nothing is taken any more */
    tusk_bytes_fn *to;
    void *ud;
    uint64_t in, out;
    unsigned char piece[PIECE];
};

static int make(tusk_gzip **out, bool inflating, int level, tusk_bytes_fn *to, void *ud)
{
    tusk_gzip *g = calloc(1, sizeof *g);
    *out = NULL;
    if (g == NULL)
        return TUSK_ENOMEM;
    g->inflating = inflating;
    g->between = true;
    g->to = to;
    g->ud = ud;
    int z = inflating ? inflateInit2(&g->z, GZIP_WINDOW)
                      : deflateInit2(&g->z, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                                     GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY);
    if (z != Z_OK) {
        free(g);
        return z == Z_MEM_ERROR ? TUSK_ENOMEM : TUSK_EINVAL;
    }
    *out = g;
    return TUSK_OK;
}

int tusk_gzip_deflate(tusk_gzip **out, int level, tusk_bytes_fn *to, void *ud)
{
    return make(out, false, level, to, ud);
}

int tusk_gzip_inflate(tusk_gzip **out, tusk_bytes_fn *to, void *ud)
{
    return make(out, true, 0, to, ud);
}

static int hand_over(tusk_gzip *g)
{
    size_t n = PIECE - g->z.avail_out;
    g->out += n;
    return n == 0 ? TUSK_OK : g->to(g->ud, (tusk_slice){(const char *)g->piece, n});
}

/* A new member begins where one has ended, if there is more. */
static int step(tusk_gzip *g, int flush)
{
    if (!g->inflating)
        return deflate(&g->z, flush);
    if (g->z.avail_in == 0)
        return Z_BUF_ERROR;
    if (g->between && g->begun)
        inflateReset(&g->z);
    g->begun = true;
    int z = inflate(&g->z, Z_NO_FLUSH);
    if (z == Z_OK || z == Z_STREAM_END)
        g->between = z == Z_STREAM_END;
    return z;
}

/* What was taken of the piece counts, so that the total tells the place. */
static int fail(tusk_gzip *g, int status, uInt n)
{
    g->in += n - g->z.avail_in;
    g->over = true;
    return status;
}

static int run(tusk_gzip *g, tusk_slice s, int flush)
{
    if (g->over)
        return TUSK_EINVAL;
    const unsigned char *p = (const unsigned char *)s.ptr;
    size_t left = s.len;
    do {
        uInt n = left < PIECE ? (uInt)left : (uInt)PIECE;
        g->z.next_in = (unsigned char *)(uintptr_t)p; /* zlib's own is not const, and does not write */
        g->z.avail_in = n;
        int z;
        do {
            g->z.next_out = g->piece;
            g->z.avail_out = PIECE;
            z = step(g, left == n ? flush : Z_NO_FLUSH);
            if (z == Z_DATA_ERROR || z == Z_NEED_DICT)
                return fail(g, TUSK_EDATA, n);
            if (z == Z_MEM_ERROR)
                return fail(g, TUSK_ENOMEM, n);
            int status = hand_over(g);
            if (status != TUSK_OK)
                return fail(g, status, n);
        } while (g->z.avail_out == 0 || (g->inflating && g->z.avail_in > 0));
        g->in += n;
        p = n > 0 ? p + n : p; /* at the end there is not even a pointer */
        left -= n;
    } while (left > 0);
    return TUSK_OK;
}

int tusk_gzip_put(tusk_gzip *g, tusk_slice s)
{
    return s.len == 0 ? (g->over ? TUSK_EINVAL : TUSK_OK) : run(g, s, Z_NO_FLUSH);
}

int tusk_gzip_end(tusk_gzip *g)
{
    if (g->over)
        return TUSK_EINVAL;
    int status = TUSK_OK;
    if (!g->inflating)
        status = run(g, (tusk_slice){NULL, 0}, Z_FINISH);
    else if (!g->between || g->in == 0)
        status = TUSK_EDATA;
    g->over = true;
    return status;
}

uint64_t tusk_gzip_total_in(const tusk_gzip *g)
{
    return g->in;
}

uint64_t tusk_gzip_total_out(const tusk_gzip *g)
{
    return g->out;
}

void tusk_gzip_free(tusk_gzip *g)
{
    if (g == NULL)
        return;
    if (g->inflating)
        inflateEnd(&g->z);
    else
        deflateEnd(&g->z);
    free(g);
}
