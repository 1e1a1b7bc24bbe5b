/* tests/enumerate.c: every sequence of backend messages, up to a depth, from every phase of a
 * connection.
 *   enumerate [DEPTH]
 * Beside what the subject watches: each callback comes with the message that causes it and with no
 * other one, DONE is said at ReadyForQuery only and not after an error of its group, a server's
 * error there only after one, and ready() at a ReadyForQuery behind AuthenticationOk; behind a SASL
 * exchange only if the server proved that it knows the password. What follows a message that the
 * connection died of cannot matter: such sequences are counted, but played once for all of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/support/fixed_crypto.h"
#include "tests/support/subject.h"

enum { MOST_DEPTH = 8, REQUESTS = 2 };

/* How a phase is reached: what is submitted, and the messages before the sequence (by name). */
typedef struct phase {
    const char *name;
    bool named; /* an endpoint that keeps statements */
    unsigned flags[REQUESTS];
    int requests;
    bool pull, pause, cancel;
    const char *before[8];
} phase;

/* The right answers of a server that knows the password, to the client that fixed_crypto makes. */
#define RIGHT(name, type, body)                                                                    \
    {                                                                                              \
        name, type, body, sizeof body - 1                                                          \
    }
static const message_sample right[] = {
    RIGHT("AuthenticationSASLContinue, right", 'R',
          "\0\0\0\13r=AAECAwQFBgcICQoLDA0ODxARSERVERNONCE,s=MDEyMzQ1Njc4OWFiY2RlZg==,i=16"),
    RIGHT("AuthenticationSASLFinal, right", 'R',
          "\0\0\0\14v=k2KysV2qi6K+jkUSm6myxSXDwRANREWRzhvYbyuNJm0="),
};
enum { RIGHTS = sizeof right / sizeof right[0] };

#define LOGIN "AuthenticationOk", "ReadyForQuery idle"
static const phase phases[] = {
    {.name = "startup"},
    {.name = "SASL", .before = {"AuthenticationSASL"}},
    {.name = "SASL, answered",
     .before = {"AuthenticationSASL", "AuthenticationSASLContinue, right"}},
    {.name = "SASL, proved",
     .before = {"AuthenticationSASL", "AuthenticationSASLContinue, right",
                "AuthenticationSASLFinal, right"}},
    {.name = "authenticated", .before = {"AuthenticationOk"}},
    {.name = "idle", .before = {LOGIN}},
    {.name = "query", .requests = 1, .before = {LOGIN}},
    {.name = "query before ready", .requests = 1, .before = {"AuthenticationOk"}},
    {.name = "rows",
     .requests = 1,
     .before = {LOGIN, "ParseComplete", "BindComplete", "RowDescription"}},
    {.name = "paused rows",
     .requests = 1,
     .pause = true,
     .before = {LOGIN, "ParseComplete", "BindComplete", "RowDescription", "DataRow"}},
    {.name = "named query", .named = true, .requests = 1, .before = {LOGIN}},
    {.name = "describe", .flags = {TUSK_DESCRIBE}, .requests = 1, .before = {LOGIN}},
    {.name = "simple query", .flags = {TUSK_SIMPLE}, .requests = 1, .before = {LOGIN}},
    {.name = "pipeline", .requests = 2, .before = {LOGIN}},
    {.name = "pipeline behind an error", .requests = 2, .before = {LOGIN, "ErrorResponse"}},
    {.name = "batch", .flags = {TUSK_MORE}, .requests = 2, .before = {LOGIN}},
    {.name = "second of a batch",
     .flags = {TUSK_MORE},
     .requests = 2,
     .before = {LOGIN, "ParseComplete", "BindComplete", "NoData", "CommandComplete"}},
    {.name = "cancelled query", .requests = 2, .cancel = true, .before = {LOGIN}},
    {.name = "copy out",
     .flags = {TUSK_SIMPLE},
     .requests = 1,
     .before = {LOGIN, "CopyOutResponse"}},
    {.name = "copy in",
     .flags = {TUSK_SIMPLE},
     .requests = 1,
     .pull = true,
     .before = {LOGIN, "CopyInResponse"}},
    {.name = "copy in, extended",
     .requests = 1,
     .pull = true,
     .before = {LOGIN, "ParseComplete", "BindComplete", "NoData", "CopyInResponse"}},
};
enum { PHASES = sizeof phases / sizeof phases[0] };

/* One sequence being played. */
typedef struct play {
    subject s;
    const phase *phase;
    char last;          /* type of the message that was fed last */
    bool group_failed;  /* an ErrorResponse since the last ReadyForQuery */
    bool failed_before; /* the same as it was before the last message */
    bool sasl, proved;  /* the server began SASL, and sent what only who knows the password can */
} play;

static test_alloc memory;
static tusk_config *configs[2];

static void expect_cause(play *p, const char *event, const char *types)
{
    if (p->last == 0 || strchr(types, p->last) == NULL)
        subject_violated(&p->s, "%s() at a message of type %c", event, p->last);
}

/* Submitting, closing and dying are causes too; those have their own rules in the subject. */
static int on_event(subject *s, const subject_news *news)
{
    play *p = s->ud;
    switch (news->event) {
    case SUBJECT_READY:
        expect_cause(p, "ready", "Z");
        if (p->sasl && !p->proved)
            subject_violated(s, "ready() although the server has proved nothing");
        break;
    case SUBJECT_NOTICE:
        expect_cause(p, "notice", "N");
        break;
    case SUBJECT_NOTIFY:
        expect_cause(p, "notify", "A");
        break;
    case SUBJECT_PARAMS:
        expect_cause(p, "params", "t");
        break;
    case SUBJECT_COLUMNS:
        expect_cause(p, "columns", "Tn2");
        break;
    case SUBJECT_ROW:
        expect_cause(p, "row", "D");
        return p->phase->pause ? TUSK_EAGAIN : 0;
    case SUBJECT_BYTES:
        expect_cause(p, "bytes", "d");
        break;
    case SUBJECT_PULL:
        return TUSK_EAGAIN;
    case SUBJECT_DONE:
        if (news->outcome->status == TUSK_ESERVER && p->last == 'Z' && !p->failed_before)
            subject_violated(s, "ESERVER although the server told of no error");
        if (news->outcome->fate != TUSK_DONE)
            break;
        expect_cause(p, "done", "Z");
        if (p->failed_before)
            subject_violated(s, "DONE although its group had failed");
        break;
    default:
        break;
    }
    return 0;
}

static size_t samples(void)
{
    return message_samples_count + RIGHTS;
}

static const message_sample *sample_at(size_t i)
{
    return i < message_samples_count ? &message_samples[i] : &right[i - message_samples_count];
}

static const message_sample *sample_named(const char *name)
{
    for (size_t i = 0; i < samples(); i++)
        if (strcmp(sample_at(i)->name, name) == 0)
            return sample_at(i);
    fprintf(stderr, "no such sample: %s\n", name);
    abort();
}

static void feed(play *p, const message_sample *sample)
{
    uint8_t wire[128];
    size_t n = sample->len + 4;
    wire[0] = (uint8_t)sample->type;
    for (unsigned i = 0; i < 4; i++)
        wire[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    memcpy(wire + 5, sample->body, sample->len);
    p->last = sample->type;
    p->sasl = p->sasl || strcmp(sample->name, "AuthenticationSASL") == 0;
    p->proved = p->proved || sample == &right[1];
    p->failed_before = p->group_failed;
    p->group_failed = sample->type == 'E' || (p->group_failed && sample->type != 'Z');
    subject_feed(&p->s, wire, n + 1, SIZE_MAX);
    if (p->phase->pause && subject_alive(&p->s))
        tusk_resume(p->s.conn);
    subject_pump(&p->s);
}

static void submit(play *p)
{
    unsigned members = (1u << SUBJECT_EVENTS) - 1;
    if (!p->phase->pull)
        members &= ~(1u << SUBJECT_PULL);
    members &= ~(1u << SUBJECT_PIECE);
    for (int i = 0; i < p->phase->requests; i++) {
        tusk_request request = {.sql = tusk_slice_of("select 1"), .flags = p->phase->flags[i]};
        subject_call *call = subject_submit(&p->s, &request, members, NULL, (size_t)i);
        if (p->phase->cancel && i == 0 && call->req != NULL) {
            subject_pump(&p->s);
            tusk_cancel(call->req);
        }
    }
    subject_pump(&p->s);
}

/* Begins a connection and brings it into the phase. */
static void reach(play *p, const phase *ph)
{
    memset(p, 0, sizeof *p);
    p->phase = ph;
    p->s.event = on_event;
    p->s.ud = p;
    if (subject_open_with(&p->s, &memory, configs[ph->named], test_fixed_crypto()) != TUSK_OK)
        subject_violated(&p->s, "could not be opened");
    subject_pump(&p->s);
    bool submitted = ph->requests == 0;
    for (size_t i = 0; ph->before[i] != NULL; i++) {
        feed(p, sample_named(ph->before[i]));
        bool logged_in = i == 1 || ph->before[i + 1] == NULL;
        if (!submitted && logged_in)
            submit(p);
        submitted = submitted || logged_in;
    }
    if (!subject_alive(&p->s))
        subject_violated(&p->s, "died before the sequence");
}

/* Plays one sequence. *died: how many of its messages the connection lived through, plus the one it
 * died of. False, with a report, if a promise was broken. */
static bool play_sequence(const phase *ph, const size_t *sequence, size_t depth, size_t *died)
{
    play p;
    size_t live = memory.live;
    reach(&p, ph);
    *died = 0;
    for (size_t i = 0; i < depth && subject_alive(&p.s); i++) {
        feed(&p, sample_at(sequence[i]));
        *died = i + 1;
    }
    bool dead = !subject_alive(&p.s);
    p.last = 0; /* from here on nothing may be DONE any more */
    subject_end(&p.s);
    if (!dead)
        *died = depth + 1;
    if (p.s.violation[0] == '\0' && memory.live == live)
        return true;
    fprintf(stderr, "phase %s:", ph->name);
    for (size_t i = 0; i < depth; i++)
        fprintf(stderr, " [%s]", sample_at(sequence[i])->name);
    fprintf(stderr, "\n    %s\n", p.s.violation[0] != '\0' ? p.s.violation : "memory leaked");
    return false;
}

/* All sequences of one phase, like an odometer; a dead prefix skips all that begin with it. */
static bool enumerate(const phase *ph, size_t depth, size_t *played)
{
    size_t sequence[MOST_DEPTH] = {0};
    for (;;) {
        size_t died;
        if (!play_sequence(ph, sequence, depth, &died))
            return false;
        ++*played;
        size_t at = died > depth ? depth : died;
        for (size_t i = at; i < depth; i++)
            sequence[i] = 0;
        while (at > 0 && ++sequence[at - 1] == samples())
            sequence[--at] = 0;
        if (at == 0)
            return true;
    }
}

static void make_configs(void)
{
    static const char *const text[2] = {
        "host=/sock user=alice dbname=db password=secret scram_min_iterations=1 pooler=none "
        "statement_cache=0",
        "host=/sock user=alice dbname=db password=secret scram_min_iterations=1 pooler=none"};
    for (int i = 0; i < 2; i++) {
        if (tusk_config_new(&configs[i], counted_realloc, &memory) != TUSK_OK ||
            tusk_config_parse(configs[i], text[i]) != TUSK_OK) {
            fprintf(stderr, "config: %s\n", tusk_config_error(configs[i]));
            abort();
        }
    }
}

int main(int argc, char **argv)
{
    size_t depth = argc > 1 ? strtoul(argv[1], NULL, 10) : 4;
    if (depth == 0 || depth > MOST_DEPTH) {
        fprintf(stderr, "usage: enumerate [DEPTH], 1 to %d\n", MOST_DEPTH);
        return 2;
    }
    make_configs();
    double all = PHASES;
    for (size_t i = 0; i < depth; i++)
        all *= (double)samples();
    size_t played = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < PHASES; i++)
        ok = enumerate(&phases[i], depth, &played);
    for (int i = 0; i < 2; i++)
        tusk_config_free(configs[i]);
    printf("depth %zu, phases %d, messages %zu, sequences %.0f, played %zu\n", depth, PHASES,
           samples(), all, played);
    return ok ? 0 : 1;
}
