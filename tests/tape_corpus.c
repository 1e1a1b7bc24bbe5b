/* tests/tape_corpus.c: a tape as an input of fuzz_session, and its server bytes as one of
 * fuzz_frame. What the fuzz target cannot say (rules inside callbacks, argument values) is left
 * out. */
#include "tests/tape_corpus.h"

#include <stdio.h>
#include <string.h>
#include "fuzz/session_input.h"

/* The set of settings that comes closest to the tape's. */
static unsigned settings_of(const tape *t)
{
    static const char *const sets[SESSION_SETTINGS][20] = {SESSION_SETTINGS_LIST};
    unsigned best = 0;
    size_t most = 0;
    for (unsigned i = 0; i < SESSION_SETTINGS; i++) {
        size_t same = 0;
        for (size_t k = 0; sets[i][k] != NULL; k += 2)
            for (size_t m = 0; m + 1 < t->nsettings; m += 2)
                same += strcmp(sets[i][k], t->settings[m]) == 0 &&
                        strcmp(sets[i][k + 1], t->settings[m + 1]) == 0;
        if (same > most) {
            most = same;
            best = i;
        }
    }
    return best;
}

static unsigned behaviour_of(const tape *t, size_t query)
{
    unsigned bits = 0;
    for (size_t i = 0; i < t->nrules; i++) {
        const tape_rule *rule = &t->rules[i];
        if (rule->query != query)
            continue;
        if (rule->call.verb == TAPE_RETURN)
            bits |= rule->call.number == TUSK_EAGAIN ? SESSION_PAUSE : SESSION_SKIP;
        else if (rule->call.verb == TAPE_CLOSE)
            bits |= SESSION_CLOSING;
        else if (rule->call.verb == TAPE_QUERY)
            bits |= SESSION_AGAIN;
        else if (rule->call.verb == TAPE_CANCEL)
            bits |= SESSION_CANCELS;
    }
    return bits;
}

/* The text that begins like the tape's. */
static unsigned text_of(const tape_query *q)
{
    static const char *const texts[SESSION_TEXTS] = {SESSION_TEXT_LIST};
    unsigned best = 0;
    size_t most = 0;
    for (unsigned i = 0; i < SESSION_TEXTS; i++) {
        size_t n = 0;
        while (n < q->sql.len && texts[i][n] == (char)q->sql.data[n])
            n++;
        if (n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static void put_query(const tape *t, const tape_call *call, bytes *out)
{
    const tape_query *q = &t->queries[call->what];
    unsigned kind = q->flags & 63;
    kind |= (q->members & 1u << SUBJECT_PULL) != 0 ? SESSION_PULL : 0;
    kind |= q->nargs > 0 ? SESSION_ARGS : 0;
    bytes_u8(out, SESSION_QUERY);
    bytes_u8(out, kind);
    bytes_u8(out, behaviour_of(t, call->what) | text_of(q));
}

static void put_call(const tape *t, const tape_call *call, bytes *out)
{
    switch (call->verb) {
    case TAPE_QUERY:
        put_query(t, call, out);
        break;
    case TAPE_CANCEL:
        bytes_u8(out, SESSION_CANCEL);
        bytes_u8(out, (unsigned)call->what);
        break;
    case TAPE_TIMEOUT:
        bytes_u8(out, SESSION_TIMEOUT);
        bytes_u8(out, (unsigned)call->what);
        bytes_u8(out, (unsigned)(call->number / 1000000000));
        break;
    case TAPE_TICK:
        bytes_u8(out, SESSION_TICK);
        bytes_u8(out, (unsigned)(call->number / 1000000000));
        break;
    case TAPE_HOLD:
        bytes_str(out, "H");
        bytes_u8(out, 0);
        break;
    case TAPE_SEND:
        bytes_str(out, "H");
        bytes_u8(out, (unsigned)call->number);
        break;
    case TAPE_TLS:
        bytes_u8(out, SESSION_TLS);
        bytes_u8(out, (unsigned)call->number | (call->data.len > 0 ? 2 : 0));
        break;
    case TAPE_CANCEL_BYTES:
    case TAPE_CANCEL_DONE:
        bytes_u8(out, SESSION_ABORTED);
        bytes_u8(out, call->verb == TAPE_CANCEL_DONE);
        break;
    case TAPE_RESUME:
    case TAPE_RELEASE:
    case TAPE_CLOSE:
        bytes_u8(out, call->verb == TAPE_RESUME    ? SESSION_RESUME
                      : call->verb == TAPE_RELEASE ? SESSION_RELEASE
                                                   : SESSION_CLOSE);
        break;
    default:
        break;
    }
}

static void put_step(const tape *t, const tape_step *step, bytes *out)
{
    if (step->kind == TAPE_DO) {
        put_call(t, &step->call, out);
    } else if (step->kind == TAPE_EOF) {
        bytes_u8(out, SESSION_EOF);
    } else if (step->kind == TAPE_BACKEND) {
        for (size_t at = 0; at < step->data.len;) {
            size_t n = step->data.len - at < 65535 ? step->data.len - at : 65535;
            bytes_u8(out, SESSION_BYTES);
            bytes_u16(out, (unsigned)n);
            bytes_add(out, step->data.data + at, n);
            at += n;
        }
    }
}

static bool write_file(const tape *t, const char *folder, const char *target, const bytes *b)
{
    const char *slash = strrchr(t->path, '/');
    const char *name = slash == NULL ? t->path : slash + 1;
    char path[512];
    snprintf(path, sizeof path, "%.200s/%s/%.*s", folder, target, (int)strcspn(name, "."), name);
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(b->data, 1, b->len, f) == b->len;
    ok = f != NULL && fclose(f) == 0 && ok;
    if (!ok)
        fprintf(stderr, "%s: cannot be written\n", path);
    return ok;
}

/* Long tapes would only make the fuzzer slow. */
enum { LONGEST = 4096 };

bool tape_corpus(const tape *t, const char *folder)
{
    bytes session = {0};
    bytes frames = {0};
    bytes_u8(&session, settings_of(t));
    bytes_u8(&session, 0);
    for (size_t i = 0; i < t->nsteps; i++) {
        put_step(t, &t->steps[i], &session);
        if (t->steps[i].kind == TAPE_BACKEND && !t->steps[i].common)
            bytes_add(&frames, t->steps[i].data.data, t->steps[i].data.len);
    }
    bool ok = session.len > LONGEST || write_file(t, folder, "session", &session);
    if (frames.len > 0 && frames.len <= LONGEST)
        ok = write_file(t, folder, "frame", &frames) && ok;
    bytes_free(&session);
    bytes_free(&frames);
    return ok;
}
