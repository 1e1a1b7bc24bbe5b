/* lib/session/piece.c: rows that are handed on while they arrive, value by value and piece by
 * piece, for sinks that ask for it: a value of a gigabyte needs no memory of its own then. A
 * DataRow that is taken apart here is never looked at as a whole, so its size limit does not count;
 * every length in it is checked against what the message has left. */
#include "lib/session/session.h"
#include "proto/bytes.h"

enum { HEAD = 7, LENGTH = 4 };

static size_t fail(tusk_conn *c)
{
    tusk__session_fail(c, TUSK_EPROTO, 0, "the server sent a malformed DataRow");
    return 0;
}

static size_t need(tusk_conn *c, size_t n)
{
    c->need = n;
    return 0;
}

/* The message's head: type, length, number of values. */
static size_t head(tusk_conn *c, const uint8_t *data, size_t len)
{
    if (len < HEAD)
        return need(c, HEAD);
    uint32_t size = tusk__load32(data + 1);
    int width = data[5] << 8 | data[6];
    if (size < 6 || size > INT32_MAX || width != tusk__session_width(c))
        return fail(c);
    c->spare_ready = false;
    c->piece = (tusk__piece_state){.active = width > 0, .left = size - 6, .row.width = width};
    c->piece.row.item = c->current->many != NULL ? c->current->many->answered : 0;
    return width > 0 || size == 6 ? HEAD : fail(c);
}

static void hand_on(tusk_conn *c, const uint8_t *data, size_t len)
{
    tusk__piece_state *s = &c->piece;
    tusk_req *r = c->current;
    s->row.bytes = (tusk_slice){(const char *)data, len};
    int wish = r->skip_rows ? TUSK_OK : r->sink->piece(r->ud, &s->row);
    s->row.at += (int64_t)len;
    if (s->row.at < s->row.size)
        s->inside = true;
    else {
        s->inside = false;
        s->active = ++s->row.column < s->row.width;
    }
    if (tusk__obey(c, r, wish) == TUSK_EAGAIN)
        tusk__session_pause(c);
    c->resume_asked = false;
}

static size_t value(tusk_conn *c, const uint8_t *data, size_t len)
{
    tusk__piece_state *s = &c->piece;
    if (s->left < LENGTH)
        return fail(c);
    if (len < LENGTH)
        return need(c, LENGTH);
    int32_t size = (int32_t)tusk__load32(data);
    s->left -= LENGTH;
    if (size < -1 || (size > 0 && (uint32_t)size > s->left) ||
        (s->row.column == s->row.width - 1 && s->left != (size > 0 ? (uint32_t)size : 0)))
        return fail(c);
    s->row.size = size;
    s->row.at = 0;
    s->inside = size > 0;
    if (size <= 0)
        hand_on(c, NULL, 0);
    return LENGTH;
}

static size_t inside(tusk_conn *c, const uint8_t *data, size_t len)
{
    tusk__piece_state *s = &c->piece;
    if (len == 0)
        return need(c, 1);
    uint64_t rest = (uint64_t)(s->row.size - s->row.at);
    size_t n = len < rest ? len : (size_t)rest;
    s->left -= (uint32_t)n;
    hand_on(c, data, n);
    return n;
}

size_t tusk__piece_feed(tusk_conn *c, const uint8_t *data, size_t len)
{
    if (!c->piece.active)
        return head(c, data, len);
    return c->piece.inside ? inside(c, data, len) : value(c, data, len);
}
