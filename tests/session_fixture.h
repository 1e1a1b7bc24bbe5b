/* tests/session_fixture.h: a session that has logged in to a direct server, and its end, at which
 * nothing may have been violated and no memory may be left. Include cmocka.h and what it asks for
 * first. */
#ifndef TUSK_TESTS_SESSION_FIXTURE_H
#define TUSK_TESTS_SESSION_FIXTURE_H

#include "tests/support/subject.h"

static const char *const direct[] = {"host", "/sock", "user", "alice", "pooler", "none", NULL};

#define FEED(s, text) subject_feed(s, (const uint8_t *)(text), sizeof(text) - 1, SIZE_MAX)
#define LOGIN         "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"

static inline void open_ready(subject *s, test_alloc *alloc)
{
    assert_int_equal(subject_open(s, alloc, direct, NULL), TUSK_OK);
    subject_pump(s);
    FEED(s, LOGIN);
    assert_int_equal(s->ready, 1);
}

static inline void end(subject *s, const test_alloc *alloc)
{
    subject_end(s);
    assert_string_equal(s->violation, "");
    assert_int_equal(alloc->live, 0);
}

#endif
