/* tests/support/scratch_dir.h: a directory of a test's own, with files in it, removed at the end;
 * and an environment in which nothing of the caller's is left. */
#ifndef TUSK_TESTS_SUPPORT_SCRATCH_DIR_H
#define TUSK_TESTS_SUPPORT_SCRATCH_DIR_H

/* Makes the directory; its path, valid until _remove. */
const char *test_dir_make(void);
void test_dir_remove(void);
/* Path of a name in it; valid until the eighth call after this one. */
const char *test_dir_path(const char *name);
/* Writes a file in it with this mode. */
void test_dir_write(const char *name, unsigned mode, const char *text);

/* Unsets every PG* variable and sets HOME to the directory. */
void test_dir_environment(void);

#endif
