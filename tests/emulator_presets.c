/* tests/emulator_presets.c: which quirks come together: the poolers that exist, and one that has
 * them all. */
#include "tests/emulator.h"

#define TRACKER (QUIRK_SHARE | QUIRK_TRACK)
#define UNAWARE "transaction pooler without statement tracking"
static const preset presets[] = {
    {"direct", "", "direct", 0, false},
    {"pgbouncer 1.18", "", UNAWARE, QUIRK_SHARE | QUIRK_REFUSE_PARAMS | QUIRK_VERSION_EXACT, false},
    {"pgbouncer 1.18, but pooler=none", "", "direct", QUIRK_SHARE, true},
    {"forgetful pooler", "", UNAWARE, QUIRK_SHARE | QUIRK_FORGET, false},
    {"pgbouncer 1.24", "PGBOUNCER_", "pgbouncer",
     TRACKER | QUIRK_DUP_FATAL | QUIRK_UNKNOWN_FATAL | QUIRK_BURN | QUIRK_EARLY_CLOSE |
         QUIRK_DESYNC,
     false},
    {"pgbouncer 1.24, three statements", "PGBOUNCER_", "pgbouncer",
     TRACKER | QUIRK_DUP_FATAL | QUIRK_UNKNOWN_FATAL | QUIRK_BURN | QUIRK_EARLY_CLOSE |
         QUIRK_DESYNC | QUIRK_EVICT,
     false},
    {"odyssey", "odyssey_pstmt_", "odyssey",
     TRACKER | QUIRK_UNNAMED_TOO | QUIRK_SKIP_HANG | QUIRK_SHADOW_DROP | QUIRK_LATE_PARSE, false},
    {"supavisor", "sv_", "supavisor",
     TRACKER | QUIRK_DUP_FATAL | QUIRK_UNKNOWN_FATAL | QUIRK_BURN | QUIRK_SYNC_READ | QUIRK_EVICT,
     false},
    {"pgcat", "PGCAT_", "pgcat",
     TRACKER | QUIRK_UNNAMED_TOO | QUIRK_DUP_ACCEPT | QUIRK_UNKNOWN_FATAL | QUIRK_BURN |
         QUIRK_FAKES_FIRST | QUIRK_DROP_FLUSH | QUIRK_VERSION_EXACT,
     false},
    {"another tracker", "zz_", "pooler with statement tracking",
     TRACKER | QUIRK_UNNAMED_TOO | QUIRK_DUP_FATAL | QUIRK_UNKNOWN_FATAL | QUIRK_BURN |
         QUIRK_EARLY_CLOSE | QUIRK_DESYNC | QUIRK_SKIP_HANG | QUIRK_SHADOW_DROP | QUIRK_EVICT,
     false}};
enum { PRESETS = sizeof presets / sizeof presets[0] };

static unsigned extras(uint64_t seed)
{
    unsigned q = 0;
    uint64_t bits = seed / PRESETS;
    q |= bits % 2 ? QUIRK_NOTICES : 0;
    q |= bits % 3 ? 0 : QUIRK_REPLAY_PARAMS;
    q |= bits % 5 < 2 ? QUIRK_SPLIT : 0;
    q |= bits % 7 ? 0 : QUIRK_CUT;
    return q;
}

const preset *preset_of(uint64_t seed, unsigned *quirks)
{
    const preset *p = &presets[seed % PRESETS];
    *quirks = p->quirks | extras(seed);
    if (*quirks & QUIRK_SYNC_READ)
        *quirks &= ~(unsigned)QUIRK_SPLIT; /* then any driver is lost */
    return p;
}

static uint64_t random_state;

void seed_random(uint64_t seed)
{
    random_state = seed;
}

int seeded_random(void *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        random_state = random_state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)out)[i] = (uint8_t)(random_state >> 33);
    }
    return 0;
}
