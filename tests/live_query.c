/* tests/live_query.c: single statements: what goes in and what comes out. */
#include "tests/live.h"

static void nothing(void) {}

static const live_test tests[] = {{"nothing", nothing}};

int main(void)
{
    return LIVE_RUN("query", tests);
}
