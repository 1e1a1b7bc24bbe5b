/* tests/live_process.c: what the process does around a connection: a timer's signals at any point,
 * no descriptors left, programs that are executed, the default action of SIGPIPE. */
#include "tests/live.h"
#include "tests/loop_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;

static void on_alarm(int signal)
{
    (void)signal;
    alarms++;
}

/* Without SA_RESTART: every call that waits is interrupted. */
static void storm(long microseconds)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval every = {.it_interval.tv_usec = microseconds,
                              .it_value.tv_usec = microseconds};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
}

static void interrupted(void)
{
    alarms = 0;
    storm(700);
    for (int i = 0; i < 5; i++) {
        tusk_conn *c = live_open(NULL);
        live_do(c, "create temp table t (n int4)");
        assert_int_equal(live_number(c, "select sum(n) from generate_series(1, 20000) n"),
                         200010000);
        live_do(c, "select pg_sleep(0.02)");
        live_reply r = {0};
        tusk_req *sleeping = live_send(c, "select pg_sleep(100)", 0, &r);
        live_wait_busy(c, "PgSleep");
        tusk_cancel(sleeping);
        live_wait(c, &r.done);
        assert_true(r.status == TUSK_ECANCELED);
        tusk_close(c);
    }
    storm(0);
    assert_true(alarms > 10);
}

/* With room for n more descriptors, for every n: a clear error, or a connection; and afterwards all
 * is as before. */
static void no_descriptors(void)
{
    struct rlimit before, now;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    int connected = 0;
    for (rlim_t n = 0; n < 24; n++) {
        tusk_config *config = live_config(NULL);
        tusk_conn *c;
        now = before;
        now.rlim_cur = n;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
        int status = tusk_open_config(&c, config);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        connected += status == TUSK_OK;
        if (status != TUSK_OK) {
            assert_true(status == TUSK_EIO || status == TUSK_EDNS || status == TUSK_ETLS);
            assert_true(c != NULL && tusk_errmsg(c)[0] != '\0');
        }
        tusk_close(c);
        tusk_config_free(config);
    }
    assert_in_range(connected, 1, 23);
    tusk_close(live_open(NULL));
}

/* What is executed inherits none of the library's descriptors. */
static void nothing_is_inherited(void)
{
    int first = loop_descriptors();
    tusk_conn *c = live_open(NULL);
    live_do(c, "select 1");
    assert_true(loop_descriptors() > first);
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        if (flags >= 0 && fd == tusk_conn_io(c)->fd)
            assert_true(flags & FD_CLOEXEC);
    }
    tusk_close(c);
}

/* The other side is gone, and the signal that a write to it raises would end the process. */
static void no_signal(void)
{
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    live_reply r[3] = {{0}};
    tusk_conn *c = live_open("pooler=none");
    live_kill_and_wait(tusk_conn_pid(c));
    for (int i = 0; i < 3; i++)
        if (tusk_query(c, "select 1", TUSK_NOARGS, 0, &live_sink, &r[i]) == NULL)
            r[i].done = true; /* it has been noticed already */
    for (int i = 0; i < 3; i++)
        live_wait(c, &r[i].done);
    tusk_close(c);
}

static const live_test tests[] = {
    {"interrupted all the time", interrupted},
    {"no descriptors", no_descriptors},
    {"nothing is inherited", nothing_is_inherited},
    {"no signal", no_signal},
};

int main(void)
{
    return LIVE_RUN_ONCE("process", tests);
}
