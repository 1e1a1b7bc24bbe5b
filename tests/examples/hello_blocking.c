/* Ask and wait. Without an argument the server is the one that PGHOST, PGUSER ... name. */
#include <stdio.h>
#include <tusk/sync.h>

int main(int argc, char **argv)
{
    tusk_conn *conn;
    tusk_result *answer = NULL;

    if (tusk_open(&conn, argc > 1 ? argv[1] : NULL) != TUSK_OK ||
        tusk_exec(conn, &answer, "select n, 'hello ' || $2 from generate_series(1, $1) as n",
                  TUSK_ARGS(tusk_int4(3), tusk_text("world"))) != TUSK_OK) {
        fprintf(stderr, "%s\n", tusk_errmsg(conn));
        tusk_result_free(answer);
        tusk_close(conn);
        return 1;
    }
    for (size_t i = 0; i < tusk_result_rows(answer); i++) {
        const tusk_row *row = tusk_result_row(answer, i);
        int32_t n;
        tusk_slice text;
        if (tusk_get(row, 0, &n) == TUSK_OK && tusk_get(row, 1, &text) == TUSK_OK)
            printf("%d: %.*s\n", n, (int)text.len, text.ptr);
    }
    tusk_result_free(answer);
    tusk_close(conn);
    return 0;
}
