/* Eight threads over two connections. Nobody is turned away: who asks first is served first. */
#include <pthread.h>
#include <stdio.h>
#include <tusk/pool.h>

enum { THREADS = 8 };

typedef struct worker {
    pthread_t thread;
    tusk_pool *pool;
    int number;
    int32_t answer;
} worker;

static void *work(void *ud)
{
    worker *w = ud;
    tusk_result *result = NULL;
    if (tusk_pool_exec(w->pool, &result, "select $1 * $1", TUSK_ARGS(tusk_int4(w->number))) ==
        TUSK_OK)
        tusk_get(tusk_result_row(result, 0), 0, &w->answer);
    tusk_result_free(result);
    return NULL;
}

int main(int argc, char **argv)
{
    static const tusk_pool_options options = {.threads = true};
    worker workers[THREADS];
    tusk_config *config;
    tusk_pool *pool;
    char why[512];
    int failed = 0;

    if (tusk_config_new(&config, NULL, NULL) != TUSK_OK)
        return 1;
    bool ok = tusk_config_set(config, "pool_max", "2") == TUSK_OK &&
              tusk_config_set(config, "pool_timeout", "5") == TUSK_OK && /* seconds, of waiting */
              (argc < 2 || tusk_config_parse(config, argv[1]) == TUSK_OK) &&
              tusk_config_env(config) == TUSK_OK && tusk_config_check(config) == TUSK_OK &&
              tusk_pool_new(&pool, config, NULL, &options) == TUSK_OK;
    if (!ok) {
        fprintf(stderr, "%s\n", tusk_config_error(config));
        tusk_config_free(config);
        return 1;
    }
    tusk_config_free(config);
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){.pool = pool, .number = i + 1};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        failed += workers[i].answer == 0;
        printf("%d: %d\n", workers[i].number, workers[i].answer);
    }
    if (failed > 0)
        fprintf(stderr, "%s\n", tusk_pool_error(pool, why, sizeof why));
    tusk_pool_free(pool);
    return failed > 0;
}
