/* lib/result.h: a collected answer, and the sink that collects it. */
#ifndef TUSK_RESULT_H
#define TUSK_RESULT_H

#include <tusk/sync.h>

tusk_result *tusk__result_new(tusk_realloc_fn, void *ud);
/* Its user data is the result. */
extern const tusk_sink tusk__result_sink;
/* The same for a request that pulls, by the function that tusk__result_pull was given. */
extern const tusk_sink tusk__result_many_sink;
void tusk__result_pull(tusk_result *, int (*pull)(void *ud, tusk_req *), void *ud);
/* The two halves of tusk_exec_request, which different threads may do one after the other. If it is
 * refused, there is nothing left of it. */
int tusk__exec_begin(tusk_conn *, const tusk_request *, tusk_result **);
/* Waits for it: the status of its outcome. */
int tusk__exec_wait(tusk_conn *, const tusk_result *);
/* To the caller, if there is something in it for him; freed otherwise. */
void tusk__result_hand_over(tusk_result *, int status, tusk_result **out);
/* Becomes true when the outcome is there. */
const bool *tusk__result_done(const tusk_result *);

#endif
