/* tests/fault_proxy.h: a proxy between a driver and a server that misbehaves on purpose: it cuts,
 * stalls, throttles, splits, swallows the reply to a COMMIT, and so on, each connection by a plan
 * of its own that depends on a seed and the connection's number only. One thread, TCP on the
 * loopback or a unix socket; encrypted traffic is passed through without being looked at. */
#ifndef TUSK_TESTS_FAULT_PROXY_H
#define TUSK_TESTS_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* id, name, what happens. Offsets count the bytes of one direction. */
#define FAULT_MAP(X)                                                                               \
    X(NONE, "none", "everything is passed on")                                                     \
    X(CUT, "cut", "behind byte `at` both sides are closed")                                        \
    X(RESET, "reset", "likewise, with a TCP reset")                                                \
    X(STALL, "stall", "behind byte `at` nothing moves that way for `ms`")                          \
    X(THROTTLE, "throttle",                                                                        \
      "from byte `at` on `size` bytes pass in a millisecond, a hundred times")                     \
    X(SPLIT, "split", "from byte `at` on each byte is sent alone, `size` bytes of them")           \
    X(EAT_REPLY, "eat reply",                                                                      \
      "the whole reply to the at-th COMMIT but its first `size` bytes is swallowed, then cut")     \
    X(BLACK_HOLE, "black hole",                                                                    \
      "behind byte `at` nothing passes either way, nor is anything closed")                        \
    X(HALF_CLOSE, "half close", "behind byte `at` that direction ends, the other one goes on")     \
    X(REFUSE, "refuse", "closed as soon as it is accepted")                                        \
    X(LATE_CANCEL, "late cancel", "a CancelRequest is passed on `ms` late")

enum fault {
#define X(id, name, text) FAULT_##id,
    FAULT_MAP(X)
#undef X
        FAULTS
};
const char *fault_name(enum fault);

typedef struct fault_plan {
    enum fault fault;
    bool to_client; /* the direction that `at` counts in */
    uint64_t at;
    int64_t ms;
    size_t size;
} fault_plan;

typedef struct fault_options {
    /* Where the server is, and where to listen: NULL: on a free port of 127.0.0.1. */
    struct sockaddr_storage upstream;
    socklen_t upstream_len;
    const char *listen_path;
    uint64_t seed;
    /* How likely each fault is for a connection, relative to each other; all 0: no faults. */
    unsigned weights[FAULTS];
    uint64_t reach;   /* offsets are drawn below this */
    int64_t stall_ms; /* stalls and late cancels last less than this */
    int64_t hole_ms;  /* a black hole is closed then; 0: never */
    /* Instead of drawing, one plan for each connection; number counts them from 0. Otherwise the
     * next plan is drawn when a fault has passed that the connection survives. May be NULL. Called
     * by the proxy's thread, as is `sent`. */
    fault_plan (*plan)(void *ud, unsigned number);
    /* Every message that a client sends unencrypted, complete. True: the reply to its group is one
     * that EAT_REPLY counts. NULL: so is what contains a COMMIT. Long bodies are cut off. */
    bool (*sent)(void *ud, unsigned number, char type, const uint8_t *body, size_t n);
    void *ud;
} fault_options;

typedef struct fault_counts {
    unsigned connections, cancels, open;
    unsigned fired[FAULTS];
    unsigned total; /* of fired */
} fault_counts;

typedef struct fault_proxy fault_proxy;

/* NULL, and errno: it could not be started. */
fault_proxy *fault_proxy_start(const fault_options *);
/* The TCP port it listens on; 0 for a unix socket. */
int fault_proxy_port(const fault_proxy *);
/* No faults from here on; what is being done to a connection ends, black holes are closed. */
void fault_proxy_calm(fault_proxy *);
fault_counts fault_proxy_counts(fault_proxy *);
/* Closes everything and frees it. */
void fault_proxy_stop(fault_proxy *);

/* What the n-th connection gets by these weights. */
fault_plan fault_plan_draw(const fault_options *, unsigned number);
/* 64 bits that look random and depend on both; for whoever else draws by the seed. */
uint64_t fault_mix(uint64_t seed, uint64_t number);

#endif
