/* tests/emulator.h: connection poolers and PostgreSQL, small and deterministic: some fake servers,
 * one fake pooler in front of them, bytes in and bytes out. What poolers do wrong or differently is
 * a switch each, so that every rule by which the driver copes with it can be seen to be needed.
 *
 * The servers know a handful of statements:
 *   echo K      one row: K and the first argument as text
 *   shape       one row, of one column or two, depending on how often there was "flip"
 *   flip        is DDL: it changes the shape of all later rows of "shape"
 *   add N       writes N into a ledger, when and if its transaction commits
 *   fail        an error when it is executed
 *   nocol       an error when it is parsed
 *   begin, commit, rollback, and the driver's own probe */
#ifndef TUSK_TESTS_EMULATOR_H
#define TUSK_TESTS_EMULATOR_H

#include "tests/support/build.h"

/* id, what it does */
#define QUIRK_MAP(X)                                                                               \
    X(SHARE, "several clients share the servers: each transaction may get another one")            \
    X(TRACK, "statement names are the pooler's own, and follow the client")                        \
    X(UNNAMED_TOO, "... for the unnamed statement as well")                                        \
    X(FORGET, "servers forget their statements between transactions")                              \
    X(DUP_FATAL, "Parse of a name that exists ends the connection")                                \
    X(DUP_ACCEPT, "... is accepted; without either, it is an error")                               \
    X(UNKNOWN_FATAL, "Bind of a name that does not exist ends the connection")                     \
    X(BURN, "a name whose Parse failed or was skipped is taken until it is closed")                \
    X(EARLY_CLOSE, "CloseComplete overtakes everything of its group")                              \
    X(FAKES_FIRST, "so does every answer that the pooler gives itself")                            \
    X(LATE_PARSE, "the pooler's own ParseComplete may come behind an error")                       \
    X(EVICT, "a server keeps three of the pooler's statements")                                    \
    X(DESYNC, "eviction in a group with two statements leaves a stray CloseComplete")              \
    X(SKIP_HANG, "after a Parse that was skipped the client's next group is never answered")       \
    X(SHADOW_DROP, "a skipped Bind of a statement that this server lacks ends the connection")     \
    X(SYNC_READ, "a read that starts with Sync is answered, and the rest of it dropped")           \
    X(DROP_FLUSH, "Flush and FunctionCall vanish")                                                 \
    X(REFUSE_PARAMS, "startup parameters that are not known end the connection")                   \
    X(VERSION_EXACT, "so does any protocol version but 3.0")                                       \
    X(NOTICES, "notices come between any two messages")                                            \
    X(REPLAY_PARAMS, "ParameterStatus comes with every other server")                              \
    X(SPLIT, "reads end anywhere")                                                                 \
    X(CUT, "the connection ends after any byte")

enum quirk_bit {
#define X(id, text) QUIRK_BIT_##id,
    QUIRK_MAP(X)
#undef X
        QUIRKS
};
enum quirk {
#define X(id, text) QUIRK_##id = 1 << QUIRK_BIT_##id,
    QUIRK_MAP(X)
#undef X
};

enum {
    BACKENDS = 6,
    SHARED = 2,
    CLIENTS = 6,
    PREPARED = 64,
    NAMES = 64,
    TEXTS = 256,
    IDS = 512,
    PENDING = 64
};

typedef struct prepared {
    char name[64];
    char text[200];
    unsigned shape; /* at the time of its Parse */
    unsigned age;
    bool live;
} prepared;

typedef struct backend {
    int32_t pid;
    prepared list[PREPARED], unnamed;
    prepared portal;
    char argument[64];
    int format; /* of the portal's result */
    char tx;
    bool skipping; /* to the next Sync */
    bool broken;   /* the transaction that is open has failed */
    bool locks;    /* it has looked at the shape, which must not change before it ends */
    int pending[PENDING], npending;
    int client;       /* that it serves, -1: none */
    int64_t wake;     /* a wait is over at this time */
    bool interrupted; /* by a cancel: the next statement of this group fails */
} backend;

/* A statement as a client knows it, behind a tracker. */
typedef struct client_name {
    char name[64];
    char text[200];
    bool live, burned;
} client_name;

typedef struct client {
    bytes in, out;     /* from and to the driver */
    size_t group_mark; /* where the answers of the current group begin in out */
    size_t fakes;      /* bytes of the pooler's own answers there that were put first */
    bool started, dead, hung;
    bool hang_next;      /* its next group will not be answered */
    int parses, evicted; /* in this group */
    unsigned late;       /* ParseCompletes that wait for the next answer */
    client_name names[NAMES];
    client_name unnamed;
    int32_t pid;
    int server;    /* it is linked to, -1: none */
    long cut;      /* bytes it will still get, -1: no limit */
    bool in_group; /* a group has begun and has no Sync yet */
} client;

typedef struct world {
    uint64_t seed;
    unsigned quirks;
    const char *prefix; /* of a tracker's statement names */
    backend servers[BACKENDS];
    client clients[CLIENTS];
    char texts[TEXTS][200]; /* a tracker's statements: their index is their number */
    int ntexts;
    unsigned shape, clock;
    bool committed[IDS];
    uint8_t commits[IDS];  /* how often */
    int64_t now;           /* ms */
    int starts;            /* connections so far */
    int named_parses;      /* of names that are no probe's */
    const char *violation; /* what the driver has done that no pooler forgives */
} world;

uint32_t world_random(world *, uint32_t below);
void world_init(world *, uint64_t seed, unsigned quirks, const char *prefix);
void world_free(world *);
static inline bool world_has(const world *w, unsigned quirk)
{
    return (w->quirks & quirk) != 0;
}

/* A pooler that exists, as a set of quirks. */
typedef struct preset {
    const char *name, *prefix, *endpoint;
    unsigned quirks;
    bool told; /* pooler=none, wrongly: one query at a time comes out right even so */
} preset;
/* The one that this seed is about, and its quirks with those that the seed adds. */
const preset *preset_of(uint64_t seed, unsigned *quirks);

/* The driver's own randomness, which depends on the seed too. */
void seed_random(uint64_t seed);
int seeded_random(void *out, size_t n);

/* ── servers ── */
/* One frontend message; what it answers is appended to out. */
void backend_take(world *, backend *, char type, const uint8_t *body, size_t n, bytes *out);
/* Does it have to wait for the others before this message? */
bool backend_blocked(const world *, const backend *, char type);
/* Its client is gone: nothing of what was open stays. */
void backend_abandon(backend *);
/* A CancelRequest has arrived: it hits what runs now, whatever that is. */
void backend_interrupt(backend *);
prepared *backend_find(backend *, const char *name);
void backend_forget(backend *);
void backend_error(bytes *out, const char *severity, const char *sqlstate, const char *message,
                   const char *routine);

/* ── the pooler ── */
/* One read of what the driver wrote. */
void pooler_receive(world *, client *, const uint8_t *, size_t n);
/* Goes on with what waits; true if anything happened. */
bool pooler_run(world *, client *);

#endif
