/* tests/pool_threads.c: see pool_threads.h. */
#include "tests/pool_threads.h"
#include <stdatomic.h>
#include <unistd.h>

static atomic_int blocks;

/* A lock in here would order what the pool has to order itself. */
static void *relaxed_realloc(void *ud, void *ptr, size_t size)
{
    (void)ud;
    if (size == 0) {
        if (ptr != NULL)
            atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
        free(ptr);
        return NULL;
    }
    if (ptr == NULL)
        atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
    void *p = realloc(ptr, size);
    if (p == NULL)
        abort();
    return p;
}

static const char *name(void)
{
    static char text[40];
    snprintf(text, sizeof text, "tusk_threads_%ld", (long)getpid());
    return text;
}

tusk_config *threads_config(const char *more)
{
    tusk_config *config;
    assert_int_equal(tusk_config_new(&config, relaxed_realloc, NULL), TUSK_OK);
    if (more != NULL && tusk_config_parse(config, more) != TUSK_OK)
        fail_msg("%s: %s", more, tusk_config_error(config));
    assert_int_equal(tusk_config_set(config, "application_name", name()), TUSK_OK);
    assert_int_equal(tusk_config_env(config), TUSK_OK);
    return config;
}

tusk_pool *threads_pool(const char *more, const tusk_pool_options *options)
{
    tusk_config *config = threads_config(more);
    tusk_pool_options o = {0};
    tusk_pool *p;
    if (options != NULL)
        o = *options;
    o.threads = true;
    int status = tusk_pool_new(&p, config, NULL, &o);
    if (status != TUSK_OK)
        fail_msg("tusk_pool_new: %s", tusk_strerror(status));
    tusk_config_free(config);
    return p;
}

int threads_memory(void)
{
    return atomic_load(&blocks);
}

void threads_pool_free(tusk_pool *p)
{
    int before = threads_memory();
    tusk_pool_free(p);
    assert_true(threads_memory() < before);
}

static int64_t observe(tusk_conn *observer, const char *what)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "select count(%s) from pg_stat_activity where application_name = '%s'", what, name());
    return live_number(observer, sql);
}

int64_t threads_seen(tusk_conn *observer)
{
    return observe(observer, "*");
}

int64_t threads_running(tusk_conn *observer, const char *what)
{
    char sql[300];
    snprintf(sql, sizeof sql,
             "select count(*) from pg_stat_activity where application_name = '%s' and "
             "state = 'active' and query like '%%%s%%'",
             name(), what);
    return live_number(observer, sql);
}

void threads_kill_all(tusk_conn *observer)
{
    observe(observer, "pg_terminate_backend(pid)");
}

void threads_cancel_all(tusk_conn *observer)
{
    observe(observer, "pg_cancel_backend(pid)");
}

void worker_expect(worker *w, bool met, const char *what, int line)
{
    if (met || w->wrong != NULL)
        return;
    w->wrong = what;
    w->line = line;
}

static void *body(void *ud)
{
    worker *w = ud;
    w->run(w);
    return NULL;
}

void worker_start(worker *w, int number, tusk_pool *p, void (*run)(worker *), int64_t timeout)
{
    tusk_conn *conn = w->conn;
    *w = (worker){.number = number, .pool = p, .run = run, .timeout = timeout};
    w->conn = conn;
    assert_int_equal(pthread_create(&w->thread, NULL, body, w), 0);
}

void workers_start(worker *w, int n, tusk_pool *p, void (*run)(worker *))
{
    for (int i = 0; i < n; i++) {
        w[i].conn = NULL;
        worker_start(&w[i], i, p, run, 0);
    }
}

void workers_join(worker *w, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(pthread_join(w[i].thread, NULL), 0);
    for (int i = 0; i < n; i++)
        if (w[i].wrong != NULL)
            fail_msg("thread %d, line %d: not %s", i, w[i].line, w[i].wrong);
}
