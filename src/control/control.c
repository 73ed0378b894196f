#include "control/control.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "conf/address.h"
#include "control/admin.h"
#include "control/aftermath.h"
#include "control/api.h"
#include "control/asker.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/history.h"
#include "control/metrics.h"
#include "control/notifier.h"
#include "control/notify.h"
#include "control/prober.h"
#include "control/reload.h"
#include "control/restore.h"
#include "control/status.h"
#include "control/surveyor.h"
#include "control/tick.h"
#include "net/tls.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DRAIN_LOOK_NS (50 * NS_PER_MS)
#define LAST_WORDS_NS (2 * NS_PER_S) /* for webhooks that are under way at the end */

enum { WHY_MAX = 512 };

enum phase {
    SERVING,
    LAME,     /* not ready any more, but still serving: load balancers take notice */
    DRAINING, /* no new connections; what is open may end */
    ENDED,    /* the loop ends */
};

struct control {
    const struct control_options *options;
    struct event_base *base;
    struct board *board;
    struct api api;
    struct admin *admin; /* NULL: none is configured */
    struct prober *prober;
    struct courier *courier;
    struct asker *asker;
    enum phase phase;
    int64_t drain_until_ns; /* monotonic */
    int signal_fd;
    sigset_t old_mask;
    struct event *tick, *seen, *answers, *signals, *stop, *leave;
};

/* ---- shutdown
 * ------------------------------------------------------------------------------------------------ */

static struct timeval in_ns(int64_t ns)
{
    return (struct timeval){.tv_sec = ns / NS_PER_S, .tv_usec = ns % NS_PER_S / 1000};
}

static void after(struct event *event, int64_t ns)
{
    struct timeval time = in_ns(ns);

    event_add(event, &time);
}

static void enter(struct control *control, enum phase phase)
{
    int64_t lame_ns =
        control->options->lame_ns < 0 ? control->board->config->timeouts.lame_ns : control->options->lame_ns;

    control->phase = phase;
    switch (phase) {
    case SERVING:
        break;
    case LAME:
        control->board->leaving = true;
        notify("STOPPING=1");
        log_info("shutting down: not ready any more, listening for %" PRId64
                 " s more; a second signal ends it at once",
                 lame_ns / NS_PER_S);
        after(control->leave, lame_ns);
        break;
    case DRAINING:
        crew_drain(control->board->crew);
        control->drain_until_ns = clk_mono_ns() + control->board->config->timeouts.drain_ns;
        after(control->leave, 0);
        break;
    case ENDED:
        event_base_loopbreak(control->base);
        break;
    }
}

static void on_leave(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;
    bool idle;

    (void)fd, (void)what;
    if (control->phase == LAME) {
        enter(control, DRAINING);
        return;
    }
    idle = !crew_listening(control->board->crew) && crew_idle(control->board->crew);
    if (!idle && clk_mono_ns() < control->drain_until_ns) {
        after(control->leave, DRAIN_LOOK_NS);
        return;
    }
    if (!idle)
        log_warn("shutting down: the drain time is over, what is still open is cut");
    enter(control, ENDED);
}

/* The first time asks nicely, the second does not. */
static void leave(struct control *control)
{
    enter(control, control->phase == SERVING ? LAME : ENDED);
}

/* ---- signals
 * ------------------------------------------------------------------------------------------------- */

static void reload_by_signal(struct control *control)
{
    char why[ORDER_WHY_MAX], state[64];
    struct conf_report report;
    enum order_result result;

    snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, control->board->now_ns / 1000);
    notify(state);
    conf_report_init(&report);
    result = reload(control->board, &report, why);
    conf_report_print(&report, stderr);
    conf_report_fini(&report);
    if (result == ORDER_DONE)
        log_info("the configuration was reloaded");
    else
        log_error("the reload was refused: %s", why);
    notify("READY=1");
}

static void obey_signal(struct control *control, uint32_t signal)
{
    switch (signal) {
    case SIGHUP:
        if (control->phase == SERVING)
            reload_by_signal(control);
        break;
    case SIGUSR1:
        if (control->board->logsink)
            logsink_reopen(control->board->logsink);
        log_info("the log files are opened again");
        break;
    default:
        leave(control);
    }
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;
    struct signalfd_siginfo info;

    (void)what;
    board_now(control->board);
    while (read(fd, &info, sizeof info) == sizeof info)
        obey_signal(control, info.ssi_signo);
}

/* Signals come through a descriptor, in this thread; the threads started later inherit the mask. */
static bool take_signals(struct control *control)
{
    sigset_t mask;

    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &mask, &control->old_mask);
    signal(SIGPIPE, SIG_IGN);
    control->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    return control->signal_fd >= 0;
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
    eventfd_t value;

    (void)what;
    if (eventfd_read(fd, &value) == 0)
        leave(arg);
}

void control_stop(int stop_fd)
{
    (void)!eventfd_write(stop_fd, 1);
}

/* ---- the loop
 * ------------------------------------------------------------------------------------------------ */

static void on_decision(void *arg, const json_t *record)
{
    struct control *control = arg;

    stream_decision(&control->api.hub, record);
    if (control->board->notifier)
        notifier_tell(control->board->notifier, record);
    if (control->options->decision)
        control->options->decision(control->options->arg, record);
}

static void show_status(struct control *control)
{
    const char *admin = control->admin ? admin_text(control->admin) : NULL;
    json_t *status;

    stream_tick(&control->api.hub, control->board, admin);
    if (!control->options->status)
        return;
    status = status_json(control->board, admin, NULL);
    control->options->status(control->options->arg, status);
    json_decref(status);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;

    (void)fd, (void)what;
    board_now(control->board);
    prober_look(control->prober);
    tls_look(control->board->config, control->board->now_ns);
    tick(control->board);
    asker_look(control->asker);
    surveyor_look(control->board->surveyor);
    notifier_look(control->board->notifier);
    metrics_tick(control->board);
    api_look(&control->api);
    show_status(control);
}

/* Some worker has adopted a snapshot. */
static void on_seen(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;
    eventfd_t value;

    (void)what;
    (void)!eventfd_read(fd, &value);
    if (crew_seen(control->board->crew) < control->board->version)
        return;
    board_now(control->board);
    tick_harvest(control->board);
    api_look(&control->api);
}

/* What others say to webhooks. */
static void on_answers(evutil_socket_t fd, short what, void *arg)
{
    struct control *control = arg;

    (void)fd, (void)what;
    board_now(control->board);
    courier_look(control->courier);
}

static struct event *add_event(struct control *control, int fd, event_callback_fn callback)
{
    struct event *event = event_new(control->base, fd, EV_READ | EV_PERSIST, callback, control);

    BUG_ON(!event);
    event_add(event, NULL);
    return event;
}

static void add_events(struct control *control)
{
    struct timeval tick = in_ns(control->options->tick_ns > 0 ? control->options->tick_ns : NS_PER_S);

    control->tick = event_new(control->base, -1, EV_PERSIST, on_tick, control);
    control->leave = event_new(control->base, -1, 0, on_leave, control);
    BUG_ON(!control->tick || !control->leave);
    event_add(control->tick, &tick);
    control->seen = add_event(control, crew_seen_fd(control->board->crew), on_seen);
    control->answers = add_event(control, courier_fd(control->courier), on_answers);
    if (control->options->signals)
        control->signals = add_event(control, control->signal_fd, on_signal);
    if (control->options->stop_fd >= 0)
        control->stop = add_event(control, control->options->stop_fd, on_stop);
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

/* ---- start
 * --------------------------------------------------------------------------------------------------- */

static struct config *configuration(const struct control_options *options)
{
    struct conf_report report;
    struct config *config;

    if (!options->config_path)
        return options->config;
    conf_report_init(&report);
    config = tls_load_config(options->config_path, &report);
    conf_report_print(&report, stderr);
    conf_report_fini(&report);
    return config;
}

/* Everything but the crew; takes the reference of `config`. */
static bool start_board(struct control *control, struct config *config, char why[static WHY_MAX])
{
    struct store *store = NULL;
    bool ok;

    if (config->state_directory) {
        store = store_open(config->state_directory, clk_wall_ns(), why);
        if (!store) {
            config_unref(config);
            return false;
        }
    }
    control->board = mem_alloc(sizeof *control->board);
    ok = board_init(control->board, config, store, why, WHY_MAX);
    config_unref(config);
    control->board->journal.listener = on_decision;
    control->board->journal.arg = control;
    return ok;
}

static void restore_board(struct board *board)
{
    hash_key_init(&board->sticky_key);
    if (board->store) {
        store_sticky_key(board->store, &board->sticky_key);
        restore(board);
    }
    for (size_t i = 0; i < board->lives_len; i++)
        board_sync(board, &board->lives[i]);
}

static bool start_admin(struct control *control, char why[static WHY_MAX])
{
    const struct config_admin *admin = &control->board->config->admin;

    if (!admin->enabled)
        return true;
    if (!address_is_local(&admin->address))
        log_warn("admin: %s can be reached from other machines: whoever has the token can move all traffic; "
                 "put it on "
                 "loopback or a unix socket, or behind a firewall",
                 admin->address.text);
    control->admin = admin_open(control->base, &admin->address, api_handle, &control->api, why, WHY_MAX);
    control->api.admin = control->admin;
    return control->admin != NULL;
}

static bool start_crew(struct board *board, char why[static WHY_MAX])
{
    struct accesslog_pipe *pipes[CONFIG_WORKERS_MAX];
    int wake_fd = -1; /* no record is wanted */

    if (board->config->logs_len > 0) {
        board->logsink = logsink_open(board->config->logs, board->config->logs_len, why, WHY_MAX);
        if (!board->logsink)
            return false;
        if (logsink_takes_requests(board->logsink))
            wake_fd = logsink_wake_fd(board->logsink);
    }
    board->crew = crew_start(board_snapshot(board), wake_fd, why, WHY_MAX);
    if (!board->crew)
        return false;
    for (size_t i = 0; i < crew_size(board->crew); i++)
        pipes[i] = crew_log_pipe(board->crew, i);
    if (board->logsink)
        logsink_start(board->logsink, pipes, crew_size(board->crew));
    return true;
}

static bool start_courier(struct control *control, char why[static WHY_MAX])
{
    control->courier = courier_new();
    if (control->courier)
        return true;
    snprintf(why, WHY_MAX, "no descriptor is left for webhooks");
    return false;
}

static bool start(struct control *control, struct config *config, char why[static WHY_MAX])
{
    if (!start_board(control, config, why) || !start_courier(control, why))
        return false;
    restore_board(control->board);
    api_init(&control->api, control->base, control->board);
    return start_admin(control, why) && start_crew(control->board, why);
}

/* `penstock ready: http 127.0.0.1:41235, admin 127.0.0.1:33211, 2 workers` */
static void say_ready(struct control *control)
{
    const struct board *board = control->board;
    const char *listeners[CONFIG_LISTENERS_MAX];
    struct control_ready ready = {.listeners = listeners,
                                  .listeners_len = board->config->listeners_len,
                                  .admin = control->admin ? admin_text(control->admin) : NULL,
                                  .workers = crew_size(board->crew)};
    struct text line;

    text_init(&line, 64 << 10);
    text_printf(&line, "penstock ready: ");
    for (size_t i = 0; i < ready.listeners_len; i++) {
        listeners[i] = crew_listener_text(board->crew, i);
        text_printf(&line, "%s %s, ", board->config->listeners[i].tls.server ? "https" : "http",
                    listeners[i]);
    }
    if (ready.admin)
        text_printf(&line, "admin %s, ", ready.admin);
    text_printf(&line, "%zu worker%s\n", ready.workers, ready.workers == 1 ? "" : "s");
    if (!control->options->quiet)
        (void)!write(STDERR_FILENO, line.p, line.len);
    text_fini(&line);
    notify("READY=1");
    if (control->options->ready)
        control->options->ready(control->options->arg, &ready);
}

/* ---- end
 * ----------------------------------------------------------------------------------------------------- */

static void save_last(struct board *board)
{
    board_now(board);
    tick_harvest(board);
    history_end(board);
    for (size_t i = 0; i < board->lives_len; i++) {
        struct live *live = &board->lives[i];

        if (live->run && (run_judges(live->run) || live->run->unsaved) &&
            !run_save_all(board, &live, 1, true))
            log_error("route %s: the rollout's last state could not be saved", live->conf->name);
    }
    aftermath_end(board);
}

static void stop_crew(struct board *board)
{
    if (board->crew) {
        crew_stop(board->crew);
        metrics_end(board);
    }
    logsink_stop(board->logsink);
    board->logsink = NULL;
    if (board->crew && board->store)
        save_last(board);
    crew_free(board->crew);
    board->crew = NULL;
}

static void stop(struct control *control)
{
    struct event *events[] = {control->tick,    control->seen, control->answers,
                              control->signals, control->stop, control->leave};

    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        free_event(events[i]);
    prober_free(control->prober);
    if (control->board) {
        notifier_free(control->board->notifier);
        surveyor_free(control->board->surveyor);
    }
    asker_free(control->asker);
    courier_free(control->courier, LAST_WORDS_NS);
    admin_close(control->admin);
    if (control->api.board)
        api_fini(&control->api);
    if (control->board) {
        control->board->notifier = NULL;
        control->board->surveyor = NULL;
        stop_crew(control->board);
        board_fini(control->board);
        free(control->board);
    }
    event_base_free(control->base);
    if (control->options->signals) {
        if (control->signal_fd >= 0)
            close(control->signal_fd);
        pthread_sigmask(SIG_SETMASK, &control->old_mask, NULL);
    }
}

int control_run(const struct control_options *options)
{
    struct control control = {.options = options, .signal_fd = -1};
    struct config *config = configuration(options);
    char why[WHY_MAX] = "";
    bool ok = false;

    if (!config)
        return 1;
    if (options->quiet)
        log_set_level(LOG_LEVEL_ERROR);
    control.base = event_base_new();
    BUG_ON(!control.base);
    if (options->signals && !take_signals(&control)) {
        log_error("signals cannot be taken");
        config_unref(config);
    } else if (!start(&control, config, why)) {
        log_error("penstock cannot start: %s", why);
    } else {
        control.prober = prober_new(control.base, control.board);
        control.board->notifier = notifier_new(control.board, control.courier);
        control.asker = asker_new(control.board, control.courier);
        control.board->surveyor = surveyor_new(control.board, control.courier);
        add_events(&control);
        say_ready(&control);
        event_base_dispatch(control.base);
        log_info("penstock has ended");
        ok = true;
    }
    stop(&control);
    return ok ? 0 : 1;
}
