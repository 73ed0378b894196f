#include "family.h"

#include <string.h>

const struct family families[FAMILIES] = {
    [FAMILY_HEALTHY] = {"healthy", CLASS_HEALTHY, false, 4},
    [FAMILY_LOWTRAFFIC] = {"lowtraffic", CLASS_HEALTHY, true, 24},
    [FAMILY_SLOWER10] = {"slower10", CLASS_HEALTHY, false, 4},
    [FAMILY_DIURNAL] = {"diurnal", CLASS_HEALTHY, true, 24},
    [FAMILY_COLDSTART] = {"coldstart", CLASS_HEALTHY, false, 4},
    [FAMILY_CLIENT4XX] = {"client4xx", CLASS_HEALTHY, false, 4},
    [FAMILY_BOT] = {"bot", CLASS_HEALTHY, false, 4},
    [FAMILY_BOT_STICKY] = {"bot_sticky", CLASS_HEALTHY, false, 4},
    [FAMILY_GAP] = {"gap", CLASS_HEALTHY, false, 4},
    [FAMILY_PUSH] = {"push", CLASS_HEALTHY, false, 4},
    [FAMILY_BURSTY] = {"bursty", CLASS_HEALTHY, false, 4},
    [FAMILY_COMMON60] = {"common60", CLASS_COMMON, false, 4},
    [FAMILY_COMMON_LONG] = {"common_long", CLASS_COMMON, false, 4},
    [FAMILY_CAP_SCALEOUT] = {"cap_scaleout", CLASS_WAIT, false, 4},
    [FAMILY_ERR_X3] = {"err_x3", CLASS_BAD, false, 4},
    [FAMILY_ERR_X10] = {"err_x10", CLASS_BAD, false, 4},
    [FAMILY_HARD50] = {"hard50", CLASS_BAD, false, 4},
    [FAMILY_SLO3] = {"slo3", CLASS_BAD, false, 4},
    [FAMILY_LEAK] = {"leak", CLASS_BAD, false, 4},
    [FAMILY_CAPACITY] = {"capacity", CLASS_BAD, false, 4},
    [FAMILY_FLAPPING] = {"flapping", CLASS_BAD, false, 4},
    [FAMILY_BAD_TASK] = {"bad_task", CLASS_BAD, false, 4},
    [FAMILY_KEYS2] = {"keys2", CLASS_BAD, false, 4},
    [FAMILY_CANARY4XX] = {"canary4xx", CLASS_BAD, false, 4},
    [FAMILY_LATE_X10] = {"late_x10", CLASS_BAD, false, 4},
    [FAMILY_LOW_BAD] = {"low_bad", CLASS_BAD, true, 24},
    [FAMILY_DIURNAL_BAD] = {"diurnal_bad", CLASS_BAD, true, 24},
    [FAMILY_REAL_HEALTHY] = {"real_healthy", CLASS_HEALTHY, true, 4},
    [FAMILY_REAL_BAD] = {"real_bad", CLASS_BAD, true, 4},
    [FAMILY_REAL_FAST] = {"real_fast", CLASS_WAIT, true, 4},
};

enum family_kind family_find(const char *name)
{
    int kind = 0;

    while (kind < FAMILIES && strcmp(families[kind].name, name) != 0)
        kind++;
    return (enum family_kind)kind;
}
