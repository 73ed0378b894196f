/*
 * A plan as somebody might send it. It loads, or the report says why not; what loads passes the check again.
 */
#include "base/bug.h"
#include "base/mem.h"
#include "conf/planfile.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_error(void *arg, const char *path, const char *text, bool warning)
{
    (void)arg;
    if (!warning)
        BUG("%s: %s", path, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan *plan = mem_alloc(sizeof *plan);
    struct conf_report report;
    bool ok;

    conf_report_init(&report);
    ok = plan_load_bytes("fuzz", (struct str){(const char *)data, size}, false, NULL, plan, &report);
    BUG_ON(ok != (report.errors == 0));
    if (ok)
        BUG_ON(!plan_check(plan, no_error, NULL));
    json_decref(conf_report_json(&report));
    conf_report_fini(&report);
    free(plan);
    return 0;
}
