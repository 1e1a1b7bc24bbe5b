/* tests/simulate_net.c: the network of the simulation: bytes arrive in pieces, late, in part, or
 * not at all, and so do cancels; connections are cut and servers start again. */
#include "tests/simulate.h"
#include <stdio.h>
#include <string.h>

uint32_t sim_dice(uint32_t below)
{
    return world_random(&run.w, below);
}

void sim_mix(const void *p, size_t n)
{
    const uint8_t *at = p;
    for (size_t i = 0; i < n; i++)
        run.hash = (run.hash ^ at[i]) * UINT64_C(0x100000001b3);
}

void sim_tell(const session *s, const char *what, int number)
{
    if (run.trace)
        fprintf(stderr, "%6lld %d * %s %d\n", (long long)run.w.now, (int)(s - run.sessions), what,
                number);
}

/* ── the network ──────────────────────────────────────────────────────────────────────────── */

bool sim_send(session *s)
{
    size_t n;
    const uint8_t *p = tusk_send_buf(s->conn, &n);
    if (n == 0)
        return false;
    size_t part = 1 + sim_dice((uint32_t)n);
    sim_mix(p, part);
    bytes_add(&s->up, p, part);
    tusk_send_ack(s->conn, part);
    return true;
}

bool sim_arrive(session *s)
{
    if (s->up.len == 0 || s->wire->dead)
        return false;
    size_t part =
        world_has(&run.w, QUIRK_SYNC_READ) ? s->up.len : 1 + sim_dice((uint32_t)s->up.len);
    pooler_receive(&run.w, s->wire, s->up.data, part);
    bytes_shift(&s->up, part);
    return true;
}

bool sim_receive(session *s)
{
    client *c = s->wire;
    size_t n = c->in_group && !c->dead ? c->group_mark : c->out.len, room;
    if (n == 0 && !(c->dead && c->out.len == 0))
        return false;
    if (n == 0) {
        tusk_recv_ack(s->conn, 0);
        return true;
    }
    uint8_t *to = tusk_recv_buf(s->conn, &room);
    if (to == NULL)
        return false;
    n = 1 + sim_dice((uint32_t)n);
    n = n < room ? n : room;
    memcpy(to, c->out.data, n);
    sim_mix(to, n);
    bytes_shift(&c->out, n);
    c->group_mark = c->group_mark > n ? c->group_mark - n : 0;
    tusk_recv_ack(s->conn, n);
    return true;
}

/* The server's end of a connection that is no more: what has arrived may still be done. */
void sim_abandon(session *s)
{
    client *c = s->wire;
    if (sim_dice(2) == 0 && s->up.len > 0) {
        size_t part = 1 + sim_dice((uint32_t)s->up.len);
        pooler_receive(&run.w, c, s->up.data, part);
    }
    if (sim_dice(3) > 0)
        pooler_run(&run.w, c);
    backend *b = c->server >= 0 ? &run.w.servers[c->server] : NULL;
    if (b != NULL)
        backend_abandon(b);
    if (b != NULL && !world_has(&run.w, QUIRK_SHARE))
        backend_forget(b); /* the next connection gets a server of its own */
    c->server = -1;
    bytes_shift(&s->up, s->up.len);
}

/* lossy: what the server has answered does not arrive any more. */
void sim_cut(session *s, bool lossy)
{
    count.cuts++;
    sim_abandon(s);
    if (lossy)
        bytes_shift(&s->wire->out, s->wire->out.len);
    s->wire->dead = true;
}

void sim_restart(void)
{
    count.restarts++;
    for (int i = 0; i < CLIENTS; i++) {
        session *s = &run.sessions[i];
        bool last_words = s->wire->started && !s->wire->dead && sim_dice(2) == 0;
        sim_cut(s, !last_words);
        if (last_words)
            backend_error(&s->wire->out, "FATAL", "57P01", "terminating connection", NULL);
    }
    count.cuts -= CLIENTS;
    for (int i = 0; i < BACKENDS; i++) {
        backend_abandon(&run.w.servers[i]);
        backend_forget(&run.w.servers[i]);
    }
}

/* Whatever was sent already may be hit instead. */
static void note_cancel(session *s)
{
    for (int i = s->done; i < s->submitted; i++)
        s->list[i].may_be_hit = true;
}

/* ── cancels ──────────────────────────────────────────────────────────────────────────────── */

bool sim_take_cancel(session *s)
{
    tusk_buf out;
    if (!(tusk_wants(s->conn) & TUSK_WANT_CANCEL))
        return false;
    for (cancel_packet *p = run.cancels; p < run.cancels + CANCELS; p++) {
        if (p->used)
            continue;
        tusk_buf_init(&out, 0, NULL, NULL);
        if (tusk_cancel_bytes(s->conn, &out) == TUSK_OK) {
            *p = (cancel_packet){.used = true,
                                 .from = s,
                                 .pid = (int32_t)load_u32(out.data + 8),
                                 .arrives =
                                     run.w.now + (int64_t)sim_dice(3) * (int64_t)sim_dice(300),
                                 .lost = sim_dice(8) == 0};
            count.cancels++;
            count.late += p->arrives > run.w.now;
            count.lost += p->lost;
            sim_tell(s, "cancel leaves, to arrive at", (int)p->arrives);
            note_cancel(s);
        }
        tusk_buf_free(&out);
        return true;
    }
    return false;
}

bool sim_cancel_arrives(void)
{
    for (cancel_packet *p = run.cancels; p < run.cancels + CANCELS; p++) {
        if (!p->used || p->arrives > run.w.now)
            continue;
        for (int i = 0; i < CLIENTS && !p->lost; i++) {
            const client *c = &run.w.clients[i];
            if (c->pid == p->pid && c->server >= 0 && c->in_group)
                backend_interrupt(&run.w.servers[c->server]);
        }
        sim_tell(&run.sessions[p->pid % 10 % CLIENTS],
                 p->lost ? "a cancel is lost" : "a cancel arrives", p->pid);
        p->used = false;
        if (p->from != NULL)
            tusk_cancel_done(p->from->conn);
        return true;
    }
    return false;
}
