/* tests/unit_resolve.c: names to addresses, and the order in which they are tried. getaddrinfo is
 * replaced, so that answers, failures and delays are the test's own and no name server is asked;
 * numeric names still go to libc's. */
#include <errno.h>
#include <fcntl.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/net/hosts.h"
#include "lib/net/resolve.h"

/* ── the resolver under control ── */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int blocked, released, answered; /* how many are in it, may leave it, have left it */
static atomic_int signals_open;         /* signals that a resolving thread would have taken */

static void enter_resolver(const char *name)
{
    sigset_t mask;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!sigismember(&mask, SIGUSR1) || !sigismember(&mask, SIGPIPE) || !sigismember(&mask, SIGINT))
        atomic_fetch_add(&signals_open, 1);
    (void)pthread_mutex_lock(&lock);
    if (strcmp(name, "slow.test") == 0) {
        blocked++;
        (void)pthread_cond_broadcast(&changed);
        while (released == 0)
            (void)pthread_cond_wait(&changed, &lock);
        released--;
        blocked--;
    }
    answered++;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

static void wait_for(const int *what, int value)
{
    (void)pthread_mutex_lock(&lock);
    while (*what != value)
        (void)pthread_cond_wait(&changed, &lock);
    (void)pthread_mutex_unlock(&lock);
}

static void release(int n)
{
    (void)pthread_mutex_lock(&lock);
    released += n;
    (void)pthread_cond_broadcast(&changed);
    (void)pthread_mutex_unlock(&lock);
}

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

int getaddrinfo(const char *name, const char *port, const struct addrinfo *hints,
                struct addrinfo **list)
{
    static const struct {
        const char *name;
        int code;
    } failures[] = {{"missing.test", EAI_NONAME},
                    {"later.test", EAI_AGAIN},
                    {"broken.test", EAI_SYSTEM},
                    {"memory.test", EAI_MEMORY}};
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    resolver *real;
    memcpy(&real, &symbol, sizeof real);
    if ((hints->ai_flags & AI_NUMERICHOST) != 0)
        return real(name, port, hints, list);
    enter_resolver(name);
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (strcmp(failures[i].name, name) == 0) {
            errno = EMFILE;
            return failures[i].code;
        }
    }
    struct addrinfo *more = NULL;
    int code = real("192.0.2.1", port, hints, list);
    if (code == 0 && strcmp(name, "two.test") == 0)
        code = real("2001:db8::1", port, hints, &more);
    if (more != NULL)
        (*list)->ai_next = more;
    return code;
}

/* One by one, because such a list is made of two of libc's. */
void freeaddrinfo(struct addrinfo *list)
{
    void *symbol = dlsym(RTLD_NEXT, "freeaddrinfo");
    void (*real)(struct addrinfo *);
    memcpy(&real, &symbol, sizeof real);
    for (struct addrinfo *next; list != NULL; list = next) {
        next = list->ai_next;
        list->ai_next = NULL;
        real(list);
    }
}

/* ── helpers ── */

static int open_fds(void)
{
    int n = 0;
    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Every thread that was started has let go of everything: its descriptors are closed. */
static void assert_fds(int expected)
{
    for (int i = 0; i < 2000 && open_fds() != expected; i++)
        (void)usleep(1000);
    assert_int_equal(open_fds(), expected);
}

/* Lets the thread pass its last steps, which leave nothing that could be waited for. */
static void settle(void)
{
    (void)usleep(20000);
}

static tusk__resolve *start(const char *name, int *fd)
{
    tusk__resolve *r;
    char error[256] = "";
    int status = tusk__resolve_start(&r, name, 5432, fd, error, sizeof error);
    if (status != TUSK_OK)
        fail_msg("%s: %s", name, error);
    return r;
}

static void wait_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_true((p.revents & POLLIN) != 0);
}

/* Resolves and compares the addresses as texts, with spaces between. */
static void assert_addresses(const char *name, bool at_once, const char *expected)
{
    const tusk__address *addresses;
    size_t n;
    int fd;
    char error[256] = "", texts[512] = "", text[128];
    tusk__resolve *r = start(name, &fd);
    assert_int_equal(fd == -1, at_once);
    if (fd >= 0)
        wait_readable(fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            (void)strcat(texts, " ");
        (void)strcat(texts, tusk__address_text(&addresses[i], text, sizeof text));
    }
    assert_string_equal(texts, expected);
    tusk__resolve_free(r);
}

static void assert_fails(const char *name, int status, const char *message)
{
    const tusk__address *addresses;
    size_t n;
    int fd;
    char error[512] = "";
    tusk__resolve *r = start(name, &fd);
    if (fd >= 0)
        wait_readable(fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), status);
    assert_string_equal(error, message);
    assert_null(addresses);
    assert_int_equal(n, 0);
    tusk__resolve_free(r);
}

/* ── tests ── */

static void numeric_addresses(void **state)
{
    (void)state;
    assert_addresses("192.0.2.7", true, "192.0.2.7");
    assert_addresses("::1", true, "::1");
    assert_addresses("2001:DB8:0::5", true, "2001:db8::5");
    const tusk__address *addresses;
    size_t n;
    int fd;
    char error[256];
    tusk__resolve *r = start("192.0.2.7", &fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    struct sockaddr_in in;
    memcpy(&in, &addresses[0].addr, sizeof in);
    assert_int_equal(addresses[0].len, sizeof in);
    assert_int_equal(in.sin_port, htons(5432));
    tusk__resolve_free(r);
}

static void names(void **state)
{
    (void)state;
    int fds = open_fds();
    assert_addresses("one.test", false, "192.0.2.1");
    assert_addresses("two.test", false, "192.0.2.1 2001:db8::1");
    assert_fds(fds);
    assert_int_equal(atomic_load(&signals_open), 0);
}

static void failures(void **state)
{
    (void)state;
    char message[256];
    int fds = open_fds();
    static const char format[] = "could not translate host name \"%s\" to address: %s";
    (void)snprintf(message, sizeof message, format, "missing.test", gai_strerror(EAI_NONAME));
    assert_fails("missing.test", TUSK_EDNS, message);
    (void)snprintf(message, sizeof message, format, "later.test", gai_strerror(EAI_AGAIN));
    assert_fails("later.test", TUSK_EDNS, message);
    (void)snprintf(message, sizeof message, format, "broken.test", strerror(EMFILE));
    assert_fails("broken.test", TUSK_EDNS, message);
    (void)snprintf(message, sizeof message, format, "", gai_strerror(EAI_NONAME));
    assert_fails("", TUSK_EDNS, message);
    assert_fails("memory.test", TUSK_ENOMEM, "out of memory");
    assert_fds(fds);
}

static void not_yet(void **state)
{
    (void)state;
    const tusk__address *addresses;
    size_t n;
    int fd, fds = open_fds();
    char error[256];
    tusk__resolve *r = start("slow.test", &fd);
    wait_for(&blocked, 1);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_EAGAIN);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    release(1);
    wait_readable(fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    assert_int_equal(n, 1);
    tusk__resolve_free(r);
    assert_fds(fds);
}

static void freed_while_running(void **state)
{
    (void)state;
    enum { MANY = 20 };
    int fd, fds = open_fds(), before = answered;
    for (int i = 0; i < MANY; i++) {
        tusk__resolve *r = start("slow.test", &fd);
        tusk__resolve_free(r);
        assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed at once */
        tusk__resolve_free(NULL);
    }
    wait_for(&blocked, MANY);
    release(MANY);
    wait_for(&answered, before + MANY);
    assert_fds(fds);
}

/* Freeing at the very moment of the answer, many times. */
static void freed_as_the_answer_comes(void **state)
{
    (void)state;
    int fds = open_fds();
    for (int i = 0; i < 300; i++) {
        const tusk__address *addresses;
        size_t n;
        int fd;
        char error[256];
        tusk__resolve *r = start("one.test", &fd);
        for (int spin = i % 30; spin > 0; spin--)
            (void)tusk__resolve_take(r, &addresses, &n, error, sizeof error);
        tusk__resolve_free(r);
    }
    assert_fds(fds);
}

static void no_descriptors_left(void **state)
{
    (void)state;
    struct rlimit before, none;
    int fd;
    tusk__resolve *r;
    char error[256] = "", expected[256];
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int status = tusk__resolve_start(&r, "one.test", 1, &fd, error, sizeof error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    (void)snprintf(expected, sizeof expected, "could not resolve host name \"one.test\": %s",
                   strerror(EMFILE));
    assert_int_equal(status, TUSK_EIO);
    assert_string_equal(error, expected);
    assert_null(r);
    assert_int_equal(fd, -1);
}

static void unix_sockets(void **state)
{
    (void)state;
    const tusk__address *addresses;
    size_t n;
    int fd;
    char error[512], text[128], name[256];
    struct sockaddr_un to;
    const size_t head = offsetof(struct sockaddr_un, sun_path);
    assert_addresses("/run/postgresql", true, "/run/postgresql/.s.PGSQL.5432");
    assert_addresses("@tusk", true, "@tusk/.s.PGSQL.5432");
    tusk__resolve *r = start("@tusk", &fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    memcpy(&to, &addresses[0].addr, sizeof to);
    assert_int_equal(to.sun_family, AF_UNIX);
    assert_int_equal(addresses[0].len, head + strlen("@tusk/.s.PGSQL.5432"));
    assert_memory_equal(to.sun_path, "\0tusk/.s.PGSQL.5432", strlen("@tusk/.s.PGSQL.5432"));
    tusk__resolve_free(r);
    /* the longest that fits, and one byte more */
    size_t longest = sizeof to.sun_path - 1 - strlen("/.s.PGSQL.5432");
    memset(name, 'x', sizeof name);
    name[0] = '/';
    name[longest] = '\0';
    r = start(name, &fd);
    assert_int_equal(tusk__resolve_take(r, &addresses, &n, error, sizeof error), TUSK_OK);
    assert_int_equal(addresses[0].len, head + sizeof to.sun_path);
    assert_int_equal(strlen(tusk__address_text(&addresses[0], text, sizeof text)),
                     sizeof to.sun_path - 1);
    tusk__resolve_free(r);
    name[longest] = 'x';
    name[longest + 1] = '\0';
    assert_int_equal(tusk__resolve_start(&r, name, 5432, &fd, error, sizeof error), TUSK_ECONFIG);
    assert_null(r);
    assert_non_null(strstr(error, "is too long (108 bytes, maximum 107 bytes)"));
    assert_non_null(strstr(error, name));
}

/* ── the order of attempts ── */

static uint32_t dice;

static int roll(void *out, size_t n)
{
    uint32_t value = dice = dice * 1664525 + 1013904223;
    value ^= value >> 16;
    assert_int_equal(n, sizeof value);
    memcpy(out, &value, sizeof value);
    return TUSK_OK;
}

static int no_dice(void *out, size_t n)
{
    (void)out;
    (void)n;
    return TUSK_EAUTH;
}

static void order_of_hosts(void **state)
{
    (void)state;
    const tusk__crypto crypto = {.random = roll}, broken = {.random = no_dice};
    size_t order[3], seen[6] = {0};
    assert_int_equal(tusk__hosts_order(order, 3, NULL), TUSK_OK);
    assert_true(order[0] == 0 && order[1] == 1 && order[2] == 2);
    for (int i = 0; i < 6000; i++) {
        assert_int_equal(tusk__hosts_order(order, 3, &crypto), TUSK_OK);
        assert_int_equal(1 << order[0] | 1 << order[1] | 1 << order[2], 7);
        seen[order[0] * 2 + (order[1] > order[2])]++;
    }
    for (int i = 0; i < 6; i++) /* each of the six orders about as often */
        assert_in_range(seen[i], 850, 1150);
    assert_int_equal(tusk__hosts_order(order, 3, &broken), TUSK_EAUTH);
    assert_int_equal(tusk__hosts_order(order, 1, &broken), TUSK_OK);
    assert_int_equal(tusk__hosts_order(order, 0, &broken), TUSK_OK);
}

static void order_of_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *families, *order;
    } cases[] = {
        {"4", "0"},         {"44", "01"},     {"46", "01"},
        {"664", "021"},     {"6644", "0213"}, {"46644", "01324"},
        {"66644", "03142"}, {"4446", "0312"}, {"666444", "031425"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tusk__address addresses[8];
        size_t order[8], n = strlen(cases[i].families);
        char text[9] = "";
        memset(addresses, 0, sizeof addresses);
        for (size_t k = 0; k < n; k++)
            addresses[k].addr.ss_family = cases[i].families[k] == '6' ? AF_INET6 : AF_INET;
        assert_int_equal(tusk__addresses_order(order, addresses, n, NULL), TUSK_OK);
        for (size_t k = 0; k < n; k++)
            text[k] = (char)('0' + order[k]);
        assert_string_equal(text, cases[i].order);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_addresses),
        cmocka_unit_test(names),
        cmocka_unit_test(failures),
        cmocka_unit_test(not_yet),
        cmocka_unit_test(freed_while_running),
        cmocka_unit_test(freed_as_the_answer_comes),
        cmocka_unit_test(no_descriptors_left),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(order_of_hosts),
        cmocka_unit_test(order_of_addresses),
    };
    int failed = cmocka_run_group_tests_name("resolve", tests, NULL, NULL);
    settle();
    return failed;
}
