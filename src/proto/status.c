#include "proto/status.h"

struct str status_reason(unsigned status)
{
    switch (status) {
#define STATUS(code, phrase)                                                                                 \
    case code:                                                                                               \
        return STR(phrase);
#include "proto/status.def"
#undef STATUS
    }
    return STR("");
}
