/* tools/bench/report_text.c: results for people at a terminal: a bar for each driver's rate,
 * figures, a histogram of latencies, and at the end the ratios of all workloads. */
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"

enum { BAR = 24, STEPS = 32 };

static bool has_blocks(void)
{
    setlocale(LC_CTYPE, "");
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* 1234567 as "1,234,567". */
static const char *thousands(double value, char text[32])
{
    char digits[32];
    const int n = snprintf(digits, sizeof digits, "%.0f", value);
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) {
            text[at++] = ',';
        }
        text[at++] = digits[i];
    }
    text[at] = '\0';
    return text;
}

static const char *time_text(double us, char text[32])
{
    const char *units[] = {"us", "ms", "s"};
    int u = 0;
    for (; us >= 1000 && u < 2; u++) {
        us /= 1000;
    }
    snprintf(text, 32, us < 10 ? "%.2f %s" : us < 100 ? "%.1f %s" : "%.0f %s", us, units[u]);
    return text;
}

static void draw_bar(double part, bool first, bool color)
{
    static const char *const tails[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const bool blocks = has_blocks();
    const int eighths = (int)(part * BAR * 8 + 0.5);
    int columns = eighths / 8;
    fputs(color ? first ? "\033[36m" : "\033[90m" : "", stdout);
    for (int i = 0; i < columns; i++) {
        fputs(blocks ? "█" : "#", stdout);
    }
    if (blocks && eighths % 8 != 0) {
        fputs(tails[eighths % 8], stdout);
        columns++;
    }
    printf("%s%*s", color ? "\033[0m" : "", BAR - columns, "");
}

/* Counts between the smallest and the largest latency, in steps of equal ratio. */
static void draw_histogram(const bench_result *r)
{
    static const char *const heights[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char plain[] = " .:-=+*#@";
    const bool blocks = has_blocks();
    const double low = (double)tusk__histogram_quantile(&r->latency, 0.1);
    const double high = (double)tusk__histogram_quantile(&r->latency, 99.9) + 1;
    uint64_t counts[STEPS], before = 0, most = 1;
    char a[32], b[32];
    for (int i = 0; i < STEPS; i++) {
        const double end = low * pow(high / (low > 0 ? low : 1), (double)(i + 1) / STEPS);
        const uint64_t below = tusk__histogram_below(&r->latency, (int64_t)end);
        counts[i] = below > before ? below - before : 0;
        before = below > before ? below : before;
        most = counts[i] > most ? counts[i] : most;
    }
    printf("           %10s ", time_text(low / 1e3, a));
    for (int i = 0; i < STEPS; i++) {
        const int h = counts[i] == 0 ? 0 : 1 + (int)(counts[i] * 7 / most);
        if (blocks) {
            fputs(heights[h], stdout);
        } else {
            putchar(plain[h]);
        }
    }
    printf(" %s\n", time_text(high / 1e3, b));
}

static void print_costs(const bench_result *r, const char *unit)
{
    const bench_sample *s = &r->counted;
    char a[32], b[32], c[32];
    printf(
        "           p50 %s, p99 %s, max %s; CPU %.3f us user (%.3f-%.3f) + %.3f us system per %.*s",
        time_text(r->p50_us, a), time_text(r->p99_us, b), time_text(r->max_us, c),
        r->user_us.median, r->user_us.min, r->user_us.max, r->sys_us.median, (int)strlen(unit) - 1,
        unit);
    if (s->calls > 0) {
        printf("; %.1f system calls", (double)s->calls / (double)s->counted_ops);
    }
    if (s->counted) {
        printf(", %s bytes allocated per operation",
               thousands((double)s->alloc_bytes / (double)s->counted_ops, a));
    }
    printf("; %.1f MB at most\n", (double)r->maxrss_kb / 1024);
}

static double middle_rate(const bench_result *r)
{
    return r->rows_per_s.median > 0 ? r->rows_per_s.median : r->ops_per_s.median;
}

static void print_ratios(bench_comparison *c)
{
    const bench_result *tusk = bench_result_of(c, &bench_tusk);
    const bench_result *libpq = bench_result_of(c, &bench_libpq);
    const bench_result *floor = bench_result_of(c, &bench_floor);
    if (tusk == NULL || (libpq == NULL && floor == NULL)) {
        return;
    }
    printf("  tusk");
    if (libpq != NULL) {
        printf(": %.2f times libpq's rate, %.2f times its user CPU", bench_rate_ratio(tusk, libpq),
               bench_cpu_ratio(tusk, libpq));
    }
    if (floor != NULL) {
        printf("%s %.2f of the floor's rate", libpq != NULL ? ";" : ":",
               bench_rate_ratio(tusk, floor));
    }
    putchar('\n');
}

static void print_idle(const bench_comparison *c)
{
    for (int i = 0; i < c->n; i++) {
        const bench_result *r = &c->results[i];
        if (r->error[0] == '\0') {
            printf("  %-6s %.1f kB each\n", r->driver->name, r->idle_kb);
        }
    }
}

void bench_print(bench_comparison *c, bool color)
{
    double best = 1;
    char a[32], b[32], d[32];
    const char *unit = bench_unit(c);
    printf("%s: %s\n", c->work->name, c->work->title);
    for (int i = 0; i < c->n; i++) {
        best = fmax(best, middle_rate(&c->results[i]));
        if (c->results[i].error[0] != '\0') {
            printf("  %-6s not measured: %s\n", c->results[i].driver->name, c->results[i].error);
        }
    }
    if (c->work->kind == BENCH_IDLE) {
        print_idle(c);
        return;
    }
    for (int i = 0; i < c->n; i++) {
        const bench_result *r = &c->results[i];
        const bench_spread *s = r->rows_per_s.median > 0 ? &r->rows_per_s : &r->ops_per_s;
        if (r->error[0] != '\0') {
            continue;
        }
        printf("  %-6s ", r->driver->name);
        draw_bar(s->median / best, i == 0, color);
        printf(" %s %s/s (%s-%s)\n", thousands(s->median, a), unit, thousands(s->min, b),
               thousands(s->max, d));
        print_costs(r, unit);
        draw_histogram(r);
    }
    print_ratios(c);
    putchar('\n');
}

static void print_ratio(double value)
{
    if (value > 0) {
        printf(" %12.2f", value);
    } else {
        printf(" %12s", "-");
    }
}

void bench_print_summary(bench_comparison *all, size_t n)
{
    printf("%-18s %12s %12s %12s\n", "tusk", "x libpq", "CPU x libpq", "of the floor");
    for (size_t i = 0; i < n; i++) {
        const bench_result *tusk = bench_result_of(&all[i], &bench_tusk);
        const bench_result *libpq = bench_result_of(&all[i], &bench_libpq);
        if (tusk == NULL || all[i].work->kind == BENCH_IDLE) {
            continue;
        }
        printf("%-18s", all[i].work->name);
        print_ratio(bench_rate_ratio(tusk, libpq));
        print_ratio(bench_cpu_ratio(tusk, libpq));
        print_ratio(bench_rate_ratio(tusk, bench_result_of(&all[i], &bench_floor)));
        putchar('\n');
    }
}
