/* lib/pool/nap.c: where a thread sleeps until it is rung for. Whoever rings does it without a lock
 * in his hand: so who wakes need not wait for one at once, and does not push the ringer off his
 * processor while others wait for that lock. */
#include <errno.h>
#include <time.h>
#include "lib/pool/sleep.h"
#if defined(TUSK__FUTEX)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

int tusk__cond_init(pthread_cond_t *cond)
{
#ifdef __APPLE__
    return pthread_cond_init(cond, NULL) == 0 ? TUSK_OK : TUSK_ENOMEM;
#else
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return TUSK_ENOMEM;
    bool made = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
                pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return made ? TUSK_OK : TUSK_ENOMEM;
#endif
}

#if defined(TUSK__FUTEX)

int tusk__nap_init(tusk__nap *nap)
{
    atomic_init(&nap->rung, 0);
    return TUSK_OK;
}

void tusk__nap_destroy(tusk__nap *nap)
{
    (void)nap;
}

/* After the store the nap may be gone: only its address is still used, to wake nobody or, at worst,
 * somebody else who then looks round and sleeps on. */
void tusk__nap_ring(tusk__nap *nap)
{
    atomic_store_explicit(&nap->rung, 1, memory_order_release);
    syscall(SYS_futex, &nap->rung, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool tusk__nap_wait(tusk__nap *nap, int64_t until)
{
    const struct timespec t = {(time_t)(until / TUSK__SECOND), (long)(until % TUSK__SECOND)};
    const struct timespec *limit = until == TUSK_NEVER ? NULL : &t;
    bool over = false;
    while (atomic_exchange_explicit(&nap->rung, 0, memory_order_acquire) == 0) {
        if (over)
            return false;
        over = syscall(SYS_futex, &nap->rung, FUTEX_WAIT_BITSET_PRIVATE, 0, limit, NULL,
                       FUTEX_BITSET_MATCH_ANY) != 0 &&
               errno == ETIMEDOUT;
    }
    return true;
}

#else

int tusk__nap_init(tusk__nap *nap)
{
    nap->rung = false;
    if (pthread_mutex_init(&nap->mutex, NULL) != 0)
        return TUSK_ENOMEM;
    if (tusk__cond_init(&nap->cond) == TUSK_OK)
        return TUSK_OK;
    pthread_mutex_destroy(&nap->mutex);
    return TUSK_ENOMEM;
}

void tusk__nap_destroy(tusk__nap *nap)
{
    pthread_cond_destroy(&nap->cond);
    pthread_mutex_destroy(&nap->mutex);
}

void tusk__nap_ring(tusk__nap *nap)
{
    pthread_mutex_lock(&nap->mutex);
    nap->rung = true;
    pthread_cond_signal(&nap->cond); /* the sleeper may be gone as soon as the mutex is free */
    pthread_mutex_unlock(&nap->mutex);
}

static int wait_on(tusk__nap *nap, int64_t until)
{
    if (until == TUSK_NEVER)
        return pthread_cond_wait(&nap->cond, &nap->mutex);
#ifdef __APPLE__
    int64_t left = until - tusk_now();
    struct timespec t = {left > 0 ? left / TUSK__SECOND : 0, left > 0 ? left % TUSK__SECOND : 0};
    return pthread_cond_timedwait_relative_np(&nap->cond, &nap->mutex, &t);
#else
    struct timespec t = {(time_t)(until / TUSK__SECOND), (long)(until % TUSK__SECOND)};
    return pthread_cond_timedwait(&nap->cond, &nap->mutex, &t);
#endif
}

bool tusk__nap_wait(tusk__nap *nap, int64_t until)
{
    int status = 0;
    pthread_mutex_lock(&nap->mutex);
    while (!nap->rung && status != ETIMEDOUT)
        status = wait_on(nap, until);
    bool rung = nap->rung;
    nap->rung = false;
    pthread_mutex_unlock(&nap->mutex);
    return rung;
}

#endif
