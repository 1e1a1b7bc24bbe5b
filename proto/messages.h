/* proto/messages.h: every message of protocol 3.0 and 3.2, once: letter, name, size limit. From these
 * lists come the enums, the names for traces and errors, and the limits that are enforced before a
 * message is buffered.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html */
#ifndef TUSK_PROTO_MESSAGES_H
#define TUSK_PROTO_MESSAGES_H

#include <stdint.h>

/* How long a message's length word may be. FIXED messages are control messages of a few bytes, TEXT
 * ones carry strings and counts, DATA ones carry values and have the connection's own limit. */
#define TUSK__LIMIT_FIXED 64u
#define TUSK__LIMIT_TEXT  (16u << 20)
/* Before authentication nothing may be longer than this, whatever its type. */
#define TUSK__LIMIT_BEFORE_AUTH 65536u
/* The server refuses messages longer than this (PQ_LARGE_MESSAGE_LIMIT), and ends the session over
 * control messages longer than the second (PQ_SMALL_MESSAGE_LIMIT). */
#define TUSK__LIMIT_FRONTEND       0x3ffffffeu
#define TUSK__LIMIT_FRONTEND_SMALL 10000u
#define TUSK__LIMIT_STARTUP        10000u
#define TUSK__LIMIT_SASL           65535u
/* Of an OAuth token: what is around it has room in the message. */
#define TUSK__LIMIT_TOKEN          65000u

enum tusk__limit { TUSK__FIXED, TUSK__TEXT, TUSK__DATA };

#define TUSK__BACKEND_MAP(X)                                                                       \
    X('R', AUTHENTICATION, "Authentication", TUSK__TEXT)                                           \
    X('K', BACKEND_KEY_DATA, "BackendKeyData", TUSK__TEXT)                                         \
    X('2', BIND_COMPLETE, "BindComplete", TUSK__FIXED)                                             \
    X('3', CLOSE_COMPLETE, "CloseComplete", TUSK__FIXED)                                           \
    X('C', COMMAND_COMPLETE, "CommandComplete", TUSK__TEXT)                                        \
    X('d', COPY_DATA, "CopyData", TUSK__DATA)                                                      \
    X('c', COPY_DONE, "CopyDone", TUSK__FIXED)                                                     \
    X('G', COPY_IN_RESPONSE, "CopyInResponse", TUSK__TEXT)                                         \
    X('H', COPY_OUT_RESPONSE, "CopyOutResponse", TUSK__TEXT)                                       \
    X('W', COPY_BOTH_RESPONSE, "CopyBothResponse", TUSK__TEXT)                                     \
    X('D', DATA_ROW, "DataRow", TUSK__DATA)                                                        \
    X('I', EMPTY_QUERY_RESPONSE, "EmptyQueryResponse", TUSK__FIXED)                                \
    X('E', ERROR_RESPONSE, "ErrorResponse", TUSK__TEXT)                                            \
    X('V', FUNCTION_CALL_RESPONSE, "FunctionCallResponse", TUSK__TEXT)                             \
    X('v', NEGOTIATE_PROTOCOL_VERSION, "NegotiateProtocolVersion", TUSK__TEXT)                     \
    X('n', NO_DATA, "NoData", TUSK__FIXED)                                                         \
    X('N', NOTICE_RESPONSE, "NoticeResponse", TUSK__TEXT)                                          \
    X('A', NOTIFICATION_RESPONSE, "NotificationResponse", TUSK__TEXT)                              \
    X('t', PARAMETER_DESCRIPTION, "ParameterDescription", TUSK__TEXT)                              \
    X('S', PARAMETER_STATUS, "ParameterStatus", TUSK__TEXT)                                        \
    X('1', PARSE_COMPLETE, "ParseComplete", TUSK__FIXED)                                           \
    X('s', PORTAL_SUSPENDED, "PortalSuspended", TUSK__FIXED)                                       \
    X('Z', READY_FOR_QUERY, "ReadyForQuery", TUSK__FIXED)                                          \
    X('T', ROW_DESCRIPTION, "RowDescription", TUSK__TEXT)

#define TUSK__FRONTEND_MAP(X)                                                                      \
    X('B', BIND, "Bind")                                                                           \
    X('C', CLOSE, "Close")                                                                         \
    X('d', FE_COPY_DATA, "CopyData")                                                               \
    X('c', FE_COPY_DONE, "CopyDone")                                                               \
    X('f', COPY_FAIL, "CopyFail")                                                                  \
    X('D', DESCRIBE, "Describe")                                                                   \
    X('E', EXECUTE, "Execute")                                                                     \
    X('H', FLUSH, "Flush")                                                                         \
    X('P', PARSE, "Parse")                                                                         \
    X('p', PASSWORD, "PasswordMessage")                                                            \
    X('Q', QUERY, "Query")                                                                         \
    X('S', SYNC, "Sync")                                                                           \
    X('X', TERMINATE, "Terminate")

/* Messages by index, for tables; 0 is no message at all. */
enum tusk__backend {
    TUSK__B_UNKNOWN,
#define X(letter, id, name, limit) TUSK__B_##id,
    TUSK__BACKEND_MAP(X)
#undef X
        TUSK__B_COUNT
};

/* Codes that come instead of a protocol version, and versions. */
#define TUSK__SSL_REQUEST    80877103u
#define TUSK__CANCEL_REQUEST 80877102u
#define TUSK__PROTOCOL_3_0   0x00030000u
#define TUSK__PROTOCOL_3_2   0x00030002u

/* Kinds of AuthenticationXXX: the message's first four bytes. */
enum tusk__authentication {
    TUSK__AUTHENTICATION_OK = 0,
    TUSK__AUTHENTICATION_CLEARTEXT = 3,
    TUSK__AUTHENTICATION_MD5 = 5,
    TUSK__AUTHENTICATION_GSS = 7,
    TUSK__AUTHENTICATION_GSS_CONTINUE = 8,
    TUSK__AUTHENTICATION_SSPI = 9,
    TUSK__AUTHENTICATION_SASL = 10,
    TUSK__AUTHENTICATION_SASL_CONTINUE = 11,
    TUSK__AUTHENTICATION_SASL_FINAL = 12
};

#endif
