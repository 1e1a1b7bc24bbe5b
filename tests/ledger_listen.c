/* tests/ledger_listen.c: connections that listen to what some transfers announce, and what has to
 * hold for each of them from its LISTEN to its end. */
#include "tests/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_notify(void *ud, tusk_conn *c, tusk_slice channel, tusk_slice payload, int32_t pid)
{
    (void)c;
    (void)channel;
    (void)pid;
    listener *l = ud;
    char text[32];
    unsigned id, number;
    snprintf(text, sizeof text, "%.*s", (int)payload.len, payload.ptr);
    if (strcmp(text, "end") == 0)
        atomic_store(&l->end_heard, true);
    else if (sscanf(text, "%u:%u", &id, &number) == 2 && id < WORKERS && l->n < HEARD)
        l->list[l->n++] = (heard){l->sessions, (uint8_t)id, number};
    else
        CHECKED(false, I12, "a notification that nobody sent: \"%s\"", text);
}

static const tusk_watcher watcher = {.notify = on_notify};

static void listen_once(listener *l)
{
    tusk_conn *c;
    if (tusk_connect(&c, l->config, NULL, &watcher, l) != TUSK_OK)
        return;
    l->sessions++;
    if (tusk_exec(c, NULL, "listen ledger", TUSK_NOARGS) == TUSK_OK) {
        atomic_store(&l->listening, true);
        while (!atomic_load(&books.stop_listening))
            if (tusk_step(c, tusk_now() + 50 * MILLISECOND) == TUSK_ECLOSED)
                break;
    }
    atomic_store(&l->listening, false);
    tusk_close(c);
}

void *ledger_listen(void *ud)
{
    listener *l = ud;
    while (!atomic_load(&books.stop_listening)) {
        listen_once(l);
        usleep(10000);
    }
    return NULL;
}

/* ── afterwards ───────────────────────────────────────────────────────────────────────────── */

static bool committed(uint8_t booked)
{
    return booked == BOOKED_DONE || booked == BOOKED_UNKNOWN_DONE;
}

/* All that one worker told to one session: rising, and between its first and its last without a
 * gap; to the end if the session heard the end. */
static void check_session(const listener *l, size_t from, size_t to, unsigned id, bool to_the_end)
{
    const worker *w = &books.workers[id];
    int64_t at = -1;
    for (size_t i = from; i < to; i++) {
        if (l->list[i].worker != id)
            continue;
        uint32_t number = l->list[i].number;
        CHECKED((int64_t)number > at, I12, "worker %u: %u came after %lld", id, number,
                (long long)at);
        CHECKED(committed(w->booked[number]) || w->booked[number] == BOOKED_UNKNOWN, I12,
                "worker %u: %u was announced, but is %u", id, number, w->booked[number]);
        for (int64_t k = at + 1; at >= 0 && k < number; k++)
            CHECKED(!w->told[k] || !committed(w->booked[k]), I12, "worker %u: %lld was not heard",
                    id, (long long)k);
        at = number;
    }
    for (int64_t k = at + 1; to_the_end && at >= 0 && k < w->next; k++)
        CHECKED(!w->told[k] || !committed(w->booked[k]), I12, "worker %u: %lld was not heard", id,
                (long long)k);
}

void ledger_check_heard(const listener *l)
{
    CHECKED(atomic_load(&l->end_heard), I12, "a listener has not heard the end");
    for (size_t from = 0, to; from < l->n; from = to) {
        for (to = from; to < l->n && l->list[to].session == l->list[from].session; to++)
            continue;
        for (unsigned id = 0; id < WORKERS; id++)
            check_session(l, from, to, id, to == l->n && l->list[from].session == l->sessions);
    }
}
