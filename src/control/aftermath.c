#include "control/aftermath.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/board.h"
#include "control/history.h"
#include "control/store_file.h"
#include "control/store_history.h"
#include "decide/words.h"
#include "export/logvalue.h"
#include "report/html.h"
#include "report/report.h"

#include <errno.h>
#include <fts.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TITLE_MAX = 256, WHY_MAX = 256 };

/* ---- the report ---- */

static void put_point(void *arg, const struct store_point *point)
{
    struct report_interval interval = {
        .begin_s = point->begin_s,
        .route = str_from(point->route),
        .platform = str_from(point->platform),
        .group = str_from(point->group),
        .side = strcmp(point->side, "canary") == 0 ? REPORT_CANARY : REPORT_STABLE,
        .weight = (int32_t)point->weight,
        .cell = {.requests = point->requests,
                 .errors = point->errors,
                 .client_errors = point->client_errors,
                 .timed = point->requests,
                 .slow = point->slow,
                 .sent = point->sent,
                 .p50_ns = point->p50_ns,
                 .p95_ns = point->p95_ns,
                 .p99_ns = point->p99_ns},
    };

    report_put(arg, &interval);
}

static const char *text_of(const json_t *record, const char *key)
{
    const char *text = json_string_value(json_object_get(record, key));

    return text ? text : "";
}

/* Hundredths of a percent. */
static int32_t weight_of(const json_t *record, const char *key)
{
    return (int32_t)lround(100 * json_number_value(json_object_get(json_object_get(record, "weight"), key)));
}

static int64_t wall_of(const json_t *record)
{
    int64_t wall_ns = 0;

    if (!logvalue_time(str_from(text_of(record, "time")), &wall_ns))
        return 0;
    return wall_ns;
}

static void add_decisions(struct board *board, const struct live *live, struct report *report)
{
    json_t *list = journal_list(&board->journal, board->store, live->conf->name, 0, JOURNAL_LIST_MAX);
    const json_t *record;
    size_t i;

    json_array_foreach(list, i, record)
    {
        if (strcmp(text_of(record, "rollout"), live->run->id) != 0)
            continue;
        report_decide(report, &(struct report_decision){.wall_ns = wall_of(record),
                                                        .from = weight_of(record, "from"),
                                                        .to = weight_of(record, "to"),
                                                        .route = live->conf->name,
                                                        .action = text_of(record, "action"),
                                                        .reason = text_of(record, "reason"),
                                                        .text = text_of(record, "text")});
    }
    json_decref(list);
}

/* The report of the rollout's time; NULL when the history could not be read. */
static struct report *make_report(struct board *board, const struct live *live, const char *title)
{
    struct history_query query = {.from_s = live->run->created_ns / NS_PER_S - 60,
                                  .to_s = board->wall_ns / NS_PER_S + 1};
    struct report_options options = {.title = title, .least_s = history_step(board, &query)};
    struct report *report;

    options.slo_ns = history_slo(live, &options.objective);
    query.step_s = options.least_s;
    report = report_new(&options);
    if (!history_each(board, live, &query, put_point, report)) {
        report_free(report);
        return NULL;
    }
    add_decisions(board, live, report);
    report_finish(report);
    return report;
}

/* ---- the folder ---- */

/* Oldest first. */
static int by_age(const FTSENT **a, const FTSENT **b)
{
    const struct timespec *one = &(*a)->fts_statp->st_mtim, *other = &(*b)->fts_statp->st_mtim;

    if (one->tv_sec != other->tv_sec)
        return one->tv_sec < other->tv_sec ? -1 : 1;
    return one->tv_nsec < other->tv_nsec ? -1 : one->tv_nsec > other->tv_nsec;
}

bool aftermath_is_page(struct str name)
{
    static const char pattern[] = "-00000000T000000000Z.html";
    size_t len = sizeof pattern - 1;

    if (name.len <= len || memchr(name.p, '/', name.len) || memchr(name.p, '\0', name.len))
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name.p[name.len - len + i];

        if (pattern[i] == '0' ? c < '0' || c > '9' : c != pattern[i])
            return false;
    }
    return true;
}

char *aftermath_folder(const struct board *board)
{
    const char *state = board->config->state_directory;

    return board->store && state ? mem_printf("%s/reports", state) : NULL;
}

static bool is_page(const FTSENT *entry)
{
    return entry->fts_info == FTS_F && aftermath_is_page(str_from(entry->fts_name));
}

/* Removes the oldest pages beyond the most. */
static void tidy(char *folder)
{
    char *const roots[] = {folder, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_age);
    size_t pages = 0;

    if (!walk)
        return;
    if (fts_read(walk) != NULL) {
        FTSENT *first = fts_children(walk, 0);

        for (FTSENT *entry = first; entry; entry = entry->fts_link)
            pages += is_page(entry);
        for (FTSENT *entry = first; entry && pages > AFTERMATH_PAGES_MAX; entry = entry->fts_link) {
            char *path;

            if (!is_page(entry))
                continue;
            path = mem_printf("%s/%s", folder, entry->fts_name);
            unlink(path);
            free(path);
            pages--;
        }
    }
    fts_close(walk);
}

static bool write_page(const struct report *report, int64_t now_ns, const char *path,
                       char why[static WHY_MAX])
{
    char *page = NULL;
    size_t len;
    FILE *out = open_memstream(&page, &len);
    bool ok = out && report_html(report, now_ns, out);

    if (out)
        ok = fclose(out) == 0 && ok;
    if (!ok)
        snprintf(why, WHY_MAX, "%s", strerror(errno));
    ok = ok && store_file_replace(path, page, why, WHY_MAX);
    free(page);
    return ok;
}

/* ---- the end of a rollout ---- */

/* "web-20261121T060000123Z.html"; what a folder would be is none. */
static char *path_of(const char *folder, const char *id)
{
    char *path = mem_printf("%s/%s.html", folder, id);

    for (char *p = path + strlen(folder) + 1; *p; p++)
        if (*p == '/')
            *p = '-';
    return path;
}

static void write_report(struct board *board, const struct live *live, char *folder)
{
    char *path = path_of(folder, live->run->id);
    char title[TITLE_MAX], why[WHY_MAX] = "the history cannot be read";
    struct report *report;

    snprintf(title, sizeof title, "%s: %s is %s", live->conf->name, live->run->plan->name,
             word_name(&rollout_state_words, live->run->rollout->state));
    report = make_report(board, live, title);
    if (report && mkdir(folder, 0700) != 0 && errno != EEXIST)
        snprintf(why, sizeof why, "%s: %s", folder, strerror(errno));
    else if (report && write_page(report, board->wall_ns, path, why))
        why[0] = '\0';
    if (why[0])
        log_warn("the report of rollout %s cannot be written: %s", live->run->id, why);
    else
        log_info("rollout %s is over; its report is %s", live->run->id, path);
    tidy(folder);
    report_free(report);
    free(path);
}

bool aftermath_leave(struct board *board, struct live *live)
{
    struct run *run = live->run;
    char *folder;

    if (!run || run->left || !rollout_is_over(run->rollout))
        return false;
    run->left = true;
    folder = aftermath_folder(board);
    if (!folder)
        return false;
    write_report(board, live, folder);
    free(folder);
    return true;
}

/* One that is tried again leaves another page. */
static void look_again(struct run *run)
{
    if (run && !rollout_is_over(run->rollout))
        run->left = false;
}

void aftermath_tick(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++)
        look_again(board->lives[i].run);
    for (size_t i = 0; i < board->lives_len; i++)
        if (aftermath_leave(board, &board->lives[i]))
            return;
}

void aftermath_end(struct board *board)
{
    for (size_t i = 0; i < board->lives_len; i++) {
        look_again(board->lives[i].run);
        aftermath_leave(board, &board->lives[i]);
    }
}
