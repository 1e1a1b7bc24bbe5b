/* lib/pool/member.h: tusk__seat_ops for real connections, and which file does which of them. */
#ifndef TUSK_POOL_MEMBER_H
#define TUSK_POOL_MEMBER_H

#include "lib/pool/pool.h"

/* ── member.c ── all the others, and the table */
extern const tusk__seat_ops tusk__member_ops;

/* ── facts.c ── */
unsigned tusk__member_depth(tusk__seat *);
int tusk__member_host(const tusk__seat *);
char tusk__member_role(const tusk__seat *);
uint64_t tusk__member_cancels(const tusk__seat *);
uint64_t tusk__member_requests(const tusk__seat *);
int64_t tusk__member_away(const tusk__seat *);

/* ── farewell.c ── */
bool tusk__member_close(tusk__seat *, bool sparing);
/* Drives one that is CLOSING. */
bool tusk__member_see_off(tusk__seat *, int64_t deadline, tusk__bell *);
void tusk__member_fail(tusk__seat *);
void tusk__member_abandon(tusk__seat *);

/* ── hurry.c ── */
bool tusk__member_hurry(tusk_pool *);
void tusk__member_stop(tusk__chain *seats);

#endif
