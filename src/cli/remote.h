/*
 * The running penstock that a command speaks to: where it is, and calls that explain themselves when they
 * fail. Thread: the caller's; calls block.
 *
 * The admin address comes from --admin, else from the configuration of -c, else from $PENSTOCK_ADMIN, else
 * from the configuration $PENSTOCK_CONFIG, else it is 127.0.0.1:9901. The token comes from --token-file, else
 * from the configuration, else from $PENSTOCK_TOKEN_FILE or $PENSTOCK_TOKEN.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "base/bug.h"
#include "base/str.h"
#include "cli/args.h"

#include <jansson.h>
#include <stdbool.h>

struct client;

struct remote {
    struct client *client;
    char *address; /* as a person would write it */
};

/* `args` has SUBCOMMAND_OPTIONS_REMOTE. False when no address or token could be made out; the reason was then
 * printed. */
MUST_CHECK bool remote_open(struct remote *remote, const struct args *args);
/* To an address that is known, with the token (or NULL). */
MUST_CHECK bool remote_open_at(struct remote *remote, const char *address, const char *token);
void remote_close(struct remote *remote);

/*
 * Makes a call with a JSON body (or NULL; the reference is taken over). The path is made by printf.
 * Gives the JSON of the answer, a new reference. Errors: NULL; what failed, where and what to do was printed.
 */
MUST_CHECK json_t *remote_call(struct remote *remote, const char *method, json_t *body, const char *path_fmt,
                               ...) PRINTF_LIKE(4, 5);
/* The same, but says nothing: the reason is in `why`. */
enum { REMOTE_WHY_MAX = 1024 };
MUST_CHECK json_t *remote_try(struct remote *remote, const char *method, json_t *body, const char *path,
                              char why[static REMOTE_WHY_MAX]);
/* The same with a body of another type. */
MUST_CHECK json_t *remote_send(struct remote *remote, const char *method, const char *type, struct str body,
                               const char *path, char why[static REMOTE_WHY_MAX]);

/* A bearer token from a file: its first line without blanks at the ends. NULL with the reason printed. */
MUST_CHECK char *remote_token_read(const char *path);

#endif
