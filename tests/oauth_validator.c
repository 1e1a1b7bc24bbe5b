/* tests/oauth_validator.c: a module for PostgreSQL 18 that says which OAuth tokens are good: those
 * that read "good-USER", and they are USER's. No package in reach has the server's headers, so what
 * a module looks like is declared here, after the documentation (OAuth Validator Modules, Dynamic
 * Loading); a server that disagrees does not load it, and says why. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EXPORTED __attribute__((visibility("default")))

/* What the server compares with its own before it loads anything. */
typedef struct magic_block {
    int size;
    int version, max_arguments, max_index_keys, name_size, float8_by_value;
    char abi[32];
    const char *name, *module_version;
} magic_block;

typedef struct verdict {
    bool authorized;
    char *user; /* the server's memory */
} verdict;

typedef struct validator {
    uint32_t magic;
    void (*startup)(void *state);
    void (*shutdown)(void *state);
    bool (*validate)(const void *state, const char *token, const char *role, verdict *);
} validator;

extern char *pstrdup(const char *); /* the server's */
EXPORTED const magic_block *Pg_magic_func(void);
EXPORTED const validator *_PG_oauth_validator_module_init(void);

const magic_block *Pg_magic_func(void)
{
    static const magic_block block = {sizeof block,      1800, 100, 32, 64, 1, "PostgreSQL",
                                      "oauth_validator", NULL};
    return &block;
}

static bool validate(const void *state, const char *token, const char *role, verdict *out)
{
    static const char good[] = "good-";
    (void)state;
    (void)role;
    out->authorized = strncmp(token, good, sizeof good - 1) == 0;
    out->user = out->authorized ? pstrdup(token + sizeof good - 1) : NULL;
    return true;
}

const validator *_PG_oauth_validator_module_init(void)
{
    static const validator all = {0x20250220, NULL, NULL, validate};
    return &all;
}
