/* tests/unit_fault_proxy.c: the fault proxy does to a connection what its plan says, and nothing
 * else. Behind it stands a thread that echoes bytes, or answers as a server would. */
#include "tests/fault_proxy.h"
#include "tests/support/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 300 << 10 };

static struct {
    int listener;
    bool postgres; /* answers messages; otherwise echoes */
    pthread_t thread;
    atomic_uint queries, cancels;
    atomic_ulong bytes; /* received on the last connection */
    fault_proxy *proxy;
    fault_plan plan;
} t;

static int64_t now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

/* ── behind the proxy ─────────────────────────────────────────────────────────────────────── */

static bool send_all(int fd, const void *p, size_t n)
{
    const char *at = p;
    while (n > 0) {
        ssize_t part = send(fd, at, n, MSG_NOSIGNAL);
        if (part <= 0)
            return false;
        at += part;
        n -= (size_t)part;
    }
    return true;
}

static void answer(int fd, bytes *in, bool *started)
{
    bytes out = {0};
    for (;;) {
        size_t head = *started ? 5 : 4;
        if (in->len < head || in->len < load_u32(in->data + head - 4) + head - 4)
            break;
        size_t n = load_u32(in->data + head - 4) + head - 4;
        if (*started && in->data[0] == 'Q') {
            t.queries++;
            message(&out, 'C', "COMMIT", 7);
            message(&out, 'Z', "I", 1);
        } else if (!*started && load_u32(in->data + 4) == 80877102) {
            t.cancels++;
        } else if (!*started) {
            *started = true;
            message(&out, 'R', "\0\0\0\0", 4);
            message(&out, 'Z', "I", 1);
        }
        bytes_shift(in, n);
    }
    send_all(fd, out.data, out.len);
    bytes_free(&out);
}

static void *serve(void *ud)
{
    static uint8_t piece[64 << 10];
    (void)ud;
    for (int fd; (fd = accept(t.listener, NULL, NULL)) >= 0; close(fd)) {
        bytes in = {0};
        bool started = false;
        t.bytes = 0;
        for (ssize_t n; (n = recv(fd, piece, sizeof piece, 0)) > 0;) {
            t.bytes += (unsigned long)n;
            if (!t.postgres) {
                send_all(fd, piece, (size_t)n);
                continue;
            }
            bytes_add(&in, piece, (size_t)n);
            answer(fd, &in, &started);
        }
        bytes_free(&in);
    }
    return NULL;
}

static fault_plan planned(void *ud, unsigned number)
{
    (void)ud;
    (void)number;
    return t.plan;
}

/* ── in front of it ───────────────────────────────────────────────────────────────────────── */

static void begin(bool postgres, fault_plan plan)
{
    fault_options o = {.plan = planned, .weights[FAULT_LATE_CANCEL] = 1, .stall_ms = 300};
    struct sockaddr_in *in = (struct sockaddr_in *)&o.upstream;
    o.upstream_len = sizeof *in;
    t.postgres = postgres;
    t.plan = plan;
    t.queries = t.cancels = 0;
    t.listener = socket(AF_INET, SOCK_STREAM, 0);
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(t.listener, (struct sockaddr *)in, sizeof *in), 0);
    assert_int_equal(listen(t.listener, 16), 0);
    assert_int_equal(getsockname(t.listener, (struct sockaddr *)in, &o.upstream_len), 0);
    assert_int_equal(pthread_create(&t.thread, NULL, serve, NULL), 0);
    t.proxy = fault_proxy_start(&o);
    assert_non_null(t.proxy);
}

static void end(void)
{
    fault_proxy_stop(t.proxy);
    shutdown(t.listener, SHUT_RDWR);
    pthread_join(t.thread, NULL);
    close(t.listener);
}

/* A read that waits longer than this has found out that nothing comes. */
static int client(int patience_ms)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)fault_proxy_port(t.proxy)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval wait = {.tv_sec = patience_ms / 1000, .tv_usec = patience_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof in), 0);
    return fd;
}

static uint8_t pattern(size_t i)
{
    return i < 4 ? 0xff : (uint8_t)(i * 31 + (i >> 8)); /* no length that a message could have */
}

/* Sends n bytes while another thread of the kernel's buffers them; reads until end, silence or n.
 * Checks that what comes is what was sent. */
static size_t echo(int fd, size_t n, int *sys)
{
    uint8_t out[4096], in[4096];
    size_t sent = 0, got = 0;
    *sys = 0;
    while (got < n) {
        size_t part = n - sent < sizeof out ? n - sent : sizeof out;
        for (size_t i = 0; i < part; i++)
            out[i] = pattern(sent + i);
        if (part > 0 && send_all(fd, out, part))
            sent += part;
        ssize_t r = recv(fd, in, sizeof in, 0);
        *sys = r < 0 ? errno : 0;
        if (r <= 0)
            break;
        for (ssize_t i = 0; i < r; i++)
            assert_int_equal(in[i], pattern(got + (size_t)i));
        got += (size_t)r;
    }
    return got;
}

/* The fault may be counted a moment after it was felt. */
static void wait_for_faults(unsigned n)
{
    for (int64_t until = now_ms() + 20000;
         fault_proxy_counts(t.proxy).total < n && now_ms() < until;)
        usleep(1000);
}

static void expect_echo(fault_plan plan, size_t n, size_t wanted, int wanted_sys)
{
    int sys;
    begin(false, plan);
    int fd = client(wanted_sys == EAGAIN ? 300 : 20000);
    assert_int_equal(echo(fd, n, &sys), wanted);
    assert_int_equal(sys, wanted_sys);
    wait_for_faults(plan.fault != FAULT_NONE);
    fault_counts c = fault_proxy_counts(t.proxy);
    assert_int_equal(c.connections, 1);
    assert_int_equal(c.fired[plan.fault], plan.fault != FAULT_NONE);
    assert_int_equal(c.total, plan.fault != FAULT_NONE);
    close(fd);
    end();
}

static void test_passes_on(void **state)
{
    (void)state;
    expect_echo((fault_plan){.fault = FAULT_NONE}, SIZE, SIZE, 0);
}

static void test_cuts(void **state)
{
    (void)state;
    static const uint64_t places[] = {0, 1, 4, 5000, 20001};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        fault_plan plan = {.fault = FAULT_CUT, .to_client = true, .at = places[i]};
        int sys;
        begin(false, plan);
        int fd = client(20000);
        assert_int_equal(echo(fd, SIZE, &sys), places[i]);
        assert_int_equal(sys, 0);
        close(fd);
        end();
    }
    fault_plan plan = {.fault = FAULT_RESET, .to_client = true, .at = 100};
    expect_echo(plan, 100, 100, 0);
}

static void test_resets(void **state)
{
    (void)state;
    int sys;
    begin(false, (fault_plan){.fault = FAULT_RESET, .at = 1000});
    int fd = client(20000);
    assert_true(echo(fd, SIZE, &sys) <= 1000);
    assert_int_equal(sys, ECONNRESET);
    close(fd);
    end();
}

static void test_slows(void **state)
{
    (void)state;
    int64_t began = now_ms();
    expect_echo((fault_plan){.fault = FAULT_STALL, .at = 700, .ms = 150}, 8000, 8000, 0);
    assert_true(now_ms() - began >= 150);
    began = now_ms();
    expect_echo((fault_plan){.fault = FAULT_THROTTLE, .to_client = true, .at = 1000, .size = 20},
                4000, 4000, 0);
    assert_true(now_ms() - began >= 80); /* 2000 bytes, 20 in each millisecond */
    expect_echo((fault_plan){.fault = FAULT_SPLIT, .to_client = true, .at = 3, .size = 3000}, 8000,
                8000, 0);
}

static void test_black_hole(void **state)
{
    (void)state;
    expect_echo((fault_plan){.fault = FAULT_BLACK_HOLE, .to_client = true, .at = 123}, 1000, 123,
                EAGAIN);
}

static void test_half_close(void **state)
{
    (void)state;
    int sys;
    char byte;
    begin(false, (fault_plan){.fault = FAULT_HALF_CLOSE, .to_client = true, .at = 50});
    int fd = client(20000);
    assert_int_equal(echo(fd, 100, &sys), 50);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    assert_true(send_all(fd, "more", 4)); /* the other way is open */
    for (int64_t until = now_ms() + 20000; t.bytes < 104 && now_ms() < until;)
        usleep(1000);
    assert_int_equal(t.bytes, 104);
    close(fd);
    end();
}

static void test_refuses(void **state)
{
    (void)state;
    char byte;
    begin(false, (fault_plan){.fault = FAULT_REFUSE});
    int fd = client(20000);
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    end();
}

static size_t read_until_end(int fd, size_t enough)
{
    char in[256];
    size_t got = 0;
    for (ssize_t n; got < enough && (n = recv(fd, in, sizeof in, 0)) > 0;)
        got += (size_t)n;
    return got;
}

/* The start-up's answer has 15 bytes, that of a query 18. */
static void test_eats_reply(void **state)
{
    (void)state;
    static const uint8_t startup[] = {0, 0, 0, 8, 0, 3, 0, 0};
    static const uint8_t query[] = {'Q', 0, 0, 0, 12, 's', 'e', 'l', 'e', 'c', 't', ' ', 0};
    static const uint8_t commit[] = {'Q', 0, 0, 0, 11, 'c', 'o', 'm', 'm', 'i', 't', 0};
    begin(true, (fault_plan){.fault = FAULT_EAT_REPLY, .at = 2, .size = 7});
    int fd = client(20000);
    assert_true(send_all(fd, startup, sizeof startup));
    assert_int_equal(read_until_end(fd, 15), 15);
    for (int i = 0; i < 3; i++) {
        assert_true(send_all(fd, query, sizeof query));
        assert_int_equal(read_until_end(fd, 18), 18);
    }
    assert_true(send_all(fd, commit, sizeof commit));
    assert_int_equal(read_until_end(fd, 18), 18);
    assert_true(send_all(fd, commit, sizeof commit));
    assert_int_equal(read_until_end(fd, 100), 7);
    assert_int_equal(t.queries, 5); /* the server has done it */
    wait_for_faults(1);
    assert_int_equal(fault_proxy_counts(t.proxy).fired[FAULT_EAT_REPLY], 1);
    close(fd);
    end();
}

static void test_cancels(void **state)
{
    (void)state;
    static const uint8_t cancel[] = {0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2};
    begin(true, (fault_plan){.fault = FAULT_NONE});
    for (unsigned i = 1; i <= 12; i++) {
        int fd = client(20000);
        assert_true(send_all(fd, cancel, sizeof cancel));
        for (int64_t until = now_ms() + 20000; t.cancels < i && now_ms() < until;)
            usleep(1000);
        assert_int_equal(t.cancels, i);
        close(fd);
    }
    fault_counts c = fault_proxy_counts(t.proxy);
    assert_int_equal(c.cancels, 12);
    assert_in_range(c.fired[FAULT_LATE_CANCEL], 1, 11);
    end();
}

static void test_calms_down(void **state)
{
    (void)state;
    int sys;
    begin(false, (fault_plan){.fault = FAULT_BLACK_HOLE, .at = 10});
    int fd = client(20000);
    assert_true(send_all(fd, "\xff\xff\xff\xff some bytes", 15));
    wait_for_faults(1);
    fault_proxy_calm(t.proxy);
    read_until_end(fd, 100); /* it is closed, which ends this */
    close(fd);
    fd = client(20000);
    assert_int_equal(echo(fd, SIZE, &sys), SIZE);
    close(fd);
    end();
}

static void test_draws(void **state)
{
    (void)state;
    fault_options o = {.seed = 7, .reach = 1000};
    assert_int_equal(fault_plan_draw(&o, 1).fault, FAULT_NONE);
    for (int f = 0; f < FAULTS; f++)
        o.weights[f] = f == FAULT_RESET ? 0 : 1;
    unsigned seen[FAULTS] = {0};
    for (unsigned i = 0; i < 2000; i++) {
        fault_plan p = fault_plan_draw(&o, i), again = fault_plan_draw(&o, i);
        assert_true(p.fault == again.fault && p.to_client == again.to_client && p.at == again.at &&
                    p.ms == again.ms && p.size == again.size);
        assert_true(p.at < 1000);
        seen[p.fault]++;
    }
    for (int f = 0; f < FAULTS; f++)
        assert_int_equal(seen[f] > 0, f != FAULT_RESET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes_on),  cmocka_unit_test(test_cuts),
        cmocka_unit_test(test_resets),     cmocka_unit_test(test_slows),
        cmocka_unit_test(test_black_hole), cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_refuses),    cmocka_unit_test(test_eats_reply),
        cmocka_unit_test(test_cancels),    cmocka_unit_test(test_calms_down),
        cmocka_unit_test(test_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
