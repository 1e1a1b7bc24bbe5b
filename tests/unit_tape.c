/* tests/unit_tape.c: the tape engine itself: what a tape says is what is sent and expected. That a
 * tape which expects the wrong thing fails is shown by tests/wire/bad. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "tests/tape.h"
#include "tests/tape_wire.h"

/* ── words ── */

static void split_into(tape_tokens *t, const char *line)
{
    memset(t, 0, sizeof *t);
    assert_null(tape_split(line, strlen(line), t));
}

static void splits_at_blanks_outside_of_quotes(void **state)
{
    (void)state;
    tape_tokens t;
    split_into(&t, "  F Parse \"\" \"a b \\\" # c\" x=\"y z\" # a comment");
    const char *expected[] = {"F", "Parse", "\"\"", "\"a b \\\" # c\"", "x=\"y z\""};
    assert_int_equal(t.n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(t.at[i], expected[i]);
    tape_tokens_free(&t);
    assert_non_null(tape_split("\"open", 5, &t));
    tape_tokens_free(&t);
}

static void check_bytes(const char *token, const char *expected, size_t n)
{
    bytes b = {0};
    bool null;
    assert_true(tape_bytes(token, &b, &null));
    assert_false(null);
    assert_int_equal(b.len, n);
    assert_memory_equal(bytes_text(&b), expected, n);
    bytes_free(&b);
}
#define CHECK_BYTES(token, expected) check_bytes(token, expected, sizeof(expected) - 1)

static void spells_bytes(void **state)
{
    (void)state;
    CHECK_BYTES("\"a\\n\\0\\x41\\\\\\\"\"", "a\n\0A\\\"");
    CHECK_BYTES("int2:-2", "\xff\xfe");
    CHECK_BYTES("int2:65535", "\xff\xff");
    CHECK_BYTES("int4:7", "\0\0\0\7");
    CHECK_BYTES("int4:0xffffffff", "\xff\xff\xff\xff");
    CHECK_BYTES("int8:-1", "\xff\xff\xff\xff\xff\xff\xff\xff");
    CHECK_BYTES("float8:1.5", "\x3f\xf8\0\0\0\0\0\0");
    CHECK_BYTES("hex:00fF", "\0\xff");
    CHECK_BYTES("zero:3", "\0\0\0");
    CHECK_BYTES("fill:3:x", "xxx");
    CHECK_BYTES("cstr:\"a\"", "a\0");
}

static void refuses_what_spells_nothing(void **state)
{
    (void)state;
    const char *bad[] = {"word",    "\"open",    "\"\\q\"",  "\"\\x4\"", "\"a\"b",     "int2:65536",
                         "int2:x",  "int4:",     "int4:1x",  "hex:0",    "hex:0g",     "zero:-1",
                         "fill:3:", "fill:3:xy", "float8:x", "cstr:x",   "int2:-32769"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        bytes b = {0};
        bool null;
        if (tape_bytes(bad[i], &b, &null))
            fail_msg("%s was taken", bad[i]);
        bytes_free(&b);
    }
    bytes b = {0};
    bool null;
    assert_true(tape_bytes("NULL", &b, &null));
    assert_true(null);
    assert_int_equal(b.len, 0);
}

static void reads_durations(void **state)
{
    (void)state;
    int64_t ns;
    assert_true(tape_duration("2s", &ns));
    assert_int_equal(ns, 2000000000);
    assert_true(tape_duration("3ms", &ns));
    assert_int_equal(ns, 3000000);
    assert_false(tape_duration("3", &ns));
    assert_false(tape_duration("s", &ns));
    assert_false(tape_duration("3h", &ns));
}

/* ── comparison ── */

static bool matches(const char *expected, const char *line, tape_vars *vars)
{
    tape_tokens raw, normal = {0};
    split_into(&raw, expected);
    normal.at = must_alloc((raw.n + 1) * sizeof(char *));
    for (; normal.n < raw.n; normal.n++)
        normal.at[normal.n] = tape_normal(raw.at[normal.n]);
    bool ok = tape_match(&normal, line, vars);
    tape_tokens_free(&raw);
    tape_tokens_free(&normal);
    return ok;
}

static void compares_lines(void **state)
{
    (void)state;
    tape_vars v = {0};
    assert_true(matches("q row int4:1 NULL", "q row \"\\x00\\x00\\x00\\x01\" NULL", &v));
    assert_false(matches("q row int4:1", "q row \"\\x00\\x00\\x00\\x02\"", &v));
    assert_false(matches("q row", "q row \"x\"", &v));
    assert_false(matches("q row \"x\"", "q row", &v));
    assert_true(matches("q * ...", "q row \"x\" \"y\"", &v));
    assert_true(matches("q row ...", "q row", &v));
    assert_false(matches("q row * ...", "q row", &v));
    assert_true(matches("closed ~\"bc\"", "closed \"abcd\"", &v));
    assert_false(matches("closed ~\"bd\"", "closed \"abcd\"", &v));
    assert_false(matches("closed ~\"bc\"", "closed abcd", &v));
    assert_true(matches("columns a:int4", "columns \"a\":int4:1:0:0:4:-1", &v));
    assert_false(matches("columns a:int4:0", "columns \"a\":int4:1:0:0:4:-1", &v));
    assert_true(matches("columns \"a b\":99:0:7:3:-2:12", "columns \"a b\":99:0:7:3:-2:12", &v));
}

static void remembers_names(void **state)
{
    (void)state;
    tape_vars v = {0};
    assert_true(matches("Parse $s", "Parse \"one\"", &v));
    assert_true(matches("Bind $s", "Bind \"one\"", &v));
    assert_false(matches("Bind $s", "Bind \"two\"", &v));
    assert_false(matches("Parse $t", "Parse \"one\"", &v));
    assert_true(matches("Parse $t", "Parse \"two\"", &v));
    assert_false(matches("Execute $u", "Execute 0", &v));
    tape_vars_clear(&v);
}

/* ── messages ── */

static void check_backend(const char *line, const char *expected, size_t n)
{
    tape_tokens t;
    bytes b = {0};
    split_into(&t, line);
    assert_null(tape_backend(&t, &b));
    assert_int_equal(b.len, n);
    assert_memory_equal(b.data, expected, n);
    bytes_free(&b);
    tape_tokens_free(&t);
}
#define CHECK_BACKEND(line, expected) check_backend(line, expected, sizeof(expected) - 1)

static void writes_backend_messages(void **state)
{
    (void)state;
    CHECK_BACKEND("AuthenticationOk", "R\0\0\0\x08\0\0\0\0");
    CHECK_BACKEND("AuthenticationMD5Password \"salt\"", "R\0\0\0\x0c\0\0\0\x05salt");
    CHECK_BACKEND("AuthenticationSASL \"A\" \"BC\"", "R\0\0\0\x0e\0\0\0\x0a"
                                                     "A\0"
                                                     "BC\0"
                                                     "\0");
    CHECK_BACKEND("NegotiateProtocolVersion 3.2 _pq_.x",
                  "v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0");
    CHECK_BACKEND("BackendKeyData 7 \"keys\"", "K\0\0\0\x0c\0\0\0\x07keys");
    CHECK_BACKEND("ParameterStatus a \"b c\"", "S\0\0\0\x0a"
                                               "a\0b c\0");
    CHECK_BACKEND("ReadyForQuery I", "Z\0\0\0\x05I");
    CHECK_BACKEND("ErrorResponse S=ERROR M=\"x y\"", "E\0\0\0\x11SERROR\0Mx y\0\0");
    CHECK_BACKEND("NotificationResponse -1 c p", "A\0\0\0\x0c\xff\xff\xff\xff"
                                                 "c\0p\0");
    CHECK_BACKEND("ParseComplete", "1\0\0\0\x04");
    CHECK_BACKEND("RowDescription a:int4", "T\0\0\0\x1a\0\x01"
                                           "a\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01");
    CHECK_BACKEND("RowDescription", "T\0\0\0\x06\0\0");
    CHECK_BACKEND("ParameterDescription int4 0", "t\0\0\0\x0e\0\x02\0\0\0\x17\0\0\0\0");
    CHECK_BACKEND("DataRow \"x\" NULL \"\"",
                  "D\0\0\0\x13\0\x03\0\0\0\x01x\xff\xff\xff\xff\0\0\0\0");
    CHECK_BACKEND("CommandComplete \"SELECT 1\"", "C\0\0\0\x0dSELECT 1\0");
    CHECK_BACKEND("CopyInResponse 1 0 1", "G\0\0\0\x0b\x01\0\x02\0\0\0\x01");
    CHECK_BACKEND("CopyData \"x\\n\"", "d\0\0\0\x06x\n");
    CHECK_BACKEND("FunctionCallResponse NULL", "V\0\0\0\x08\xff\xff\xff\xff");
    CHECK_BACKEND("raw \"S\" 52 0000", "SR\0\0");
    CHECK_BACKEND("msg Z len=3 \"x\"", "Z\0\0\0\x03x");
    CHECK_BACKEND("msg hex:00 int2:1", "\0\0\0\0\x06\0\x01");
}

static void refuses_odd_backend_lines(void **state)
{
    (void)state;
    const char *bad[] = {"NoSuchMessage",
                         "ParseComplete x",
                         "ParameterStatus a",
                         "BackendKeyData x",
                         "RowDescription a",
                         "RowDescription a:nosuchtype",
                         "DataRow word",
                         "ErrorResponse ERROR",
                         "NegotiateProtocolVersion 3",
                         "raw 5",
                         "msg ab",
                         "msg",
                         "CopyInResponse",
                         "FunctionCallResponse",
                         "msg Z len=x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tape_tokens t;
        bytes b = {0};
        split_into(&t, bad[i]);
        if (tape_backend(&t, &b) == NULL)
            fail_msg("%s was taken", bad[i]);
        bytes_free(&b);
        tape_tokens_free(&t);
    }
}

static void check_frontend(const char *message_bytes, size_t n, bool started, const char *hint,
                           const char *expected)
{
    bytes line = {0};
    assert_int_equal(tape_frontend_length((const uint8_t *)message_bytes, n, started), n);
    tape_frontend((const uint8_t *)message_bytes, n, started, hint, &line);
    assert_string_equal(bytes_text(&line), expected);
    bytes_free(&line);
}
#define CHECK_FRONTEND(wire, started, hint, expected)                                              \
    check_frontend(wire, sizeof(wire) - 1, started, hint, expected)

static void reads_frontend_messages(void **state)
{
    (void)state;
    CHECK_FRONTEND("\0\0\0\x08\x04\xd2\x16\x2f", false, "", "SSLRequest");
    CHECK_FRONTEND("\0\0\0\x11\0\x03\0\x02user\0al\0\0", false, "",
                   "StartupMessage 3.2 user \"al\"");
    CHECK_FRONTEND("\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07keys", false, "",
                   "CancelRequest 7 \"keys\"");
    CHECK_FRONTEND("p\0\0\0\x07pw\0", true, "", "PasswordMessage \"pw\"");
    CHECK_FRONTEND("p\0\0\0\x0bM\0\0\0\0\x01x", true, "SASLInitialResponse",
                   "SASLInitialResponse \"M\" \"x\"");
    CHECK_FRONTEND("p\0\0\0\x05x", true, "SASLResponse", "SASLResponse \"x\"");
    CHECK_FRONTEND("P\0\0\0\x12n\0s\0\0\x02\0\0\0\x17\0\0\0\0", true, "",
                   "Parse \"n\" \"s\" int4 0");
    CHECK_FRONTEND("B\0\0\0\x18\0s\0\0\x01\0\x01\0\x02\0\0\0\x01x\xff\xff\xff\xff\0\0", true, "",
                   "Bind \"\" \"s\" (1) \"x\" NULL ()");
    CHECK_FRONTEND("D\0\0\0\x06P\0", true, "", "Describe P \"\"");
    CHECK_FRONTEND("E\0\0\0\x09\0\0\0\0\x07", true, "", "Execute \"\" 7");
    CHECK_FRONTEND("S\0\0\0\x04", true, "", "Sync");
    CHECK_FRONTEND("d\0\0\0\x06\0x", true, "", "CopyData \"\\x00x\"");
    CHECK_FRONTEND("S\0\0\0\x05x", true, "", "malformed \"S\\x00\\x00\\x00\\x05x\"");
    CHECK_FRONTEND("Q\0\0\0\x05x", true, "", "malformed \"Q\\x00\\x00\\x00\\x05x\"");
}

static void knows_what_is_no_message(void **state)
{
    (void)state;
    assert_int_equal(tape_frontend_length((const uint8_t *)"S\0\0\0", 4, true), 0);
    assert_int_equal(tape_frontend_length((const uint8_t *)"Q\0\0\0\6x", 6, true), 0);
    assert_int_equal(tape_frontend_length((const uint8_t *)"?\0\0\0\4", 5, true), -1);
    assert_int_equal(tape_frontend_length((const uint8_t *)"S\0\0\0\3", 5, true), -1);
    assert_int_equal(tape_frontend_length((const uint8_t *)"S\xff\xff\xff\xff", 5, true), -1);
}

static void names_the_line_that_is_wrong(void **state)
{
    (void)state;
    tape t;
    const char text[] = "set a b\n\n# comment\nB NoSuchMessage\n";
    assert_false(tape_parse(&t, "some.tape", text, sizeof text - 1));
    assert_string_equal(t.error, "some.tape:4: no such backend message");
    tape_free(&t);
}

/* ── the allocator ── */

static void fails_on_demand(void **state)
{
    (void)state;
    test_alloc once = {.fail_at = 2};
    void *a = counted_realloc(&once, NULL, 10);
    assert_non_null(a);
    assert_null(counted_realloc(&once, a, 20));
    void *b = counted_realloc(&once, a, 20);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_int_equal(once.live, 1);
    assert_null(counted_realloc(&once, b, 0));
    assert_int_equal(once.live, 0);
    assert_int_equal(once.failures, 1);
    test_alloc on = {.fail_at = 2, .fail_on = true};
    a = counted_realloc(&on, NULL, 10);
    assert_null(counted_realloc(&on, NULL, 10));
    assert_null(counted_realloc(&on, NULL, 10));
    counted_realloc(&on, a, 0);
    assert_int_equal(on.live, 0);
}

/* Does reading this byte end the process? */
static bool deadly(const volatile uint8_t *p)
{
    pid_t pid = fork();
    if (pid == 0) {
        close(STDERR_FILENO);
        signal(SIGSEGV, SIG_DFL);
        (void)*p;
        _exit(0);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void guards_and_fences(void **state)
{
    (void)state;
    test_alloc a = {.guard = true, .skew = 100};
    uint8_t *p = counted_realloc(&a, NULL, 64);
    assert_false(deadly(p + 63));
    assert_true(deadly(p + 64));
    counted_realloc(&a, p, 0);
    p = counted_realloc(&a, NULL, 16384);
    assert_int_equal((uintptr_t)(p + 100) % 4096, 0);
    test_fence(&a, p, 100, 16384);
    assert_false(deadly(p + 99));
    assert_true(deadly(p + 100));
    test_unfence(&a);
    assert_false(deadly(p + 100));
    test_fence(&a, p, 100, 16384);
    counted_realloc(&a, p, 0);
    assert_int_equal(a.live, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_at_blanks_outside_of_quotes),
        cmocka_unit_test(spells_bytes),
        cmocka_unit_test(refuses_what_spells_nothing),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(compares_lines),
        cmocka_unit_test(remembers_names),
        cmocka_unit_test(writes_backend_messages),
        cmocka_unit_test(refuses_odd_backend_lines),
        cmocka_unit_test(reads_frontend_messages),
        cmocka_unit_test(knows_what_is_no_message),
        cmocka_unit_test(names_the_line_that_is_wrong),
        cmocka_unit_test(fails_on_demand),
        cmocka_unit_test(guards_and_fences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
