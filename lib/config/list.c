/* lib/config/list.c: the table behind every setting, made of lib/config/list.h, and the words that
 * some of them accept. */
#include "lib/config/config.h"

#define END                                                                                        \
    {                                                                                              \
        NULL, 0                                                                                    \
    }

static const tusk__word sslmode_words[] = {{"disable", TUSK__SSL_DISABLE},
                                           {"allow", TUSK__SSL_ALLOW},
                                           {"prefer", TUSK__SSL_PREFER},
                                           {"require", TUSK__SSL_REQUIRE},
                                           {"verify-ca", TUSK__SSL_VERIFY_CA},
                                           {"verify-full", TUSK__SSL_VERIFY_FULL},
                                           END};
static const tusk__word session_attrs_words[] = {{"any", TUSK__ATTRS_ANY},
                                                 {"read-write", TUSK__ATTRS_READ_WRITE},
                                                 {"read-only", TUSK__ATTRS_READ_ONLY},
                                                 {"primary", TUSK__ATTRS_PRIMARY},
                                                 {"standby", TUSK__ATTRS_STANDBY},
                                                 {"prefer-standby", TUSK__ATTRS_PREFER_STANDBY},
                                                 END};
static const tusk__word binding_words[] = {
    {"disable", TUSK__CB_DISABLE}, {"prefer", TUSK__CB_PREFER}, {"require", TUSK__CB_REQUIRE}, END};
static const tusk__word pooler_words[] = {{"auto", TUSK__POOLER_AUTO},
                                          {"none", TUSK__POOLER_NONE},
                                          {"session", TUSK__POOLER_SESSION},
                                          {"transaction", TUSK__POOLER_TRANSACTION},
                                          {"pgbouncer", TUSK__POOLER_PGBOUNCER},
                                          {"odyssey", TUSK__POOLER_ODYSSEY},
                                          {"supavisor", TUSK__POOLER_SUPAVISOR},
                                          {"pgcat", TUSK__POOLER_PGCAT},
                                          {"rds", TUSK__POOLER_RDS},
                                          END};
static const tusk__word protocol_words[] = {
    {"3.0", 0x30000}, {"3.2", 0x30002}, {"latest", 0x30002}, END};
static const tusk__word balance_words[] = {{"disable", 0}, {"random", 1}, END};
static const tusk__word negotiation_words[] = {{"postgres", 0}, {"direct", 1}, END};
static const tusk__word certmode_words[] = {{"disable", 0}, {"allow", 1}, {"require", 2}, END};
static const tusk__word gssencmode_words[] = {{"disable", 0}, {"prefer", 1}, {"require", 2}, END};

/* clang-format off */
#define FIELD(f)           .offset = offsetof(tusk__settings, f), \
                           .size = sizeof(((tusk__settings *)NULL)->f)
/* clang-format on */
#define BUILT              .how = TUSK__HOW_BUILT
#define IGNORED            .how = TUSK__HOW_IGNORED
#define TEXT(f)            .how = TUSK__HOW_TEXT, FIELD(f)
#define WORD(f, w)         .how = TUSK__HOW_WORD, .words = w, FIELD(f)
#define NAME(f, w)         .how = TUSK__HOW_NAME, .words = w, FIELD(f)
#define VALID(w)           .how = TUSK__HOW_VALID, .words = w
#define CLAMPED(f)         .how = TUSK__HOW_CLAMPED, FIELD(f)
#define RANGE(f, low, top) .how = TUSK__HOW_RANGE, .lowest = low, .highest = top, FIELD(f)
#define SECONDS(f)         .how = TUSK__HOW_SECONDS, FIELD(f)
#define SWITCH(f)          .how = TUSK__HOW_SWITCH, FIELD(f)
#define ONE(f)             .how = TUSK__HOW_ONE, FIELD(f)
#define OPEN               .secret = false
#define SECRET             .secret = true
#define ENV_ONLY           .env_only = true

const tusk__setting tusk__setting_table[TUSK__KEYS] = {
#define X(name, variable, value, how, kind, about)                                                 \
    {.key = #name, .env = variable, .fallback = value, .what = about, how, kind},
    TUSK__SETTING_LIST(X)
#undef X
};
