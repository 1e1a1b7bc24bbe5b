/* tests/live_core.c: for tests/live_core.sh.
 *   live_core hold DSN [keep]   connects with the password from standard input, forgets it, says
 *                               "ready", and waits to be killed; keep: does not forget it
 *   live_core search CORE PASSWORD [SALT ITERATIONS]
 *                               says which secrets are in the file: the password, and what SCRAM makes
 *                               of it; 0: none, 1: some */
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tusk/tusk.h>

/* Something that has to be in the core, or nothing was searched. */
static volatile char marker[] = "here lie the bytes of live_core";

static int hold(const char *dsn, bool keep)
{
    static char secret[256];
    tusk_config *config;
    tusk_conn *c;
    ssize_t n = read(STDIN_FILENO, secret, sizeof secret - 1);
    if (n < 2 || tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return 2;
    secret[n - 1] = '\0'; /* its end of line */
    int status = tusk_config_parse(config, dsn);
    if (status == TUSK_OK)
        status = tusk_config_set(config, "password", secret);
    if (!keep)
        explicit_bzero(secret, sizeof secret);
    if (status == TUSK_OK)
        status = tusk_config_env(config);
    if (status != TUSK_OK || tusk_open_config(&c, config) != TUSK_OK) {
        fprintf(stderr, "live_core: %s\n", status != TUSK_OK ? dsn : tusk_errmsg(c));
        return 2;
    }
    tusk_config_free(config);
    if (tusk_exec(c, NULL, "select 1", TUSK_NOARGS) != TUSK_OK)
        return 2;
    marker[0] = 'H';
    puts("ready");
    fflush(stdout);
    pause();
    tusk_close(c);
    return 0;
}

static int look(const char *what, const void *core, size_t size, const void *secret, size_t len)
{
    bool there = memmem(core, size, secret, len) != NULL;
    if (there)
        printf("%s\n", what);
    return there;
}

static int search(const char *path, const char *password, const char *salt, int iterations)
{
    unsigned char bytes[256], salted[32], key[32];
    struct stat s;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &s) != 0)
        return 2;
    size_t size = (size_t)s.st_size;
    void *core = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (core == MAP_FAILED)
        return 2;
    if (memmem(core, size, "Here lie the bytes", 18) == NULL)
        return 2;
    int found = look("password", core, size, password, strlen(password));
    if (salt != NULL) {
        int n = EVP_DecodeBlock(bytes, (const unsigned char *)salt, (int)strlen(salt));
        n -= (salt[strlen(salt) - 1] == '=') + (salt[strlen(salt) - 2] == '=');
        PKCS5_PBKDF2_HMAC(password, (int)strlen(password), bytes, n, iterations, EVP_sha256(), 32,
                          salted);
        found += look("salted password", core, size, salted, 32);
        HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Client Key", 10, key, NULL);
        found += look("client key", core, size, key, 32);
        HMAC(EVP_sha256(), salted, 32, (const unsigned char *)"Server Key", 10, key, NULL);
        found += look("server key", core, size, key, 32);
    }
    return found > 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && strcmp(argv[1], "hold") == 0)
        return hold(argv[2], argc > 3);
    if (argc >= 4 && strcmp(argv[1], "search") == 0)
        return search(argv[2], argv[3], argc > 5 ? argv[4] : NULL, argc > 5 ? atoi(argv[5]) : 0);
    return 2;
}
