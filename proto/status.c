/* proto/status.c: what base.h says about itself: texts of the statuses, the version, slices. */
#include <string.h>
#include <tusk/base.h>

const char *tusk_strerror(int status)
{
    switch (status) {
    case TUSK_OK:
        return "no error";
#define X(name, code, text)                                                                        \
    case TUSK_##name:                                                                              \
        return text;
        TUSK_STATUS_MAP(X)
#undef X
    default:
        return "unknown status";
    }
}

const char *tusk_version(void)
{
    return TUSK_VERSION;
}

tusk_slice tusk_slice_of(const char *s)
{
    tusk_slice slice = {s, s != NULL ? strlen(s) : 0};
    return slice;
}
