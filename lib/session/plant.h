/* lib/session/plant.h: bugs that tests/meson.build builds in on purpose, one at a time, to see that
 * the pooler emulator catches them. Nowhere else is TUSK__PLANTED defined. */
#ifndef TUSK_SESSION_PLANT_H
#define TUSK_SESSION_PLANT_H

#ifdef TUSK__PLANTED
#define TUSK__PLANT(bug) (TUSK__PLANTED == TUSK__PLANTED_##bug)
enum {
    TUSK__PLANTED_COUNTER = 1, /* statements are named by a counter */
    TUSK__PLANTED_TWO_GROUPS,  /* Parse and Bind of the unnamed statement in two groups */
    TUSK__PLANTED_LATE_CLOSE,  /* Close of a name behind its Parse */
    TUSK__PLANTED_RETRY_IN_TX, /* sent again inside a transaction */
    TUSK__PLANTED_OLD_COLUMNS, /* a tracker's columns are remembered */
    TUSK__PLANTED_ONE_GROUP    /* a batch is one group everywhere */
};
#else
#define TUSK__PLANT(bug) false
#endif

#endif
