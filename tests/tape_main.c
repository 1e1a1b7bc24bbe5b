/* tests/tape_main.c: the program that plays tapes.
 *   tape [--quick] [--whole] [--bad] [--seed N] [--corpus FOLDER] FILE|FOLDER...
 * --quick flips eight bits per byte instead of trying all values, --whole plays each tape only
 * once,
 * --bad demands that every tape fails, --corpus writes what fuzz targets start from. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "tests/tape.h"
#include "tests/tape_corpus.h"

typedef struct run {
    tape_options options;
    tape_figures figures;
    bool bad;
    const char *corpus;
} run;

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A tape of the set that must fail, for the reason that it names; one that cannot be read has
 * failed as well. */
static bool play_bad(run *r, tape *t, bool readable)
{
    tape_mode mode = {.strict = true, .chunk = SIZE_MAX, .stop = SIZE_MAX};
    tape_result result = {0};
    const char *why = t->error;
    if (readable) {
        tape_play(t, &mode, &result);
        why = result.why;
    }
    bool ok = t->fails.len > 0 && strstr(why, bytes_text(&t->fails)) != NULL;
    if (!ok)
        fprintf(stderr, "%s: should have failed with \"%s\", but: %s\n", t->path,
                bytes_text(&t->fails), why);
    tape_result_free(&result);
    r->figures.tapes++;
    r->figures.failed += !ok;
    return ok;
}

static bool play_file(run *r, const char *path)
{
    tape t;
    bool readable = tape_read(&t, path);
    bool ok;
    if (r->bad) {
        ok = play_bad(r, &t, readable);
    } else if (!readable) {
        fprintf(stderr, "%s\n", t.error);
        r->figures.failed++;
        ok = false;
    } else if (r->corpus != NULL) {
        ok = tape_corpus(&t, r->corpus);
    } else {
        ok = tape_put_through(&t, &r->options, &r->figures);
    }
    tape_free(&t);
    return ok;
}

static int is_tape(const struct dirent *d)
{
    return ends_with(d->d_name, ".tape");
}

static bool play_path(run *r, const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return play_file(r, path);
    struct dirent **list;
    int n = scandir(path, &list, is_tape, alphasort);
    bool ok = n > 0;
    for (int i = 0; i < n; i++) {
        bytes name = {0};
        bytes_printf(&name, "%s/%s", path, list[i]->d_name);
        ok = play_file(r, bytes_text(&name)) && ok;
        bytes_free(&name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return ok;
}

/* Says which replay it was; the default action follows. */
static void crashed(int sig)
{
    fprintf(stderr, "signal %d in replay: %s %zu of %s\n", sig,
            tape_now.mode != NULL ? tape_now.mode : "", tape_now.at,
            tape_now.path != NULL ? tape_now.path : "");
    signal(sig, SIG_DFL);
    raise(sig);
}

int main(int argc, char **argv)
{
    signal(SIGABRT, crashed);
    if (signal(SIGSEGV, crashed) != SIG_DFL)
        signal(SIGSEGV, SIG_DFL); /* a sanitizer reports better */
    run r = {.options = {.all_flips = true, .seed = 1}};
    bool ok = argc > 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            r.options.all_flips = false;
        else if (strcmp(argv[i], "--whole") == 0)
            r.options.only_whole = true;
        else if (strcmp(argv[i], "--bad") == 0)
            r.bad = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            r.options.seed = strtoull(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--corpus") == 0 && i + 1 < argc)
            r.corpus = argv[++i];
        else
            ok = play_path(&r, argv[i]) && ok;
    }
    const tape_figures *f = &r.figures;
    if (r.corpus == NULL)
        printf("tapes %zu, failed %zu, replays %zu, splits %zu, cuts %zu, flips %zu, "
               "allocation failures %zu, guarded reads %zu\n",
               f->tapes, f->failed, f->replays, f->splits, f->cuts, f->flips, f->allocations,
               f->guarded);
    return ok ? 0 : 1;
}
