/* tools/bench/report_svg.c: the ratios as a picture: for each workload tusk's rate and the floor's,
 * with libpq's as the unit. Plain SVG that shows on a light and on a dark page. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/tusk/report.h"

enum { WIDTH = 760, LABEL = 150, ROW = 34, BARS = 480, TOP = 58 };

typedef struct scale {
    double largest;
} scale;

static double x_of(const scale *s, double ratio)
{
    return LABEL + ratio / s->largest * BARS;
}

static void put_bar(FILE *f, const scale *s, int y, double ratio, const char *fill, int height)
{
    fprintf(f, "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", (int)LABEL,
            y, x_of(s, ratio) - LABEL, height, fill);
}

static void put_row(FILE *f, const scale *s, int y, bench_comparison *c)
{
    const bench_result *libpq = bench_result_of(c, &bench_libpq);
    const double tusk = bench_rate_ratio(bench_result_of(c, &bench_tusk), libpq);
    const double floor = bench_rate_ratio(bench_result_of(c, &bench_floor), libpq);
    const double cpu = bench_cpu_ratio(bench_result_of(c, &bench_tusk), libpq);
    fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LABEL - 10, y + 15,
            c->work->name);
    put_bar(f, s, y, tusk, "#2a9d8f", 14);
    if (floor > 0) {
        put_bar(f, s, y + 16, floor, "#b0b7be", 5);
    }
    fprintf(f, "<text x=\"%.1f\" y=\"%d\">%.2f x <tspan class=\"m\">CPU %.2f x</tspan></text>\n",
            x_of(s, tusk > floor ? tusk : floor) + 8, y + 15, tusk, cpu);
}

static void put_head(FILE *f, int height)
{
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\""
            " height=\"%d\" font-family=\"sans-serif\" font-size=\"13\">\n"
            "<style>text{fill:#24292f}.m{fill:#6e7781}@media(prefers-color-scheme:dark)"
            "{text{fill:#e6edf3}.m{fill:#9198a1}}</style>\n",
            (int)WIDTH, height, (int)WIDTH, height);
    fprintf(f,
            "<text x=\"%d\" y=\"20\" font-size=\"15\">Rows per second, as a multiple of libpq's "
            "(the line)</text>\n"
            "<rect x=\"%d\" y=\"32\" width=\"14\" height=\"10\" fill=\"#2a9d8f\"/>"
            "<text x=\"%d\" y=\"42\">tusk</text>\n"
            "<rect x=\"%d\" y=\"35\" width=\"14\" height=\"5\" fill=\"#b0b7be\"/>"
            "<text x=\"%d\" y=\"42\">the floor: the same bytes, nothing decoded</text>\n",
            (int)LABEL, (int)LABEL, LABEL + 20, LABEL + 70, LABEL + 90);
}

bool bench_svg(const char *file, bench_comparison *all, size_t n)
{
    scale s = {1};
    int rows = 0;
    FILE *f = fopen(file, "w");
    if (f == NULL) {
        report("cannot write %s: %s", file, strerror(errno));
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        const bench_result *libpq = bench_result_of(&all[i], &bench_libpq);
        const double tusk = bench_rate_ratio(bench_result_of(&all[i], &bench_tusk), libpq);
        const double floor = bench_rate_ratio(bench_result_of(&all[i], &bench_floor), libpq);
        rows += tusk > 0;
        s.largest = tusk > s.largest ? tusk : s.largest;
        s.largest = floor > s.largest ? floor : s.largest;
    }
    const int height = TOP + rows * ROW + 8;
    put_head(f, height);
    int y = TOP;
    for (size_t i = 0; i < n; i++) {
        const bench_result *libpq = bench_result_of(&all[i], &bench_libpq);
        if (bench_rate_ratio(bench_result_of(&all[i], &bench_tusk), libpq) > 0) {
            put_row(f, &s, y, &all[i]);
            y += ROW;
        }
    }
    fprintf(f, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#d1495b\"/>\n</svg>\n",
            x_of(&s, 1), TOP - 4, x_of(&s, 1), height - 8);
    const bool fine = ferror(f) == 0;
    if (fclose(f) != 0 || !fine) {
        report("cannot write %s", file);
        return false;
    }
    return true;
}
