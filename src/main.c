/* The program: its commands are in cli/. */
#include "cli/subcommand.h"

#include <locale.h>
#include <signal.h>

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, ""); /* for what the terminal can show; numbers stay as in C */
    signal(SIGPIPE, SIG_IGN);
    return subcommand_main(argc, (const char *const *)argv);
}
