/* tests/support/scratch_dir.c: see the header. */
#include "tests/support/scratch_dir.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static char root[128];

const char *test_dir_make(void)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(root, sizeof root, "%s/tusk-test-XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(root) == NULL) {
        perror("mkdtemp");
        abort();
    }
    return root;
}

static int remove_one(const char *path, const struct stat *is, int type, struct FTW *at)
{
    (void)is;
    (void)type;
    (void)at;
    return remove(path);
}

void test_dir_remove(void)
{
    (void)nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *test_dir_path(const char *name)
{
    static char paths[8][512];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", root, name);
    return path;
}

void test_dir_write(const char *name, unsigned mode, const char *text)
{
    const char *path = test_dir_path(name);
    FILE *out = fopen(path, "w");
    if (out == NULL || fputs(text, out) == EOF || fclose(out) != 0 ||
        chmod(path, (mode_t)mode) != 0) {
        perror(path);
        abort();
    }
}

void test_dir_environment(void)
{
    for (char **at = environ; *at != NULL;) {
        char name[128];
        if (strncmp(*at, "PG", 2) != 0) {
            at++;
            continue;
        }
        (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(*at, "="), *at);
        (void)unsetenv(name); /* the rest moves up */
    }
    (void)setenv("HOME", root, 1);
}
