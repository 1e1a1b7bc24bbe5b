/* tests/unit_trace.c: traced lines against literal text. The lines of an ordinary session are those
 * that libpq 15 writes for the same bytes; where they differ on purpose (one line per message,
 * names of libpq 17, secrets) the test is named after the difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/trace.h"
#include "tests/support/random.h"

/* Body bytes from a literal, which may hold NULs; its own last NUL is not counted. */
#define BODY(text)   text, sizeof(text) - 1
#define COUNT(array) (sizeof(array) / sizeof *(array))

typedef struct sample {
    char type;
    const char *body;
    size_t len;
    const char *line;
} sample;

typedef struct collected {
    char text[4096];
    size_t lines;
} collected;

static void collect(void *ud, const char *line)
{
    collected *c = ud;
    size_t used = strlen(c->text);
    assert_true(used + strlen(line) + 2 < sizeof c->text);
    snprintf(c->text + used, sizeof c->text - used, "%s\n", line);
    c->lines++;
}

static const sample backend_samples[] = {
    {'1', BODY(""), "B\t4\tParseComplete"},
    {'2', BODY(""), "B\t4\tBindComplete"},
    {'3', BODY(""), "B\t4\tCloseComplete"},
    {'c', BODY(""), "B\t4\tCopyDone"},
    {'n', BODY(""), "B\t4\tNoData"},
    {'s', BODY(""), "B\t4\tPortalSuspended"},
    {'I', BODY(""), "B\t4\tEmptyQueryResponse"},
    {'A',
     BODY("\0\0\x66\x8a"
          "ch\0pay load\0"),
     "B\t20\tNotificationResponse\t 26250 \"ch\" \"pay load\""},
    {'C', BODY("INSERT 0 1\0"), "B\t15\tCommandComplete\t \"INSERT 0 1\""},
    {'D', BODY("\0\3\0\0\0\1x\xff\xff\xff\xff\0\0\0\0"), "B\t19\tDataRow\t 3 1 'x' -1 0 ''"},
    {'D',
     BODY("\0\1\0\0\0\x08"
          "a\0\1\xff'\\b\x7f"),
     "B\t18\tDataRow\t 1 8 'a\\x00\\x01\\xff'\\b\\x7f'"},
    {'D', BODY("\0\0"), "B\t6\tDataRow\t 0"},
    {'E', BODY("SERROR\0C22012\0Mdivision by zero\0Fint.c\0L869\0Rint4div\0\0"),
     "B\t58\tErrorResponse\t S \"ERROR\" C \"22012\" M \"division by zero\" F \"int.c\" L \"869\""
     " R \"int4div\" \\x00"},
    {'N', BODY("SNOTICE\0Mhello\0Hh\0\0"),
     "B\t23\tNoticeResponse\t S \"NOTICE\" M \"hello\" H \"h\" \\x00"},
    {'G', BODY("\0\0\2\0\0\0\0"), "B\t11\tCopyInResponse\t \\x00 2 0 0"},
    {'H', BODY("\1\0\2\0\1\0\1"), "B\t11\tCopyOutResponse\t \\x01 2 1 1"},
    {'W', BODY("\0\0\0"), "B\t7\tCopyBothResponse\t \\x00 0"},
    {'S', BODY("TimeZone\0Europe/Rome\0"), "B\t25\tParameterStatus\t \"TimeZone\" \"Europe/Rome\""},
    {'T',
     BODY("\0\2a\0\0\0\x40\1\0\1\0\0\0\x17\0\4\xff\xff\xff\xff\0\1\xc3\xa4\0\0\0\0\0\0\0\0\0\0\x19"
          "\xff\xff\xff\xff\xff\xff\0\0"),
     "B\t47\tRowDescription\t 2 \"a\" 16385 1 23 4 -1 1 \"\xc3\xa4\" 0 0 25 65535 -1 0"},
    {'V', BODY("\0\0\0\2ok"), "B\t10\tFunctionCallResponse\t 2 'ok'"},
    {'V', BODY("\xff\xff\xff\xff"), "B\t8\tFunctionCallResponse\t -1"},
    {'Z', BODY("T"), "B\t5\tReadyForQuery\t T"},
    {'t', BODY("\0\2\0\0\0\x17\0\0\0\x19"), "B\t14\tParameterDescription\t 2 23 25"},
    {'v', BODY("\0\3\0\0\0\0\0\1_pq_.x\0"),
     "B\t19\tNegotiateProtocolVersion\t 196608 1 \"_pq_.x\""},
    {'d', BODY("1\t\\N\n"), "B\t9\tCopyData\t '1\\x09\\N\\x0a'"},
    {'R', BODY("\0\0\0\0"), "B\t8\tAuthenticationOk"},
    {'R', BODY("\0\0\0\3"), "B\t8\tAuthenticationCleartextPassword"},
    {'R', BODY("\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
     "B\t42\tAuthenticationSASL\t \"SCRAM-SHA-256-PLUS\" \"SCRAM-SHA-256\" \"\""},
    {'R', BODY("\0\0\0\x63?"), "B\t9\tAuthentication\t 99"},
};

static const sample frontend_samples[] = {
    {'P', BODY("st\0insert into t values ($1,$2,$3)\0\0\3\0\0\0\x17\0\0\0\0\0\0\0\x11"),
     "F\t53\tParse\t \"st\" \"insert into t values ($1,$2,$3)\" 3 23 0 17"},
    {'B',
     BODY("\0st\0\0\3\0\0\0\0\0\1\0\2\0\0\0\1"
          "1\xff\xff\xff\xff\0\1\0\1"),
     "F\t31\tBind\t \"\" \"st\" 3 0 0 1 2 1 '1' -1 1 1"},
    {'D', BODY("Sst\0"), "F\t8\tDescribe\t S \"st\""},
    {'E', BODY("\0\0\0\0\0"), "F\t9\tExecute\t \"\" 0"},
    {'C', BODY("P\0"), "F\t6\tClose\t P \"\""},
    {'S', BODY(""), "F\t4\tSync"},
    {'H', BODY(""), "F\t4\tFlush"},
    {'Q', BODY("select 1/0\0"), "F\t15\tQuery\t \"select 1/0\""},
    {'d', BODY("2\ty\n"), "F\t8\tCopyData\t '2\\x09y\\x0a'"},
    {'c', BODY(""), "F\t4\tCopyDone"},
    {'f', BODY("changed my mind\0"), "F\t20\tCopyFail\t \"changed my mind\""},
    {'X', BODY(""), "F\t4\tTerminate"},
};

/* An exact copy on the heap, so that reading past its end is noticed. */
static void trace_one(char direction, char type, const void *body, size_t len, collected *c)
{
    uint8_t *bytes = malloc(len + 5);
    assert_non_null(bytes);
    uint32_t length = (uint32_t)len + 4;
    bytes[0] = (uint8_t)type;
    for (unsigned i = 0; i < 4; i++)
        bytes[1 + i] = (uint8_t)(length >> (24 - 8 * i));
    if (len != 0)
        memcpy(bytes + 5, body, len);
    memset(c, 0, sizeof *c);
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, NULL, NULL);
    if (direction == 'B') {
        tusk__frame frame = {.type = (uint8_t)type, .body = bytes + 5, .len = len};
        tusk__trace_backend(&frame, &scratch, collect, c);
    } else if (direction == 'F') {
        tusk__trace_frontend(bytes, len + 5, &scratch, collect, c);
    } else {
        tusk__trace_startup(bytes + 1, len + 4, &scratch, collect, c);
    }
    tusk_buf_free(&scratch);
    free(bytes);
}

static void expect(char direction, char type, const char *body, size_t len, const char *line)
{
    collected c;
    trace_one(direction, type, body, len, &c);
    assert_int_equal(c.lines, 1);
    c.text[strlen(c.text) - 1] = '\0';
    assert_string_equal(c.text, line);
}

static void backend_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(backend_samples); i++) {
        const sample *s = &backend_samples[i];
        expect('B', s->type, s->body, s->len, s->line);
    }
}

static void frontend_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(frontend_samples); i++) {
        const sample *s = &frontend_samples[i];
        expect('F', s->type, s->body, s->len, s->line);
    }
}

static void startup_lines(void **state)
{
    (void)state;
    expect('0', 0, BODY("\4\xd2\x16\x2f"), "F\t8\tSSLRequest\t 1234 5679");
    expect('0', 0, BODY("\0\3\0\2user\0me\0database\0db\0\0"),
           "F\t29\tStartupMessage\t 3 2 \"user\" \"me\" \"database\" \"db\"");
    expect('0', 0, BODY("\0\3\0\0user\0me\0"),
           "F\t16\tStartupMessage\t 3 0 \"user\" \"me\" mismatched message length: fields missing"
           " after 16");
    expect('0', 0, BODY("\0\3"),
           "F\t6\tStartupMessage\t 3 mismatched message length: fields missing after 6");
}

static void secrets_are_left_out(void **state)
{
    (void)state;
    expect('B', 'K', BODY("\0\0\x66\x8aSECR"), "B\t12\tBackendKeyData\t 26250 BBBB");
    expect('B', 'K', BODY("\0\0\x66\x8a and a key of version 3.2"),
           "B\t33\tBackendKeyData\t 26250 BBBB");
    expect('0', 0, BODY("\4\xd2\x16\x2e\0\0\x66\x8aSECR"),
           "F\t16\tCancelRequest\t 1234 5678 26250 BBBB");
    expect('F', 'p', BODY("secret\0"), "F\t11\tPasswordMessage");
    expect('F', 'p', BODY("\0"), "F\t5\tPasswordMessage");
    expect('F', 'p', BODY("SCRAM-SHA-256\0\0\0\0\7n,,n=,r"), "F\t29\tSASLInitialResponse");
    expect('F', 'p', BODY("c=biws,r=nonce,p=proof"), "F\t26\tSASLResponse");
    expect('F', 'p', BODY(""), "F\t4\tSASLResponse");
    expect('B', 'R', BODY("\0\0\0\5SALT"), "B\t12\tAuthenticationMD5Password");
    expect('B', 'R', BODY("\0\0\0\x08token"), "B\t13\tAuthenticationGSSContinue");
    expect('B', 'R', BODY("\0\0\0\x0br=nonce,s=salt,i=4096"), "B\t29\tAuthenticationSASLContinue");
    expect('B', 'R', BODY("\0\0\0\x0cv=signature"), "B\t19\tAuthenticationSASLFinal");
}

static void a_message_is_one_line(void **state)
{
    (void)state;
    expect('F', 'Q', BODY("select\n\t'\x7f\x1b[2J'\0"),
           "F\t20\tQuery\t \"select\\x0a\\x09'\\x7f\\x1b[2J'\"");
    expect('B', 'N', BODY("Mfirst\nB\t4\tNoData\0\0"),
           "B\t23\tNoticeResponse\t M \"first\\x0aB\\x094\\x09NoData\" \\x00");
}

static void what_does_not_fit_is_said(void **state)
{
    (void)state;
    expect('B', '1', BODY("abc"),
           "B\t7\tParseComplete mismatched message length: consumed 4, expected 7");
    expect('B', 'Z', BODY("I?"),
           "B\t6\tReadyForQuery\t I mismatched message length: consumed 5, expected 6");
    expect('B', 'C', BODY("SELECT"),
           "B\t10\tCommandComplete\t mismatched message length: fields missing after 4");
    expect('B', 'D', BODY("\0\2\0\0\0\1x"),
           "B\t11\tDataRow\t 2 1 'x' mismatched message length: fields missing after 11");
    expect('B', 'D', BODY("\0\1\0\0\0\2x"),
           "B\t11\tDataRow\t 1 2 mismatched message length: fields missing after 10");
    expect('B', 'D', BODY("\0\1\xff\xff\xff\xfe"),
           "B\t10\tDataRow\t 1 -2 mismatched message length: fields missing after 10");
    expect('B', 'E', BODY("SERROR\0"),
           "B\t11\tErrorResponse\t S \"ERROR\" mismatched message length: fields missing after 11");
    expect('B', 'v', BODY("\0\3\0\0\x7f\xff\xff\xff"),
           "B\t12\tNegotiateProtocolVersion\t 196608 2147483647 mismatched message length: fields"
           " missing after 12");
    expect('B', 'v', BODY("\0\3\0\0\x80\0\0\0"),
           "B\t12\tNegotiateProtocolVersion\t 196608 -2147483648 mismatched message length: fields "
           "missing after 12");
    expect('B', 'R', BODY("\0\0"),
           "B\t6\tAuthentication\t mismatched message length: fields missing after 4");
    expect('B', 'R', BODY("\0\0\0\5SAL"),
           "B\t11\tAuthenticationMD5Password mismatched message length: fields missing after 11");
    expect('B', '~', BODY("abc"), "B\t7\tUnknown message: 7e");
    expect('F', '\x80', BODY("abc"), "F\t7\tUnknown message: 80");
}

static void every_message_is_known(void **state)
{
    (void)state;
    collected c;
    char start[64];
#define X(letter, id, name, limit)                                                                 \
    trace_one('B', letter, NULL, 0, &c);                                                           \
    snprintf(start, sizeof start, "B\t4\t%s", name);                                               \
    assert_memory_equal(c.text, start, strlen(start));
    TUSK__BACKEND_MAP(X)
#undef X
#define X(letter, id, name)                                                                        \
    trace_one('F', letter, "", 1, &c);                                                             \
    snprintf(start, sizeof start, "F\t5\t%s", name);                                               \
    assert_memory_equal(c.text, start, strlen(start));
    TUSK__FRONTEND_MAP(X)
#undef X
}

/* A message cut anywhere, its length word telling so. */
static void cut_messages(void **state)
{
    (void)state;
    collected c;
    for (size_t i = 0; i < COUNT(backend_samples); i++) {
        const sample *s = &backend_samples[i];
        for (size_t len = 0; len < s->len; len++) {
            trace_one('B', s->type, s->body, len, &c);
            assert_int_equal(c.lines, 1);
            /* CopyData has no format to miss. */
            bool whole = s->type == 'd' || strcmp(s->line, "B\t9\tAuthentication\t 99") == 0;
            assert_true(whole || strstr(c.text, " mismatched message length: ") != NULL);
        }
    }
}

static void several_frontend_messages(void **state)
{
    (void)state;
    collected c = {.lines = 0};
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, NULL, NULL);
    const uint8_t batch[] = "H\0\0\0\4E\0\0\0\x09\0\0\0\0\5S\0\0\0\4Q\0\0\0\x0aselec";
    tusk__trace_frontend(batch, sizeof batch - 1, &scratch, collect, &c);
    assert_string_equal(c.text, "F\t4\tFlush\nF\t9\tExecute\t \"\" 5\nF\t4\tSync\n");

    /* No message can be found behind a length word that does not even count itself. */
    const uint8_t broken[] = "S\0\0\0\3S\0\0\0\4";
    memset(&c, 0, sizeof c);
    tusk__trace_frontend(broken, sizeof broken - 1, &scratch, collect, &c);
    assert_string_equal(c.text, "F\t3\tSync mismatched message length: consumed 4, expected 3\n");
    tusk_buf_free(&scratch);
}

static void startup_length_and_bytes_differ(void **state)
{
    (void)state;
    collected c = {.lines = 0};
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, NULL, NULL);
    const uint8_t bytes[] = "\0\0\0\x08\4\xd2\x16\x2fmore";
    tusk__trace_startup(bytes, sizeof bytes - 1, &scratch, collect, &c);
    tusk__trace_startup(bytes, 6, &scratch, collect, &c);
    tusk__trace_startup(bytes, 3, &scratch, collect, &c);
    assert_string_equal(c.text, "F\t8\tSSLRequest\t 1234 5679\n"
                                "F\t8\tStartupMessage\t 1234 mismatched message length: fields"
                                " missing after 6\n");
    tusk_buf_free(&scratch);
}

static void *no_memory(void *ud, void *ptr, size_t size)
{
    (void)ud;
    (void)ptr;
    (void)size;
    return NULL;
}

static void lines_without_memory_are_left_out(void **state)
{
    (void)state;
    collected c = {.lines = 0};
    const uint8_t batch[] = "Q\0\0\0\x16select 123456789\0\0S\0\0\0\4";
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, no_memory, NULL);
    tusk__trace_frontend(batch, sizeof batch - 1, &scratch, collect, &c);
    assert_int_equal(c.lines, 0);

    /* The next line that fits is there again. */
    uint8_t room[12];
    scratch = (tusk_buf){.data = room, .cap = sizeof room, .max = sizeof room};
    tusk__trace_frontend(batch, sizeof batch - 1, &scratch, collect, &c);
    assert_string_equal(c.text, "F\t4\tSync\n");
}

static void check_random(void *ud, const char *line)
{
    size_t *lines = ud;
    ++*lines;
    assert_true(line[0] == 'B' || line[0] == 'F');
    for (const char *p = line; *p != '\0'; p++)
        assert_true((uint8_t)*p >= ' ' || *p == '\t');
}

static void random_bodies(void **state)
{
    (void)state;
    static const char letters[] = "RK23CdcGHWDIEVvnNAtS1sZTBCfPpQX";
    uint64_t seed = RANDOM_SEED, drawn = 0;
    size_t lines = 0;
    tusk_buf scratch;
    tusk_buf_init(&scratch, 0, NULL, NULL);
    for (size_t round = 0; round < 20000; round++) {
        size_t len = round % 48;
        uint8_t *bytes = malloc(len + 9);
        assert_non_null(bytes);
        for (size_t i = 0; i < len + 9; i++) {
            drawn = random_next(&seed);
            /* Small numbers often, else no count and no length is ever in range. */
            bytes[i] = (uint8_t)(drawn % 4 == 0 ? drawn >> 8 : (drawn >> 8) % 3);
        }
        memset(bytes, 0, 9);
        bytes[8] = (uint8_t)(len + 4);
        bytes[4] = (uint8_t)letters[drawn % (sizeof letters - 1)];
        tusk__frame frame = {.type = bytes[4], .body = bytes + 9, .len = len};
        tusk__trace_backend(&frame, &scratch, check_random, &lines);
        tusk__trace_frontend(bytes + 4, len + 5, &scratch, check_random, &lines);
        tusk__trace_startup(bytes + 5, len + 4, &scratch, check_random, &lines);
        free(bytes);
    }
    assert_int_equal(lines, 60000);
    tusk_buf_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backend_lines),
        cmocka_unit_test(frontend_lines),
        cmocka_unit_test(startup_lines),
        cmocka_unit_test(secrets_are_left_out),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(what_does_not_fit_is_said),
        cmocka_unit_test(every_message_is_known),
        cmocka_unit_test(cut_messages),
        cmocka_unit_test(several_frontend_messages),
        cmocka_unit_test(startup_length_and_bytes_differ),
        cmocka_unit_test(lines_without_memory_are_left_out),
        cmocka_unit_test(random_bodies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
