/* lib/session/table.c: what may come when. Every (state, message) pair is decided here: a handler,
 * or nothing, and nothing means that the server broke the protocol and the connection dies. */
#include "lib/session/session.h"

/* What a server may send at any time once the login succeeded. */
#define ANY_TIME                                                                                   \
    [TUSK__B_NOTICE_RESPONSE] = tusk__on_notice,                                                   \
    [TUSK__B_NOTIFICATION_RESPONSE] = tusk__on_notification,                                       \
    [TUSK__B_PARAMETER_STATUS] = tusk__on_parameter_status

/* The same while a request is answered: any step may fail instead. */
#define IN_REQUEST ANY_TIME, [TUSK__B_ERROR_RESPONSE] = tusk__on_error

/* Poolers that answer Close themselves may do so before the server has answered what stands before.
 */
#define IN_GROUP IN_REQUEST, [TUSK__B_CLOSE_COMPLETE] = tusk__on_early_close

tusk__handler *const tusk__table[TUSK__STATE_COUNT][TUSK__B_COUNT] = {
    [TUSK__AUTH] = {[TUSK__B_AUTHENTICATION] = tusk__on_authentication,
                    [TUSK__B_NEGOTIATE_PROTOCOL_VERSION] = tusk__on_negotiate,
                    [TUSK__B_ERROR_RESPONSE] = tusk__on_startup_error},
    [TUSK__STARTUP] = {ANY_TIME, [TUSK__B_ERROR_RESPONSE] = tusk__on_startup_error,
                       [TUSK__B_BACKEND_KEY_DATA] = tusk__on_backend_key,
                       [TUSK__B_READY_FOR_QUERY] = tusk__on_startup_ready},
    [TUSK__IDLE] = {ANY_TIME, [TUSK__B_ERROR_RESPONSE] = tusk__on_idle_error},
    [TUSK__CLOSE] = {IN_REQUEST, [TUSK__B_CLOSE_COMPLETE] = tusk__on_done},
    [TUSK__PARSE] = {IN_GROUP, [TUSK__B_PARSE_COMPLETE] = tusk__on_parse},
    [TUSK__PARAMS] = {IN_GROUP, [TUSK__B_PARAMETER_DESCRIPTION] = tusk__on_params},
    [TUSK__COLUMNS] = {IN_GROUP, [TUSK__B_ROW_DESCRIPTION] = tusk__on_columns,
                       [TUSK__B_NO_DATA] = tusk__on_no_columns},
    [TUSK__BIND] = {IN_GROUP, [TUSK__B_BIND_COMPLETE] = tusk__on_bind},
    [TUSK__EXECUTE] = {IN_GROUP, [TUSK__B_DATA_ROW] = tusk__on_row,
                       [TUSK__B_COMMAND_COMPLETE] = tusk__on_command_complete,
                       [TUSK__B_EMPTY_QUERY_RESPONSE] = tusk__on_empty,
                       [TUSK__B_PORTAL_SUSPENDED] = tusk__on_suspended,
                       [TUSK__B_COPY_IN_RESPONSE] = tusk__on_copy_in,
                       [TUSK__B_COPY_OUT_RESPONSE] = tusk__on_copy_out},
    [TUSK__COPY_OUT] = {IN_REQUEST, [TUSK__B_COPY_DATA] = tusk__on_copy_data,
                        [TUSK__B_COPY_DONE] = tusk__on_copy_done},
    [TUSK__COPY_IN] = {IN_REQUEST},
    [TUSK__COMPLETE] = {IN_REQUEST, [TUSK__B_COMMAND_COMPLETE] = tusk__on_command_complete},
    [TUSK__SIMPLE] =
        {IN_REQUEST, [TUSK__B_ROW_DESCRIPTION] = tusk__on_simple_columns,
         [TUSK__B_COMMAND_COMPLETE] = tusk__on_simple_complete,
         [TUSK__B_EMPTY_QUERY_RESPONSE] = tusk__on_simple_empty,
         [TUSK__B_COPY_IN_RESPONSE] = tusk__on_copy_in,
         [TUSK__B_COPY_OUT_RESPONSE] = tusk__on_copy_out,
         [TUSK__B_READY_FOR_QUERY] = tusk__on_ready},
    /* One statement's answer is over before the next one's begins. */
    [TUSK__SIMPLE_ROWS] = {IN_REQUEST, [TUSK__B_DATA_ROW] = tusk__on_row,
                           [TUSK__B_COMMAND_COMPLETE] = tusk__on_simple_complete},
    [TUSK__SIMPLE_END] = {IN_REQUEST, [TUSK__B_COMMAND_COMPLETE] = tusk__on_simple_complete},
    [TUSK__ITEMS] = {IN_REQUEST},
    [TUSK__READY] = {IN_REQUEST, [TUSK__B_READY_FOR_QUERY] = tusk__on_ready},
    /* The server has said what is wrong; a second error can only be its end. */
    [TUSK__SKIP] =
        {ANY_TIME, [TUSK__B_ERROR_RESPONSE] = tusk__on_idle_error,
         [TUSK__B_PARSE_COMPLETE] = tusk__on_late, [TUSK__B_CLOSE_COMPLETE] = tusk__on_late,
         [TUSK__B_READY_FOR_QUERY] = tusk__on_ready},
};

static const char *const texts[TUSK__STATE_COUNT] = {
#define X(id, text) text,
    TUSK__STATE_MAP(X)
#undef X
};

const char *tusk__state_text(enum tusk__state state)
{
    return texts[state];
}
