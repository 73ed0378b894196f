#include "cli/serve.h"

#include "base/log.h"
#include "control/control.h"

static const struct args_option options[] = {
    SUBCOMMAND_OPTION_CONFIG,
    {.name = "verbose", .letter = 'v', .text = "log more: each change of state"},
    SUBCOMMAND_OPTION_HELP,
};

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    const char *path = subcommand_config(args);

    (void)verb;
    if (!path)
        return subcommand_misused(&subcommand_serve,
                                  "which configuration? -c FILE or $PENSTOCK_CONFIG says so");
    if (args_has(args, "verbose"))
        log_set_level(LOG_LEVEL_DEBUG);
    return control_run(&(struct control_options){
               .config_path = path,
               .signals = true,
               .stop_fd = -1,
               .lame_ns = -1,
           }) == 0
               ? SUBCOMMAND_OK
               : SUBCOMMAND_FAILED;
}

const struct subcommand subcommand_serve = {
    .name = "serve",
    .summary = "run the proxy",
    .operands = "",
    .text = "Serves until SIGTERM or SIGINT, then lets open requests end. SIGHUP reads the configuration\n"
            "again, SIGUSR1 opens the log files again. It says on standard error, and to systemd, when it\n"
            "is ready.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
