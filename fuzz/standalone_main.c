/* fuzz/standalone_main.c: plays files, and the files in folders, through a fuzz target: the corpus
 * and every input that once found something are a test wherever there is no libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "fuzz/fuzz.h"

static size_t played;

static int play_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    bytes input = {0};
    char piece[4096];
    size_t n;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        bytes_add(&input, piece, n);
    fclose(f);
    /* A copy of its very size, so that a read behind the end is noticed. */
    uint8_t *exact = must_alloc(input.len);
    if (input.len > 0)
        memcpy(exact, input.data, input.len);
    LLVMFuzzerTestOneInput(exact, input.len);
    free(exact);
    bytes_free(&input);
    played++;
    return 0;
}

static int not_hidden(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static int play(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return play_file(path);
    struct dirent **list;
    int n = scandir(path, &list, not_hidden, alphasort);
    int failed = n < 0;
    for (int i = 0; i < n; i++) {
        bytes name = {0};
        bytes_printf(&name, "%s/%s", path, list[i]->d_name);
        failed |= play(bytes_text(&name));
        bytes_free(&name);
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= play(argv[i]);
    printf("inputs %zu\n", played);
    return failed;
}
