/* tests/live_core.c: for tests/live_core.sh. What a core of a connected process would hold is read
 * out of the living process, mapping by mapping: no core has to be allowed, and no debugger there.
 *   live_core hold WAY DSN      connects with the secret from standard input, forgets it, says
 *                               "ready", and waits to be killed. WAY:
 *       set    it is set as password and sslpassword
 *       keep   likewise, and not forgotten
 *       uri    it takes the place of %s in the DSN, which goes to tusk_open
 *       file   the DSN names a password file
 *   live_core verifier          prints what the server keeps of the user's password
 *   live_core search PID SECRET [VERIFIER]
 *                               says which secrets are in the process: SECRET itself, and what
 * SCRAM makes of it according to the server's VERIFIER; 0: none, 1: some */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <tusk/tusk.h>

/* Has to be found, with a capital H, which it has from when the process is connected on: nothing
 * was searched otherwise. */
static volatile char marker[] = "here lie the bytes of live_core";
static char secret[256], text[1024];

/* ── holding ──────────────────────────────────────────────────────────────────────────────── */

static int by_uri(tusk_conn **c, const char *dsn)
{
    const char *hole = strstr(dsn, "%s");
    if (hole == NULL)
        return TUSK_EINVAL;
    snprintf(text, sizeof text, "%.*s%s%s", (int)(hole - dsn), dsn, secret, hole + 2);
    int status = tusk_open(c, text);
    explicit_bzero(text, sizeof text);
    return status;
}

static int by_config(tusk_conn **c, const char *dsn, bool set)
{
    tusk_config *config;
    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return TUSK_ENOMEM;
    int status = tusk_config_parse(config, dsn);
    if (status == TUSK_OK && set)
        status = tusk_config_set(config, "password", secret);
    if (status == TUSK_OK && set)
        status = tusk_config_set(config, "sslpassword", secret);
    if (status == TUSK_OK)
        status = tusk_config_env(config);
    if (status == TUSK_OK)
        status = tusk_open_config(c, config);
    if (status != TUSK_OK)
        fprintf(stderr, "live_core: %s\n", tusk_config_error(config));
    tusk_config_free(config);
    return status;
}

static int hold(const char *way, const char *dsn)
{
    tusk_conn *c = NULL;
    ssize_t n = read(STDIN_FILENO, secret, sizeof secret - 1);
    if (n < 2)
        return 2;
    secret[n - 1] = '\0'; /* its end of line */
    int status =
        strcmp(way, "uri") == 0 ? by_uri(&c, dsn) : by_config(&c, dsn, strcmp(way, "file") != 0);
    if (strcmp(way, "keep") != 0)
        explicit_bzero(secret, sizeof secret);
    if (status == TUSK_OK)
        status = tusk_exec(c, NULL, "select 1", TUSK_NOARGS);
    if (status != TUSK_OK) {
        fprintf(stderr, "live_core: %s\n", c != NULL ? tusk_errmsg(c) : tusk_strerror(status));
        return 2;
    }
    marker[0] = 'H';
#ifdef PR_SET_PTRACER
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY); /* or no brother may look, on some systems */
#endif
    puts("ready");
    fflush(stdout);
    pause();
    tusk_close(c);
    return 0;
}

/* ── searching ────────────────────────────────────────────────────────────────────────────── */

/* What is larger is address space that a sanitizer reserves. */
#define MAPPING_MAX (1ul << 30)

typedef struct wanted {
    const char *name;
    const void *bytes;
    size_t len;
    bool found;
} wanted;

static void look(wanted *all, size_t n, const char *memory, size_t size)
{
    for (size_t i = 0; i < n; i++)
        all[i].found |= memmem(memory, size, all[i].bytes, all[i].len) != NULL;
}

/* Looks through all that the process can read; the number of bytes. */
static size_t look_through(int pid, wanted *all, size_t n)
{
    char path[64], line[512];
    size_t seen = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    while (maps != NULL && mem >= 0 && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char mode;
        if (sscanf(line, "%lx-%lx %c", &from, &to, &mode) != 3 || mode != 'r')
            continue;
        if (to - from > MAPPING_MAX)
            continue;
        char *copy = malloc(to - from);
        ssize_t got = copy != NULL ? pread(mem, copy, to - from, (off_t)from) : -1;
        if (got > 0) {
            look(all, n, copy, (size_t)got);
            seen += (size_t)got;
        }
        free(copy);
    }
    if (maps != NULL)
        fclose(maps);
    if (mem >= 0)
        close(mem);
    return seen;
}

typedef struct keys {
    unsigned char salted[32], client[32], server[32];
} keys;

/* SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey. Only if what is computed here is what the
 * server has will it be found where it is. */
static bool derive(keys *k, const char *password, const char *verifier)
{
    int iterations;
    char salt[64], stored64[64], server64[64];
    unsigned char raw[64], stored[64], server[64], digest[32];
    if (sscanf(verifier, "SCRAM-SHA-256$%d:%63[^$]$%63[^:]:%63s", &iterations, salt, stored64,
               server64) != 4)
        return false;
    int n = EVP_DecodeBlock(raw, (const unsigned char *)salt, (int)strlen(salt));
    for (size_t i = strlen(salt); n > 0 && salt[i - 1] == '='; i--)
        n--;
    if (n <= 0 ||
        EVP_DecodeBlock(stored, (const unsigned char *)stored64, (int)strlen(stored64)) < 32 ||
        EVP_DecodeBlock(server, (const unsigned char *)server64, (int)strlen(server64)) < 32)
        return false;
    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), raw, n, iterations, EVP_sha256(), 32,
                      k->salted);
    HMAC(EVP_sha256(), k->salted, 32, (const unsigned char *)"Client Key", 10, k->client, NULL);
    HMAC(EVP_sha256(), k->salted, 32, (const unsigned char *)"Server Key", 10, k->server, NULL);
    SHA256(k->client, 32, digest);
    return memcmp(digest, stored, 32) == 0 && memcmp(k->server, server, 32) == 0;
}

static int search(int pid, const char *password, const char *verifier)
{
    keys k;
    char connected[18]; /* not as a literal: that would be in every process of this program */
    for (size_t i = 0; i < sizeof connected; i++)
        connected[i] = i == 0 ? 'H' : marker[i];
    wanted all[] = {{"marker", connected, sizeof connected, false},
                    {"secret", password, strlen(password), false},
                    {"salted password", k.salted, 32, false},
                    {"client key", k.client, 32, false},
                    {"server key", k.server, 32, false}};
    size_t n = verifier != NULL ? sizeof all / sizeof *all : 2;
    if (verifier != NULL && !derive(&k, password, verifier)) {
        fprintf(stderr, "live_core: this verifier is of another password\n");
        return 2;
    }
    size_t seen = look_through(pid, all, n);
    if (!all[0].found) {
        fprintf(stderr, "live_core: nothing of process %d could be read (%zu bytes)\n", pid, seen);
        return 3;
    }
    int status = 0;
    for (size_t i = 1; i < n; i++)
        if (all[i].found) {
            printf("%s\n", all[i].name);
            status = 1;
        }
    return status;
}

static int print_verifier(void)
{
    static const char sql[] = "select rolpassword from pg_authid where rolname = current_user";
    tusk_conn *c;
    tusk_result *r = NULL;
    tusk_slice verifier;
    int status = tusk_open(&c, NULL);
    if (status == TUSK_OK)
        status = tusk_exec(c, &r, sql, TUSK_NOARGS);
    if (status == TUSK_OK)
        status = tusk_get_text(tusk_result_row(r, 0), 0, &verifier);
    if (status == TUSK_OK)
        printf("%.*s\n", (int)verifier.len, verifier.ptr);
    tusk_result_free(r);
    tusk_close(c);
    return status == TUSK_OK ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "verifier") == 0)
        return print_verifier();
    if (argc == 4 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argv[3]);
    if (argc >= 4 && strcmp(argv[1], "search") == 0)
        return search(atoi(argv[2]), argv[3], argc > 4 ? argv[4] : NULL);
    return 2;
}
