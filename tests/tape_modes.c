/* tests/tape_modes.c: everything that one tape is put through: whole, in pieces of every kind, with
 * its input against a fence, cut off and flipped at every byte, and with every allocation failing.
 */
#include "tests/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tapes of more than MANY_BYTES are cut and flipped at so many places only, spread over all of
 * them. */
enum { MANY_BYTES = 4096, PLACES = 300, RANDOM_RUNS = 100, ALL_VALUES = 1024 };

static size_t distance(const tape *t)
{
    return t->server_bytes > MANY_BYTES ? t->server_bytes / PLACES : 1;
}

static const tape_mode whole = {.strict = true, .chunk = SIZE_MAX, .stop = SIZE_MAX, .fence = true};

struct tape_now tape_now;

/* Announces a replay and makes it. */
static void start(const tape *t, const tape_mode *mode, const char *name, size_t at, tape_result *r,
                  tape_figures *figures)
{
    tape_now = (struct tape_now){t->path, name, at};
    tape_play(t, mode, r);
    figures->replays++;
}

static bool report(const tape *t, const char *mode, size_t at, const tape_result *r)
{
    if (!r->ok)
        fprintf(stderr, "%s\n    replay: %s %zu of %s\n", r->why, mode, at, t->path);
    return r->ok;
}

/* One replay whose result is not looked at further. */
static bool play(const tape *t, const tape_mode *mode, const char *name, size_t at,
                 tape_figures *figures)
{
    tape_result r;
    start(t, mode, name, at, &r, figures);
    bool ok = report(t, name, at, &r);
    tape_result_free(&r);
    return ok;
}

static bool in_pieces(const tape *t, const tape_options *o, tape_figures *figures)
{
    size_t n = t->server_bytes;
    tape_mode mode = whole;
    bool ok = true;
    if (n <= MANY_BYTES) {
        for (mode.split = t->common_bytes + 1; ok && mode.split < n;
             mode.split++, figures->splits++)
            ok = play(t, &mode, "split before byte", mode.split, figures);
        return ok;
    }
    for (size_t i = 0; ok && i < RANDOM_RUNS; i++, figures->splits++) {
        mode.seed = o->seed * 1000 + i + 1;
        ok = play(t, &mode, "random pieces, seed", (size_t)mode.seed, figures);
    }
    return ok;
}

/* Each block of server bytes once with its end on a page boundary. */
static bool guarded(const tape *t, tape_figures *figures)
{
    tape_mode mode = whole;
    mode.guard = true;
    bool ok = true;
    for (size_t i = 0; ok && i < t->nsteps; i++) {
        const tape_step *step = &t->steps[i];
        if (step->kind != TAPE_BACKEND || step->common)
            continue;
        tape_result r;
        mode.skew = step->data.len;
        start(t, &mode, "guarded block of bytes", mode.skew, &r, figures);
        figures->guarded += r.fences;
        ok = report(t, "guarded block of bytes", mode.skew, &r);
        tape_result_free(&r);
    }
    return ok;
}

/* What happened before the end came has to be the beginning of what happens otherwise, and nothing
 * that was done by then may be missing; what comes after the end is only done() and closed(). */
static bool check_cut(const tape *t, size_t at, const tape_result *golden, tape_result *r)
{
    size_t must = 0;
    while (must < golden->nevents && golden->events[must].fed < at)
        must++;
    size_t before = r->before_stop;
    bool same = before <= golden->nevents && (before >= must || r->withheld);
    for (size_t i = 0; same && i < before; i++)
        same = strcmp(golden->events[i].line, r->events[i].line) == 0;
    if (!same)
        snprintf(r->why, sizeof r->why, "other callbacks (%zu) than in the uncut tape (%zu)",
                 before, must);
    for (size_t i = before; same && i < r->nevents; i++) {
        const char *line = r->events[i].line;
        const char *done = strstr(line, " done ");
        bool end = (done != NULL && strncmp(done, " done DONE", 10) != 0) ||
                   strncmp(line, "closed", 6) == 0 || strstr(line, " refused ") != NULL;
        same = end;
        if (!end)
            snprintf(r->why, sizeof r->why, "after the end of the bytes came: %.600s", line);
    }
    r->ok = same;
    return report(t, "cut off at byte", at, r);
}

static bool cut_off(const tape *t, const tape_result *golden, tape_figures *figures)
{
    tape_mode mode = whole;
    bool ok = true;
    size_t step = distance(t);
    for (mode.stop = t->common_bytes; ok && mode.stop < t->server_bytes; mode.stop += step) {
        tape_result r;
        start(t, &mode, "cut off at byte", mode.stop, &r, figures);
        figures->cuts++;
        ok = report(t, "cut off at byte", mode.stop, &r) && check_cut(t, mode.stop, golden, &r);
        tape_result_free(&r);
    }
    return ok;
}

static bool flipped(const tape *t, const tape_options *o, tape_figures *figures)
{
    tape_mode mode = whole;
    mode.strict = false;
    bool ok = true;
    bool all = o->all_flips && t->server_bytes - t->common_bytes <= ALL_VALUES;
    size_t step = distance(t);
    for (mode.flip_at = t->common_bytes; ok && mode.flip_at < t->server_bytes;
         mode.flip_at += step) {
        for (unsigned v = 1; ok && v < 256; v = all ? v + 1 : v * 2) {
            mode.flip = (uint8_t)v;
            ok = play(t, &mode, "flipped byte", mode.flip_at, figures);
            figures->flips++;
        }
    }
    return ok;
}

/* Every allocation fails, until a replay needs none that would. */
static bool without_memory(const tape *t, bool from_then_on, tape_figures *figures)
{
    const char *name = from_then_on ? "no memory from allocation" : "no memory for allocation";
    tape_mode mode = whole;
    mode.fail_on = from_then_on;
    for (mode.fail_at = 1;; mode.fail_at++) {
        tape_result r;
        start(t, &mode, name, mode.fail_at, &r, figures);
        bool ok = report(t, name, mode.fail_at, &r);
        size_t failures = r.failures;
        tape_result_free(&r);
        if (!ok || failures == 0)
            return ok;
        figures->allocations++;
    }
}

static bool put_through(const tape *t, const tape_options *o, tape_figures *figures)
{
    if (!play(t, &whole, "whole", 0, figures))
        return false;
    if (o->only_whole)
        return true;
    if (t->only_whole)
        return without_memory(t, false, figures) && without_memory(t, true, figures);
    tape_mode bytewise = whole;
    bytewise.chunk = 1;
    tape_result golden;
    start(t, &bytewise, "byte by byte", 0, &golden, figures);
    bool ok = report(t, "byte by byte", 0, &golden);
    ok = ok && in_pieces(t, o, figures) && guarded(t, figures);
    ok = ok && cut_off(t, &golden, figures);
    ok = ok && without_memory(t, false, figures) && without_memory(t, true, figures);
    ok = ok && flipped(t, o, figures);
    tape_result_free(&golden);
    return ok;
}

bool tape_put_through(const tape *t, const tape_options *o, tape_figures *figures)
{
    bool ok = put_through(t, o, figures);
    figures->tapes++;
    figures->failed += !ok;
    return ok;
}
