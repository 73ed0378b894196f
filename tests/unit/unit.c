#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Check writes its TAP to a file only; the lines are copied to standard output, where the driver reads them.
 */
static void copy_out(FILE *tap)
{
    char line[4096];

    rewind(tap);
    while (fgets(line, sizeof line, tap))
        fputs(line, stdout);
}

int main(void)
{
    char path[] = "/tmp/penstock-unit-XXXXXX";
    int fd = mkstemp(path);
    FILE *tap = fd < 0 ? NULL : fdopen(fd, "r");
    SRunner *runner = srunner_create(unit_suite());
    int failed;

    if (!tap) {
        perror("mkstemp");
        return EXIT_FAILURE;
    }
    srunner_set_tap(runner, path);
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    copy_out(tap);
    fclose(tap);
    unlink(path);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
