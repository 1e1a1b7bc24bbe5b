/* tools/tusk/progress.c: the line that tells how far something is. */
#include "tools/tusk/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <tusk/io.h>

#include "tools/tusk/report.h"

enum { DEFAULT_COLUMNS = 80, BAR = 20, MOST = 256 };

bool progress_shows(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_put_bytes(tusk_buf *out, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    char text[48];
    size_t unit = 0;
    /* What would be rounded up to 1000 is 1.00 of the next one. */
    for (; bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]; unit++)
        bytes /= 1000;
    const int digits = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
    snprintf(text, sizeof text, "%.*f %s", digits, bytes, units[unit]);
    tusk_put_str(out, text);
}

static void put_bar(tusk_buf *out, double part)
{
    char text[16];
    tusk_put_str(out, "  [");
    for (int i = 0; i < BAR; i++)
        tusk_put_u8(out, i < (int)(part * BAR) ? '#' : '.');
    snprintf(text, sizeof text, "] %3d %%", (int)(part * 100));
    tusk_put_str(out, text);
}

static void put_time(tusk_buf *out, const char *label, double seconds)
{
    char text[48];
    const uint64_t s = seconds < 1e9 ? (uint64_t)(seconds + 0.5) : UINT64_C(1000000000);
    if (s >= 3600)
        snprintf(text, sizeof text, "  %s%" PRIu64 ":%02d:%02d", label, s / 3600,
                 (int)(s / 60 % 60), (int)(s % 60));
    else
        snprintf(text, sizeof text, "  %s%d:%02d", label, (int)(s / 60), (int)(s % 60));
    tusk_put_str(out, text);
}

void progress_put(tusk_buf *out, const progress *p, int64_t now, size_t columns)
{
    char text[48];
    const size_t begin = out->len;
    const double seconds = (double)(now - p->began) / 1e9;
    const double part = p->all == 0 ? 0 : p->done < p->all ? (double)p->done / (double)p->all : 1;
    snprintf(text, sizeof text, "%" PRIu64 " rows  ", p->rows);
    tusk_put_str(out, text);
    progress_put_bytes(out, (double)p->bytes);
    if (seconds > 0) {
        tusk_put_str(out, "  ");
        progress_put_bytes(out, (double)p->bytes / seconds);
        tusk_put_str(out, "/s");
    }
    if (p->all > 0)
        put_bar(out, part);
    if (part > 0)
        put_time(out, "left ", seconds / part - seconds);
    else
        put_time(out, "", seconds);
    if (out->status == TUSK_OK && out->len - begin > columns)
        out->len = begin + columns;
}

static size_t terminal_columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
        return DEFAULT_COLUMNS;
    return size.ws_col < MOST ? size.ws_col : MOST;
}

void progress_draw(const progress *p)
{
    tusk_buf line;
    tusk_buf_init(&line, 0, NULL, NULL);
    tusk_put_str(&line, "\r");
    progress_put(&line, p, tusk_now(), terminal_columns() - 1);
    tusk_put_str(&line, "\x1b[K");
    if (line.status == TUSK_OK)
        (void)!write(STDERR_FILENO, line.data, line.len);
    tusk_buf_free(&line);
    report_over(progress_clear);
}

void progress_clear(void)
{
    report_over(NULL);
    (void)!write(STDERR_FILENO, "\r\x1b[K", 4);
}
