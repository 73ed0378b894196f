#include "cli/demo_files.h"

#include "base/clk.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "base/unit.h"
#include "cli/demo_traffic.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CONFIG_MAX = 16 * 1024,
    FOLDERS_OPEN_MAX = 8,
};

/* ---- the plan ---- */

/* A time of the plan, divided by the speed, to the millisecond and no shorter than `least_ms`. */
static const char *hurried(double seconds, double speed, int64_t least_ms, char out[static UNIT_TEXT_LEN])
{
    int64_t ms = (int64_t)(seconds * 1000 / speed);

    return unit_duration_text((ms < least_ms ? least_ms : ms) * NS_PER_MS, out);
}

void demo_plan_write(struct text *out, double speed)
{
    char bin[UNIT_TEXT_LEN], first[UNIT_TEXT_LEN], later[UNIT_TEXT_LEN], bake[UNIT_TEXT_LEN],
        grace[UNIT_TEXT_LEN], probation[UNIT_TEXT_LEN];

    hurried(3, speed, 1000, bin);
    hurried(10, speed, 1, first);
    hurried(24, speed, 1, later);
    hurried(15, speed, 1, bake);
    hurried(5, speed, 1, grace);
    hurried(10, speed, 16000, probation); /* what has piled up takes its own time */
    text_printf(
        out,
        "# A plan for two minutes instead of a week: short dwells, and a gate that is content with little.\n"
        "name: demo\n"
        "analysis:\n"
        "  falseRollback: 0.01 # the chance that a healthy canary is ever rolled back\n"
        "  unit: header:%s # a user's second failure within a minute is no news\n"
        "  bin: %s\n"
        "  metrics:\n"
        "    - { name: errors, type: errorRate, maxExcess: 0.01 }\n"
        "    - { name: latency, type: latencySlo, threshold: 300ms, objective: 0.99, maxExcess: 0.02 }\n"
        "steps:\n"
        "  - { setWeight: 5, minDwell: %s }\n"
        "  - { setWeight: 20, minDwell: %s }\n"
        "  - { setWeight: 80, minDwell: %s }\n"
        "  - { setWeight: 100, bake: %s }\n"
        "ramp: { grace: %s, retreat: { probation: %s, grace: %s, raiseFactor: 2 } }\n",
        DEMO_USER_HEADER, bin, first, later, later, bake, grace, probation, grace);
}

/* ---- the configuration ---- */

static void write_group(struct text *out, const char *name, const struct demo_group *group, size_t targets)
{
    text_printf(out, "  %s: { platform: %s, targets: [", name, name);
    for (size_t i = 0; i < targets; i++)
        text_printf(out, "%s \"%s\"", i ? "," : "", demo_group_address(group, i));
    text_printf(out, " ] }\n");
}

static void write_access_log(struct text *out, const char *path)
{
    char *quoted = mem_alloc(6 * strlen(path) + 1);
    struct buf buf;

    buf_init(&buf, quoted, 6 * strlen(path));
    buf_json(&buf, str_from(path)); /* a JSON string is YAML too */
    text_printf(out, "accessLog: [ { file: { path: \"%.*s\" } } ]\n", STR_ARG(buf_str(&buf)));
    free(quoted);
}

static void write_config(struct text *out, const struct demo_setup *setup)
{
    text_printf(out, "workers: 2\n"
                     "listeners: [ { address: \"127.0.0.1:0\" } ]\n"
                     "admin: { address: \"127.0.0.1:0\", tokenFile: admin.token }\n"
                     "state: { directory: state }\n"
                     "timeouts: { drain: 1s }\n");
    if (setup->access_log)
        write_access_log(out, setup->access_log);
    text_printf(out, "targetGroups:\n");
    write_group(out, setup->stable_name, setup->stable, setup->targets);
    write_group(out, setup->canary_name, setup->canary, setup->targets);
    text_printf(out,
                "routes:\n"
                "  - name: web\n"
                "    match: { pathPrefix: / }\n"
                "    stable: %s\n"
                "    canary: %s\n"
                "    weight: 0\n"
                "    slo: { threshold: 300ms, objective: 0.99 }\n",
                setup->stable_name, setup->canary_name);
}

/* ---- the folder ---- */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t len = strlen(text);
    bool ok = fd >= 0 && write(fd, text, len) == (ssize_t)len;

    if (fd >= 0 && close(fd) != 0)
        ok = false;
    return ok;
}

static bool write_in(const char *folder, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    bool ok = write_file(path, text);

    free(path);
    return ok;
}

static char *random_token(void)
{
    struct hash_key key;
    char *token = mem_alloc(33);

    hash_key_init(&key);
    snprintf(token, 33, "%016llx%016llx", (unsigned long long)key.k0, (unsigned long long)key.k1);
    return token;
}

static bool write_all(struct demo_files *files, const struct demo_setup *setup)
{
    struct text config, plan;
    char *text;
    bool ok;

    text_init(&config, CONFIG_MAX);
    write_config(&config, setup);
    text_init(&plan, DEMO_PLAN_MAX);
    demo_plan_write(&plan, setup->speed);
    BUG_ON(config.full || plan.full);
    text = text_take(&config);
    files->plan = text_take(&plan);
    files->token = random_token();
    files->config = mem_printf("%s/penstock.yaml", files->folder);
    files->errors = mem_printf("%s/errors.log", files->folder);
    ok = write_file(files->config, text) && write_in(files->folder, "plan.yaml", files->plan) &&
         write_in(files->folder, "admin.token", files->token);
    free(text);
    return ok;
}

bool demo_files_make(struct demo_files *files, const struct demo_setup *setup, char why[static DEMO_WHY_MAX])
{
    const char *place = getenv("TMPDIR");
    char *folder = mem_printf("%s/penstock-demo.XXXXXX", place && *place ? place : "/tmp");

    *files = (struct demo_files){0};
    if (!mkdtemp(folder)) {
        snprintf(why, DEMO_WHY_MAX,
                 "%s: cannot make a folder for the demo: %s; $TMPDIR may name another place", folder,
                 strerror(errno));
        free(folder);
        return false;
    }
    files->folder = folder;
    if (write_all(files, setup))
        return true;
    snprintf(why, DEMO_WHY_MAX, "%s: cannot write the demo's files: %s", folder, strerror(errno));
    return false;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat;
    (void)kind;
    (void)where;
    remove(path); /* what stays lies in the folder of temporary files */
    return 0;
}

void demo_files_remove(struct demo_files *files)
{
    if (files->folder)
        nftw(files->folder, remove_one, FOLDERS_OPEN_MAX, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    free(files->folder);
    free(files->config);
    free(files->plan);
    free(files->token);
    free(files->errors);
    *files = (struct demo_files){0};
}
