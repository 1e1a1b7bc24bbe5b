/* tools/bench/report_json.c: results for programs: one object a line, per workload and driver. What
 * was not measured is null. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/tusk/report.h"

static void put_spread(FILE *f, const char *name, const bench_spread *s)
{
    fprintf(f, ",\"%s\":{\"min\":%.6g,\"median\":%.6g,\"max\":%.6g}", name, s->min, s->median,
            s->max);
}

static void put_number(FILE *f, const char *name, double value, bool known)
{
    if (known) {
        fprintf(f, ",\"%s\":%.6g", name, value);
    } else {
        fprintf(f, ",\"%s\":null", name);
    }
}

static void put_ratio(FILE *f, const char *name, double value)
{
    put_number(f, name, value, value > 0);
}

static void put_result(FILE *f, bench_comparison *c, const bench_result *r)
{
    const bench_sample *s = &r->counted;
    const double ops = s->counted_ops > 0 ? (double)s->counted_ops : 1;
    const bench_result *libpq = bench_result_of(c, &bench_libpq);
    const bench_result *floor = bench_result_of(c, &bench_floor);
    fprintf(f, "{\"workload\":\"%s\",\"driver\":\"%s\",\"connections\":%d,\"rounds\":%d",
            c->work->name, r->driver->name, c->connections, r->rounds);
    put_spread(f, "ops_per_s", &r->ops_per_s);
    put_spread(f, "rows_per_s", &r->rows_per_s);
    put_spread(f, "user_us_per_row", &r->user_us);
    put_spread(f, "sys_us_per_row", &r->sys_us);
    put_number(f, "p50_us", r->p50_us, true);
    put_number(f, "p99_us", r->p99_us, true);
    put_number(f, "max_us", r->max_us, true);
    put_number(f, "calls_per_op", (double)s->calls / ops, s->calls > 0);
    put_number(f, "allocs_per_op", (double)s->allocs / ops, s->counted);
    put_number(f, "alloc_bytes_per_op", (double)s->alloc_bytes / ops, s->counted);
    put_number(f, "maxrss_kb", (double)r->maxrss_kb, true);
    put_number(f, "idle_kb", r->idle_kb, c->work->kind == BENCH_IDLE);
    put_ratio(f, "x_libpq", bench_rate_ratio(r, libpq));
    put_ratio(f, "user_x_libpq", bench_cpu_ratio(r, libpq));
    put_ratio(f, "of_floor", bench_rate_ratio(r, floor));
    fputs("}\n", f);
}

bool bench_json(const char *file, bench_comparison *all, size_t n)
{
    FILE *f = fopen(file, "w");
    if (f == NULL) {
        report("cannot write %s: %s", file, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        for (int k = 0; k < all[i].n; k++) {
            if (all[i].results[k].error[0] == '\0') {
                put_result(f, &all[i], &all[i].results[k]);
            }
        }
    }
    const bool fine = ferror(f) == 0;
    if (fclose(f) != 0 || !fine) {
        report("cannot write %s", file);
        return false;
    }
    return true;
}
