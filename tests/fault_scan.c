/* tests/fault_scan.c: see fault_scan.h. */
#include "tests/fault_scan.h"

enum { CANCEL = 80877102, SSL = 80877103, GSS = 80877104 };
/* Longer than any message of the tests, in front of types that there are not: not the protocol. */
#define NONSENSE (UINT32_C(1) << 30)

static size_t header(const fault_scan *s)
{
    return s->started ? 5 : 4;
}

/* Moves bytes into the message at hand, to its end at most. True: it is complete. */
static bool collect(fault_scan *s, fault_scan_side *side, const uint8_t *p, size_t n, size_t *used)
{
    size_t head = header(s), i = 0;
    for (; i < n && side->message.len < head; i++)
        bytes_u8(&side->message, p[i]);
    if (!side->headed && side->message.len == head) {
        uint32_t len = load_u32(side->message.data + head - 4);
        side->headed = true;
        side->to_go = len - 4;
        if (len < 4 || len > NONSENSE)
            s->opaque = true;
    }
    if (side->headed && !s->opaque) {
        size_t part = side->to_go < n - i ? (size_t)side->to_go : n - i;
        size_t room = FAULT_SCAN_BODY + head - side->message.len;
        bytes_add(&side->message, p + i, part < room ? part : room);
        side->to_go -= part;
        i += part;
    }
    *used = i;
    return side->headed && !s->opaque && side->to_go == 0;
}

static void next_message(fault_scan_side *side)
{
    bytes_shift(&side->message, side->message.len);
    side->headed = false;
}

static void start_up(fault_scan *s, const uint8_t *body, size_t n)
{
    uint32_t code = n >= 4 ? load_u32(body) : 0;
    if (code == SSL || code == GSS)
        s->answer_byte = true;
    else if (code == CANCEL)
        s->cancel = s->opaque = true;
    else
        s->started = true;
}

static void client_message(fault_scan *s, char type, const uint8_t *body, size_t n)
{
    s->counts |= s->seen != NULL && s->seen(s->ud, type, body, n);
    s->copied |= (type == 'c' || type == 'f') && !s->simple;
    if (type != 'S' && type != 'Q')
        return;
    s->simple = type == 'Q';
    s->sent += !s->copied; /* the server did not look at the Sync that COPY began with */
    s->copied = false;
    if (s->counts && ++s->marked == s->doomed_at)
        s->doomed = s->sent;
    s->counts = false;
}

void fault_scan_client(fault_scan *s, const uint8_t *p, size_t n)
{
    for (size_t at = 0, used; at < n && !s->opaque; at += used) {
        size_t head = header(s);
        if (!collect(s, &s->client, p + at, n - at, &used))
            continue;
        const bytes *m = &s->client.message;
        if (s->started)
            client_message(s, (char)m->data[0], m->data + head, m->len - head);
        else
            start_up(s, m->data + head, m->len - head);
        next_message(&s->client);
    }
}

size_t fault_scan_server(fault_scan *s, const uint8_t *p, size_t n)
{
    size_t used;
    if (s->answer_byte && n > 0) {
        s->answer_byte = false;
        s->opaque = p[0] != 'N';
        return 1;
    }
    if (s->opaque || !s->started)
        return n;
    if (collect(s, &s->server, p, n, &used)) {
        s->answered += s->server.message.data[0] == 'Z';
        next_message(&s->server);
    }
    return used;
}

/* The first ReadyForQuery ends the start-up, so `answered` says which group is next, from 1. */
bool fault_scan_doomed(const fault_scan *s)
{
    return s->doomed != 0 && s->answered == s->doomed;
}

void fault_scan_free(fault_scan *s)
{
    bytes_free(&s->client.message);
    bytes_free(&s->server.message);
}
