/* tools/bench/stats.c: what the rounds have in common. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/bench.h"

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static bench_spread spread_of(double *values, int n)
{
    if (n == 0) {
        return (bench_spread){0, 0, 0};
    }
    qsort(values, (size_t)n, sizeof *values, ascending);
    const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
    return (bench_spread){values[0], median, values[n - 1]};
}

static double per_second(uint64_t n, const bench_sample *s)
{
    return s->seconds > 0 ? (double)n / s->seconds : 0;
}

/* What processor time is divided by. */
static double items(const bench_sample *s)
{
    const uint64_t n = s->rows > 0 ? s->rows : s->ops;
    return n > 0 ? (double)n : 1;
}

double bench_rate(const bench_result *r, int round)
{
    const bench_sample *s = &r->samples[round];
    return per_second(s->rows > 0 ? s->rows : s->ops, s);
}

static double sample_ops(const bench_sample *s)
{
    return per_second(s->ops, s);
}
static double sample_rows(const bench_sample *s)
{
    return per_second(s->rows, s);
}
static double sample_user(const bench_sample *s)
{
    return s->user_us / items(s);
}
static double sample_sys(const bench_sample *s)
{
    return s->sys_us / items(s);
}

static bench_spread spread_by(const bench_result *r, double (*value)(const bench_sample *))
{
    double values[BENCH_MAX_ROUNDS];
    for (int i = 0; i < r->rounds; i++) {
        values[i] = value(&r->samples[i]);
    }
    return spread_of(values, r->rounds);
}

void bench_summarize(bench_result *r)
{
    memset(&r->latency, 0, sizeof r->latency);
    for (int i = 0; i < r->rounds; i++) {
        const bench_sample *s = &r->samples[i];
        for (unsigned b = 0; b < TUSK__HISTOGRAM_BUCKETS; b++) {
            r->latency.buckets[b] += s->latency.buckets[b];
        }
        r->latency.count += s->latency.count;
        r->latency.max = s->latency.max > r->latency.max ? s->latency.max : r->latency.max;
        r->idle_kb = s->idle_kb;
        r->maxrss_kb = s->maxrss_kb > r->maxrss_kb ? s->maxrss_kb : r->maxrss_kb;
    }
    r->ops_per_s = spread_by(r, sample_ops);
    r->rows_per_s = spread_by(r, sample_rows);
    r->user_us = spread_by(r, sample_user);
    r->sys_us = spread_by(r, sample_sys);
    r->p50_us = (double)tusk__histogram_quantile(&r->latency, 50) / 1e3;
    r->p99_us = (double)tusk__histogram_quantile(&r->latency, 99) / 1e3;
    r->max_us = (double)r->latency.max / 1e3;
}

bench_result *bench_result_of(bench_comparison *c, const bench_driver *driver)
{
    for (int i = 0; i < c->n; i++) {
        if (c->results[i].driver == driver && c->results[i].error[0] == '\0') {
            return &c->results[i];
        }
    }
    return NULL;
}

/* Rounds are compared with each other and the median taken then: what else the machine does comes
 * and goes with the rounds. */
double bench_rate_ratio(const bench_result *r, const bench_result *to)
{
    double values[BENCH_MAX_ROUNDS];
    int n = 0;
    for (int i = 0; r != NULL && to != NULL && i < r->rounds && i < to->rounds; i++) {
        if (bench_rate(to, i) > 0) {
            values[n++] = bench_rate(r, i) / bench_rate(to, i);
        }
    }
    return spread_of(values, n).median;
}

/* Of all rounds together: the system counts in steps that are long for a round. */
static double user_of_all(const bench_result *r)
{
    double user = 0, all = 0;
    for (int i = 0; r != NULL && i < r->rounds; i++) {
        user += r->samples[i].user_us;
        all += items(&r->samples[i]);
    }
    return all > 0 ? user / all : 0;
}

double bench_cpu_ratio(const bench_result *r, const bench_result *to)
{
    const double base = user_of_all(to);
    return base > 0 ? user_of_all(r) / base : 0;
}

const char *bench_unit(const bench_comparison *c)
{
    static const char *const units[] = {
        [BENCH_CONNECT] = "connections", [BENCH_IDLE] = "connections"};
    const char *unit = c->work->kind >= BENCH_CONNECT ? units[c->work->kind] : NULL;
    if (unit != NULL) {
        return unit;
    }
    return c->results[0].rounds > 0 && c->results[0].rows_per_s.max > 0 ? "rows" : "operations";
}
