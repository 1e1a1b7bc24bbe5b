/* lib/config/env.c: what the surroundings say: tusk_config_env reads the service file, the PG*
 * variables and where the user's home is. Only service.c calls getenv besides. */
#include "lib/config/config.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    if (size == 0)
        return;
    if (len >= size)
        len = 0; /* half a name or path would be another one */
    if (len > 0)
        memcpy(out, text, len);
    out[len] = '\0';
}

void tusk__os_user(char *name, size_t name_size, char *home, size_t home_size)
{
    char room[8192];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(geteuid(), &entry, room, sizeof room, &found) != 0)
        found = NULL;
    copy_text(name, name_size, found != NULL ? found->pw_name : NULL);
    copy_text(home, home_size, found != NULL ? found->pw_dir : NULL);
}

/* A variable that is set but empty is as good as unset. */
static const char *variable(const char *name)
{
    const char *value = name != NULL ? getenv(name) : NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int read_variables(tusk_config *draft)
{
    int status = TUSK_OK;
    for (int key = 0; key < TUSK__KEYS && status == TUSK_OK; key++) {
        const char *value = variable(tusk__setting_table[key].env);
        if (value == NULL && key == TUSK__KEY_sslmode) {
            const char *require = variable("PGREQUIRESSL");
            value = require != NULL && require[0] == '1' ? "require" : NULL;
        }
        if (value != NULL && draft->values[key].text == NULL)
            status = tusk__config_put(draft, key, tusk_slice_of(value), TUSK__SOURCE_ENV);
    }
    return status;
}

static const char *service_name(const tusk_config *config)
{
    const tusk__config_value *service = &config->values[TUSK__KEY_service];
    if (service->text != NULL && service->source >= TUSK__SOURCE_STRING)
        return service->text;
    const char *name = variable("PGSERVICE");
    return name != NULL ? name : "";
}

static int put_default(tusk_config *draft, int key, const char *text)
{
    if (text[0] == '\0' || draft->values[key].text != NULL)
        return TUSK_OK;
    return tusk__config_put(draft, key, tusk_slice_of(text), TUSK__SOURCE_DEFAULT);
}

/* From the strongest to the weakest: service file, variables, what depends on who runs this. */
static int fill(tusk_config *draft, const char *service)
{
    char user[256], home[4096], passfile[sizeof home + 16] = "";
    tusk__os_user(user, sizeof user, home, sizeof home);
    if (variable("HOME") != NULL)
        copy_text(home, sizeof home, getenv("HOME"));
    if (home[0] != '\0') {
        (void)snprintf(passfile, sizeof passfile, "%s/.pgpass", home);
        draft->home = tusk__config_get_memory(draft, strlen(home) + 1);
        if (draft->home == NULL)
            return TUSK_ENOMEM;
        memcpy(draft->home, home, strlen(home) + 1);
    }
    int status = service[0] != '\0' ? tusk__service_read(draft, service) : TUSK_OK;
    if (status == TUSK_OK)
        status = read_variables(draft);
    if (status == TUSK_OK)
        status = put_default(draft, TUSK__KEY_user, user);
    if (status == TUSK_OK)
        status = put_default(draft, TUSK__KEY_passfile, passfile);
    return status;
}

/* What an earlier call found is forgotten, so that calling again reads afresh. */
static void merge(tusk_config *config, tusk_config *draft)
{
    for (int key = 0; key < TUSK__KEYS; key++) {
        tusk__config_value *mine = &config->values[key], *found = &draft->values[key];
        if (mine->text != NULL && mine->source >= TUSK__SOURCE_STRING)
            continue;
        tusk__config_value old = *mine;
        *mine = *found;
        *found = old; /* freed with the draft */
    }
    char *home = config->home;
    config->home = draft->home;
    draft->home = home;
}

int tusk_config_env(tusk_config *config)
{
    if (config == NULL)
        return TUSK_EINVAL;
    tusk_config draft;
    tusk__config_draft(&draft, config);
    int status = fill(&draft, service_name(config));
    if (status == TUSK_OK)
        merge(config, &draft);
    else if (status == TUSK_ECONFIG)
        memcpy(config->error, draft.error, sizeof config->error);
    tusk__config_clear(&draft);
    return status;
}
