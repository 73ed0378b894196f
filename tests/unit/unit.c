#include "unit.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner;
    int failed;

    /* Check gives a case 4 s; a sanitizer on a busy machine needs more. A real hang still ends here. */
    setenv("CK_DEFAULT_TIMEOUT", "120", 0);
    runner = srunner_create(unit_suite());
    srunner_set_tap(runner, "-"); /* standard output */
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
