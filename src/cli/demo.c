#include "cli/demo.h"

#include "base/clk.h"
#include "base/mem.h"
#include "cli/demo_stage.h"
#include "cli/demo_view.h"
#include "cli/screen.h"
#include "cli/term.h"
#include "cli/view.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    RATE_USUAL = 200,
    RATE_LEAST = 20,
    RATE_MOST = 2000,
    LOOK_MS = 250,
    LINE_MS = 1000,     /* between two lines where there is no live view */
    VIEW_MAX = 1 << 20, /* bytes of a frame */
    PATIENCE_S = 600,   /* --once: a rollout that has not ended by then, in the plan's time, will not */
    PATIENCE_LEAST_S = 120,
};

static const struct args_option options[] = {
    {.name = "fault",
     .letter = 'f',
     .value = "FAULT",
     .text = "none, errors, slow, capacity or outage (default: none)"},
    {.name = "speed", .letter = 's', .value = "N", .text = "divide the times of the plan by N"},
    {.name = "rate", .value = "N", .text = "requests a second (default: 200)"},
    {.name = "access-log", .value = "FILE", .text = "keep the proxy's access log in this file"},
    {.name = "once", .text = "end with the rollout: 0 if it ended as it should for the fault, else 1"},
    {.name = "json", .text = "print one JSON object a decision, and one at the end"},
    SUBCOMMAND_OPTION_HELP,
};

/* One showing. */
struct demo {
    struct demo_stage_options wish;
    bool once, json;
    char *access_log; /* absolute, or NULL */

    struct screen *screen;
    struct demo_stage stage;
    struct term term;
    bool live;
    int64_t line_ns;    /* of the last plain line */
    json_int_t told_id; /* the last of them */
    int stderr_fd;      /* the real one, while a live view hides it; else -1 */
    bool quit;
    bool failed; /* the proxy cannot be asked any more */
    char notice[REMOTE_WHY_MAX];
};

/* ---- options ---- */

static bool parse_number(const char *text, double least, double most, double *value_r)
{
    char *end;
    double value = strtod(text, &end);

    if (end == text || *end || !(value >= least && value <= most))
        return false;
    *value_r = value;
    return true;
}

/* Relative to where the command is run, not to the folder of the configuration. */
static char *absolute(const char *path)
{
    char *here, *whole;

    if (*path == '/')
        return mem_strdup(path);
    here = getcwd(NULL, 0);
    whole = mem_printf("%s/%s", here ? here : ".", path);
    free(here);
    return whole;
}

static enum subcommand_exit read_options(struct demo *demo, const struct args *args)
{
    const char *fault = args_value(args, "fault"), *speed = args_value(args, "speed"),
               *rate = args_value(args, "rate");
    const char *log = args_value(args, "access-log");

    demo->wish = (struct demo_stage_options){.speed = 1, .rate = RATE_USUAL};
    if (fault && !demo_fault_parse(fault, &demo->wish.fault))
        return subcommand_misused(&subcommand_demo,
                                  "--fault %s is none of none, errors, slow, capacity, outage", fault);
    if (speed && !parse_number(speed, 0.01, 100, &demo->wish.speed))
        return subcommand_misused(&subcommand_demo, "--speed %s is no number from 0.01 to 100", speed);
    if (rate && !parse_number(rate, RATE_LEAST, RATE_MOST, &demo->wish.rate))
        return subcommand_misused(&subcommand_demo, "--rate %s is no number from %d to %d", rate, RATE_LEAST,
                                  RATE_MOST);
    demo->once = args_has(args, "once");
    demo->json = args_has(args, "json");
    demo->access_log = log ? absolute(log) : NULL;
    demo->wish.access_log = demo->access_log;
    return SUBCOMMAND_OK;
}

/* ---- what would disturb a live view ---- */

static void hide_errors(struct demo *demo)
{
    int fd = open(demo->stage.files.errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    if (fd < 0)
        return; /* then they are seen where they fall */
    fflush(stderr);
    demo->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

static void show_errors(struct demo *demo)
{
    char line[4096];
    FILE *file;

    if (demo->stderr_fd < 0)
        return;
    dup2(demo->stderr_fd, STDERR_FILENO);
    close(demo->stderr_fd);
    demo->stderr_fd = -1;
    file = fopen(demo->stage.files.errors, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file))
        fputs(line, stderr);
    fclose(file);
}

/* ---- showing ---- */

static void print(struct text *lines)
{
    if (lines->len)
        fwrite(lines->p, 1, lines->len, stdout);
    fflush(stdout);
    lines->len = 0;
}

static void tell_decision(struct demo *demo, const struct demo_show *show, const json_t *record,
                          struct text *lines)
{
    if (demo->json) {
        json_dumpf(record, stdout, JSON_COMPACT | JSON_REAL_PRECISION(12));
        printf("\n");
        return;
    }
    text_printf(lines, "%4lld s  ", (long long)show->elapsed_s);
    view_decision(lines, &demo->term, record);
}

/* Plain lines: each decision at once, and the figures once a second. */
static void tell(struct demo *demo, const struct demo_show *show, int64_t now_ns, struct text *lines)
{
    const json_t *record;
    size_t i;

    json_array_foreach(show->decisions, i, record)
    {
        json_int_t id = json_integer_value(json_object_get(record, "id"));

        if (id > demo->told_id)
            tell_decision(demo, show, record, lines);
        demo->told_id = id > demo->told_id ? id : demo->told_id;
    }
    if (!demo->json && now_ns - demo->line_ns >= LINE_MS * NS_PER_MS) {
        demo->line_ns = now_ns;
        demo_view_line(lines, show);
    }
    print(lines);
}

static void show(struct demo *demo, int64_t now_ns)
{
    struct demo_show shown;
    struct text lines;

    text_init(&lines, VIEW_MAX);
    demo_stage_show(&demo->stage, now_ns, &shown);
    shown.notice = demo->notice;
    if (demo->live) {
        term_look(&demo->term, STDOUT_FILENO);
        demo_view_frame(&lines, &demo->term, &shown);
        screen_draw(demo->screen, (struct str){lines.p, lines.len});
    } else {
        tell(demo, &shown, now_ns, &lines);
    }
    text_fini(&lines);
}

static void begin_view(struct demo *demo)
{
    struct demo_show shown;
    struct text lines;

    demo->live = demo->term.live && !demo->json;
    if (demo->live) {
        hide_errors(demo);
        screen_enter(demo->screen, STDOUT_FILENO);
        return;
    }
    if (demo->json)
        return;
    text_init(&lines, VIEW_MAX);
    demo_stage_show(&demo->stage, demo->stage.start_ns, &shown);
    demo_view_start(&lines, &demo->term, &shown);
    print(&lines);
    text_fini(&lines);
}

static void print_end_json(const struct demo_show *shown)
{
    const char *state = shown->route->rollout.state;
    json_t *json =
        json_pack("{s:s, s:s, s:b, s:I, s:{s:I, s:I, s:I, s:I}}", "fault", demo_faults[shown->fault].name,
                  "state", state, "asExpected", demo_fault_ends_well(shown->fault, state), "seconds",
                  (json_int_t)shown->elapsed_s, "clients", "sent", (json_int_t)shown->counts.sent, "answered",
                  (json_int_t)shown->counts.good, "failed", (json_int_t)shown->counts.failed, "withoutAnswer",
                  (json_int_t)shown->counts.broken);

    json_dumpf(json, stdout, JSON_COMPACT);
    printf("\n");
    json_decref(json);
}

static void end_view(struct demo *demo)
{
    struct demo_show shown;
    struct text lines;

    screen_leave(demo->screen);
    show_errors(demo);
    demo_stage_show(&demo->stage, clk_mono_ns(), &shown);
    if (demo->json) {
        print_end_json(&shown);
        return;
    }
    text_init(&lines, VIEW_MAX);
    demo_view_end(&lines, &demo->term, &shown);
    print(&lines);
    text_fini(&lines);
}

/* ---- keys ---- */

static void change_fault(struct demo *demo, enum demo_fault fault)
{
    demo->stage.options.fault = fault;
    demo->stage.canary_ns = 0; /* its script begins now */
    snprintf(demo->notice, sizeof demo->notice, "From now on: %s.", demo_faults[fault].text);
}

static void pause_or_resume(struct demo *demo)
{
    bool paused = strcmp(demo->stage.route.rollout.state, "paused") == 0;

    if (demo_stage_order(&demo->stage, paused ? "resume" : "pause", demo->notice))
        snprintf(demo->notice, sizeof demo->notice, paused ? "It goes on." : "Paused: it can still go back.");
}

static void start_again(struct demo *demo)
{
    if (demo_stage_restart(&demo->stage, demo->notice))
        snprintf(demo->notice, sizeof demo->notice, "Once more from 0 %%.");
}

static void on_key(struct demo *demo, char key)
{
    switch (key) {
    case 'q':
        demo->quit = true;
        break;
    case 'r':
        start_again(demo);
        break;
    case 'p':
        pause_or_resume(demo);
        break;
    case 'n':
        change_fault(demo, DEMO_FAULT_NONE);
        break;
    case 'e':
        change_fault(demo, DEMO_FAULT_ERRORS);
        break;
    case 's':
        change_fault(demo, DEMO_FAULT_SLOW);
        break;
    case 'c':
        change_fault(demo, DEMO_FAULT_CAPACITY);
        break;
    case 'o':
        change_fault(demo, DEMO_FAULT_OUTAGE);
        break;
    default:
        break;
    }
}

/* ---- the loop ---- */

static bool is_over(const struct demo *demo, int64_t now_ns)
{
    int64_t most_s = (int64_t)(PATIENCE_S / demo->stage.options.speed);

    if (!demo->once)
        return false;
    return demo_is_end(demo->stage.route.rollout.state) ||
           now_ns - demo->stage.start_ns > (most_s > PATIENCE_LEAST_S ? most_s : PATIENCE_LEAST_S) * NS_PER_S;
}

static void play(struct demo *demo)
{
    char key, why[REMOTE_WHY_MAX];

    for (int64_t now_ns = clk_mono_ns(); !demo->quit; now_ns = clk_mono_ns()) {
        if (!demo_stage_look(&demo->stage, now_ns, why)) {
            snprintf(demo->notice, sizeof demo->notice, "%s", why);
            demo->failed = true;
            break;
        }
        show(demo, now_ns);
        if (is_over(demo, now_ns))
            break;
        switch (screen_wait(demo->screen, LOOK_MS, &key)) {
        case SCREEN_TIMEOUT:
        case SCREEN_RESIZED:
            break;
        case SCREEN_KEY:
            on_key(demo, key);
            break;
        case SCREEN_END:
            demo->quit = true;
            break;
        }
    }
}

static enum subcommand_exit verdict(const struct demo *demo)
{
    const struct demo_stage *stage = &demo->stage;

    if (demo->failed) {
        term_error("demo: %s", demo->notice);
        return SUBCOMMAND_FAILED;
    }
    if (!demo->once)
        return SUBCOMMAND_OK;
    return demo_fault_ends_well(stage->options.fault, stage->route.rollout.state) ? SUBCOMMAND_OK
                                                                                  : SUBCOMMAND_FAILED;
}

static enum subcommand_exit run(const struct args *args, const struct subcommand_verb *verb)
{
    struct demo demo = {.stderr_fd = -1};
    enum subcommand_exit status = read_options(&demo, args);

    (void)verb;
    if (status == SUBCOMMAND_OK) {
        term_look(&demo.term, STDOUT_FILENO);
        demo.screen = screen_new(); /* before any thread: they inherit its signal mask */
        status = SUBCOMMAND_FAILED;
        if (demo_stage_open(&demo.stage, &demo.wish)) {
            begin_view(&demo);
            play(&demo);
            end_view(&demo);
            status = verdict(&demo);
        }
        demo_stage_close(&demo.stage);
        screen_free(demo.screen);
    }
    free(demo.access_log);
    return status;
}

const struct subcommand subcommand_demo = {
    .name = "demo",
    .summary = "show a whole rollout with nothing else installed",
    .operands = "",
    .text =
        "Two groups of servers, a proxy before them, clients, and a rollout that moves them from the one\n"
        "group to the other: all of it in this process, on free ports of 127.0.0.1. Ctrl-C ends it.\n"
        "Try `penstock demo --fault errors` to see a bad canary being caught.\n",
    .options = options,
    .options_len = ARRAY_LEN(options),
    .run = run,
};
