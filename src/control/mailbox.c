#include "control/mailbox.h"

#include "base/clk.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rnd.h"
#include "control/board.h"
#include "control/courier.h"
#include "control/seal.h"

#include <stdio.h>
#include <stdlib.h>

#define PAUSE_NS     NS_PER_S        /* before the second attempt; then twice as long, and so on, */
#define PAUSE_MAX_NS (60 * NS_PER_S) /* up to this */

/* A notice in a queue. */
struct letter {
    struct letter *next;
    struct notice notice;
    int64_t until_ns; /* monotonic: then it is too old to be tried again */
};

/* ---- the queue
 * ------------------------------------------------------------------------------------------- */

/* Takes the letter behind `before` (NULL: the first) out and frees it. */
static void take_out(struct mailbox *box, struct letter *before)
{
    struct letter **link = before ? &before->next : &box->first;
    struct letter *letter = *link;

    if (!letter)
        return;
    *link = letter->next;
    if (box->last == letter)
        box->last = before;
    box->len--;
    notice_fini(&letter->notice);
    free(letter);
}

/* The same with one that nobody will get; `id` is its own. */
static void drop(struct mailbox *box, struct letter *before, const char *id, const char *why)
{
    box->dropped++;
    log_warn("notify %s: notice %s was dropped: %s", box->conf->name, id, why);
    take_out(box, before);
}

static void drop_first(struct mailbox *box, const char *why)
{
    drop(box, NULL, box->first->notice.id, why);
    box->tries = 0;
    box->due_ns = 0;
}

/* The oldest goes, unless it is under way or being tried again. */
static void make_room(struct mailbox *box)
{
    struct letter *first = box->first;

    if (box->len >= MAILBOX_LETTERS_MAX && first && first->next)
        drop(box, first, first->next->notice.id, "too many wait for this receiver");
}

void mailbox_tell(struct mailbox *box, const char *service, const json_t *record)
{
    struct notice notice;

    if (notice_make(&notice, box->conf, service, record)) {
        mailbox_put(box, &notice);
        mailbox_send(box);
        return;
    }
    box->dropped++;
    log_warn("notify %s: a decision could not be written as a notice", box->conf->name);
}

void mailbox_put(struct mailbox *box, const struct notice *notice)
{
    struct letter *letter = mem_zalloc(sizeof *letter);

    make_room(box);
    letter->notice = *notice;
    letter->until_ns = box->board->now_ns + box->conf->retry_for_ns;
    if (box->last)
        box->last->next = letter;
    else
        box->first = letter;
    box->last = letter;
    box->len++;
}

/* ---- an attempt
 * ------------------------------------------------------------------------------------------ */

/* 4xx say that it is the notice that is wrong, but for those that say "not now". */
static bool is_final(unsigned status)
{
    return status >= 300 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void note_problem(struct mailbox *box, const struct courier_answer *answer)
{
    bool first = box->problem[0] == '\0';

    if (answer->status)
        snprintf(box->problem, sizeof box->problem, "status %u: %s", answer->status, answer->text);
    else
        snprintf(box->problem, sizeof box->problem, "%s", answer->text);
    if (first)
        log_warn("notify %s: a notice was not taken: %s", box->conf->name, box->problem);
}

/* Between half of it and all of it, so that several of us do not come at once. */
static int64_t pause_of(struct mailbox *box, const struct courier_answer *answer)
{
    int64_t pause_ns = PAUSE_NS;

    for (unsigned i = 1; i < box->tries && pause_ns < PAUSE_MAX_NS; i++)
        pause_ns *= 2;
    if (pause_ns > PAUSE_MAX_NS)
        pause_ns = PAUSE_MAX_NS;
    pause_ns = pause_ns / 2 + rnd_below(box->rnd, (uint32_t)(pause_ns / 2 / NS_PER_MS)) * NS_PER_MS;
    return answer->retry_after_ns > pause_ns ? answer->retry_after_ns : pause_ns;
}

static void on_answer(void *arg, const struct courier_answer *answer)
{
    struct mailbox *box = arg;
    struct board *board = box->board;

    board_now(board);
    box->call = 0;
    box->tries++;
    if (courier_is_yes(answer)) {
        if (box->problem[0])
            log_info("notify %s: notices are taken again", box->conf->name);
        box->problem[0] = '\0';
        box->sent++;
        box->tries = 0;
        box->due_ns = 0;
        take_out(box, NULL);
        mailbox_send(box);
        return;
    }
    note_problem(box, answer);
    if (is_final(answer->status) || box->tries > box->retries_max || board->now_ns >= box->first->until_ns) {
        drop_first(box, box->problem);
        mailbox_send(box);
        return;
    }
    box->due_ns = board->now_ns + pause_of(box, answer);
}

static void add_headers(struct courier_request *request, const struct mailbox *box, const struct seal *seal,
                        const char *sns_id)
{
    size_t n = 0;

    request->headers[n++] = notice_content_type(box->conf->kind);
    request->headers[n++] = "Expect:"; /* libcurl would ask before it sends a long body */
    if (box->conf->kind == CONFIG_NOTICE_SNS) {
        request->headers[n++] = "x-amz-sns-message-type: Notification";
        request->headers[n++] = sns_id;
    }
    for (size_t i = 0; box->conf->secret && i < SEAL_LINES; i++)
        request->headers[n++] = seal->lines[i];
}

void mailbox_send(struct mailbox *box)
{
    const struct letter *letter = box->first;
    struct board *board = box->board;
    struct courier_request request = {
        .url = box->conf->url, .timeout_ns = box->conf->timeout_ns, .done = on_answer, .arg = box};
    char sns_id[NOTICE_ID_MAX + 32];
    struct seal seal;

    if (!letter || box->call || board->now_ns < box->due_ns || courier_busy(box->courier) >= box->busy_max)
        return;
    request.body = str_from(letter->notice.body);
    if (box->conf->secret &&
        !seal_make(&seal, box->conf->secret, letter->notice.id, board->wall_ns / NS_PER_S, request.body)) {
        drop_first(box, "it cannot be signed");
        return;
    }
    snprintf(sns_id, sizeof sns_id, "x-amz-sns-message-id: %s", letter->notice.id);
    add_headers(&request, box, &seal, sns_id);
    box->call = courier_post(box->courier, &request);
    if (box->call && box->tries > 0)
        box->retried++;
}

void mailbox_fini(struct mailbox *box)
{
    courier_forget(box->courier, box->call);
    if (box->call)
        take_out(box, NULL);
    if (box->first)
        log_warn("notify %s: %zu notices that still waited are dropped", box->conf->name, box->len);
    while (box->first)
        take_out(box, NULL);
}
