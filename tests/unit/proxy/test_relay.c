#include "proxy/relay.h"

#include "../unit.h"

#include <stdlib.h>

static struct relay_memory memory;
static struct relay_buf buf;
static struct relay_queue queue;

/* ---- a socket that takes and gives what the test wants ---- */

static char sent[4096];
static size_t sent_len, takes; /* bytes that the next write takes; 0: AGAIN */
static bool is_broken;
static int writes;

static ssize_t take(struct conn *conn, const struct iovec *iov, int len)
{
    size_t n = 0;

    (void)conn;
    writes++;
    if (is_broken)
        return CONN_FAILED;
    if (takes == 0)
        return CONN_AGAIN;
    for (int i = 0; i < len; i++) {
        size_t part = iov[i].iov_len < takes - n ? iov[i].iov_len : takes - n;

        memcpy(sent + sent_len, iov[i].iov_base, part);
        sent_len += part;
        n += part;
    }
    return (ssize_t)n;
}

static const char *gives;

static ssize_t give(struct conn *conn, void *bytes, size_t len)
{
    size_t n = strlen(gives) < len ? strlen(gives) : len;

    (void)conn;
    memcpy(bytes, gives, n);
    gives += n;
    return (ssize_t)n;
}

static const struct conn_ops ops = {.recv = give, .writev = take};
static struct conn conn; /* fd -1: the events are left alone */

static void set_up(void)
{
    relay_memory_init(&memory, 2, NULL);
    buf = (struct relay_buf){0};
    relay_queue_init(&queue);
    conn = (struct conn){.fd = -1, .ops = &ops};
    sent_len = 0;
    takes = sizeof sent;
    is_broken = false;
    writes = 0;
}

static void tear_down(void)
{
    relay_release(&buf, &memory);
    relay_memory_fini(&memory);
}

static void check_sent(const char *text)
{
    ck_assert_msg(sent_len == strlen(text) && memcmp(sent, text, sent_len) == 0, "%.*s", (int)sent_len, sent);
}

/* ---- receive buffers ---- */

static void receive(const char *text)
{
    gives = text;
    ck_assert(relay_hold(&buf, &memory));
    ck_assert_int_eq(relay_recv(&buf, &conn), (ssize_t)strlen(text));
}

START_TEST(a_buffer_keeps_the_head_and_gives_the_room_of_the_taken_back)
{
    receive("headbodybodyrest");
    buf.keep = buf.off = 4;
    ck_assert(str_eq(relay_rest(&buf), STR("bodybodyrest")));
    buf.off = 12;
    ck_assert_uint_eq(relay_room(&buf), RELAY_SMALL - 16);
    relay_rewind(&buf);
    ck_assert_uint_eq(buf.off, 4);
    ck_assert_uint_eq(relay_room(&buf), RELAY_SMALL - 8);
    ck_assert(memcmp(buf.p, "headrest", 8) == 0);
    relay_rewind(&buf);
    ck_assert(str_eq(relay_rest(&buf), STR("rest")));
    buf.off = buf.len;
    relay_restart(&buf);
    ck_assert_uint_eq(buf.len, 0);
}
END_TEST

START_TEST(a_restart_makes_the_next_message_the_front)
{
    receive("first|second");
    buf.keep = buf.off = 6;
    relay_restart(&buf);
    ck_assert_uint_eq(buf.keep, 0);
    ck_assert_uint_eq(buf.off, 0);
    ck_assert(str_eq(relay_rest(&buf), STR("second")));
}
END_TEST

START_TEST(a_buffer_grows_once_with_its_bytes)
{
    receive("abcdef");
    buf.keep = 2;
    buf.off = 4;
    ck_assert(relay_grow(&buf, &memory));
    ck_assert_uint_eq(buf.cap, RELAY_LARGE);
    ck_assert(memcmp(buf.p, "abcdef", 6) == 0);
    ck_assert(str_eq(relay_rest(&buf), STR("ef")));
    ck_assert(!relay_grow(&buf, &memory));
    relay_release(&buf, &memory);
    ck_assert_ptr_null(buf.p);
    ck_assert_uint_eq(memory.small.live_len + memory.large.live_len, 0);
}
END_TEST

START_TEST(memory_ends_and_nothing_is_lost)
{
    struct relay_buf bufs[5] = {{0}};

    for (size_t i = 0; i < 4; i++)
        ck_assert(relay_hold(&bufs[i], &memory));
    ck_assert(!relay_hold(&bufs[4], &memory));
    ck_assert_ptr_null(bufs[4].p);
    relay_release(&bufs[4], &memory);
    for (size_t i = 0; i < 4; i++)
        relay_release(&bufs[i], &memory);
}
END_TEST

START_TEST(bodies_leave_half_of_the_large_buffers_to_heads)
{
    struct relay_buf bufs[4] = {{0}};
    size_t all = memory.large.live_max;
    void *taken[100];
    size_t n = 0;

    ck_assert_uint_le(all, ARRAY_LEN(taken));
    while (n < all / 2)
        taken[n++] = mem_pool_get(&memory.large);
    ck_assert(relay_hold(&bufs[0], &memory));
    ck_assert(!relay_stretch(&bufs[0], &memory));
    ck_assert_uint_eq(bufs[0].cap, RELAY_SMALL);
    ck_assert(relay_grow(&bufs[0], &memory));
    relay_release(&bufs[0], &memory);
    mem_pool_put(&memory.large, taken[--n]);
    ck_assert(relay_hold(&bufs[1], &memory));
    ck_assert(relay_stretch(&bufs[1], &memory));
    relay_release(&bufs[1], &memory);
    while (n > 0)
        mem_pool_put(&memory.large, taken[--n]);
}
END_TEST

/* ---- queues ---- */

START_TEST(slices_that_touch_become_one)
{
    static const char text[] = "onetwothree";

    relay_add(&queue, (struct str){text, 3});
    relay_add(&queue, (struct str){text + 3, 3});
    relay_add(&queue, (struct str){text + 6, 0});
    relay_add(&queue, (struct str){text + 6, 5});
    ck_assert_int_eq(queue.len, 1);
    relay_add(&queue, STR("!"));
    ck_assert_int_eq(queue.len, 2);
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    check_sent("onetwothree!");
    ck_assert_uint_eq(queue.sent, 12);
}
END_TEST

START_TEST(a_queue_that_is_taken_in_any_pieces_arrives_whole)
{
    for (size_t piece = 1; piece <= 20; piece++) {
        relay_queue_init(&queue);
        sent_len = 0;
        relay_add(&queue, STR("head "));
        relay_add_body(&queue, STR("0123456789abcdef0"), true);
        ck_assert(relay_add_trailers(&queue, NULL, 0));
        takes = piece;
        while (relay_flush(&queue, &conn) == RELAY_BLOCKED)
            ck_assert(!relay_drained(&queue));
        ck_assert(relay_drained(&queue));
        check_sent("head 11\r\n0123456789abcdef0\r\n0\r\n\r\n");
        ck_assert_uint_eq(queue.sent, sent_len);
    }
}
END_TEST

/* A slice that is sent up to its end must not be taken for one that more can be glued to. */
START_TEST(a_slice_that_was_sent_is_not_glued_to)
{
    static const char text[] = "abcdef";

    relay_add(&queue, (struct str){text, 3});
    relay_add(&queue, STR("-"));
    takes = 3;
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_BLOCKED);
    relay_add(&queue, (struct str){text + 3, 3});
    takes = 10;
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    check_sent("abc-def");
}
END_TEST

START_TEST(an_empty_queue_writes_nothing)
{
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    ck_assert_int_eq(writes, 0);
}
END_TEST

START_TEST(a_full_or_broken_socket_says_so)
{
    relay_add(&queue, STR("x"));
    takes = 0;
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_BLOCKED);
    is_broken = true;
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_BROKEN);
    relay_forget(&queue);
    ck_assert(relay_drained(&queue));
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
}
END_TEST

START_TEST(an_empty_piece_is_no_chunk)
{
    relay_add_body(&queue, STR_NULL, true);
    ck_assert_int_eq(queue.len, 0);
    relay_add_body(&queue, STR("raw"), false);
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    check_sent("raw");
}
END_TEST

START_TEST(a_queue_says_when_it_is_full_before_it_is)
{
    char bytes[2 * RELAY_FRAMES_MAX];
    int pieces = 0;

    memset(bytes, 'x', sizeof bytes);
    for (size_t i = 0; relay_has_room(&queue); i += 2, pieces++)
        relay_add_body(&queue, (struct str){bytes + i, 1}, true);
    ck_assert_int_eq(pieces, RELAY_FRAMES_MAX);
    ck_assert(relay_add_trailers(&queue, NULL, 0));
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    ck_assert(relay_has_room(&queue));
}
END_TEST

START_TEST(trailers_follow_the_last_chunk_as_they_came_but_those_of_the_hop)
{
    static const char lines[] = "A:1\r\nB:  2 \t\r\nC:\r\nD: 4\r\n";
    struct field fields[4];
    size_t at[] = {0, 5, 14, 18};

    field_set(&fields[0], (struct str){lines + at[0], 1}, (struct str){lines + 2, 1}, false);
    field_set(&fields[1], (struct str){lines + at[1], 1}, (struct str){lines + 9, 1}, false);
    field_set(&fields[2], (struct str){lines + at[2], 1}, (struct str){lines + 16, 0}, false);
    field_set(&fields[3], (struct str){lines + at[3], 1}, (struct str){lines + 21, 1}, false);
    ck_assert(relay_add_trailers(&queue, fields, ARRAY_LEN(fields)));
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    check_sent("0\r\nA:1\r\nB:  2 \t\r\nC:\r\nD: 4\r\n\r\n");
    sent_len = 0;
    fields[1].flags |= FIELD_HOP;
    fields[3].flags |= FIELD_HOP;
    ck_assert(relay_add_trailers(&queue, fields, ARRAY_LEN(fields)));
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
    check_sent("0\r\nA:1\r\nC:\r\n\r\n");
}
END_TEST

START_TEST(trailers_wait_for_room)
{
    static const char bytes[2 * RELAY_IOV_MAX], line[] = "A:\r\n";
    struct field fields[32];

    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        field_set(&fields[i], (struct str){line, 1}, (struct str){line + 2, 0}, false);
    for (size_t i = 0; i < RELAY_IOV_MAX - 33; i++)
        relay_add(&queue, (struct str){bytes + 2 * i, 1});
    ck_assert(!relay_add_trailers(&queue, fields, ARRAY_LEN(fields)));
    ck_assert(relay_add_trailers(&queue, fields, 31));
    ck_assert_int_eq(relay_flush(&queue, &conn), RELAY_DRAINED);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("relay");
    TCase *tc = tcase_create("relay");

    tcase_add_checked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_buffer_keeps_the_head_and_gives_the_room_of_the_taken_back);
    tcase_add_test(tc, a_restart_makes_the_next_message_the_front);
    tcase_add_test(tc, a_buffer_grows_once_with_its_bytes);
    tcase_add_test(tc, memory_ends_and_nothing_is_lost);
    tcase_add_test(tc, bodies_leave_half_of_the_large_buffers_to_heads);
    tcase_add_test(tc, slices_that_touch_become_one);
    tcase_add_test(tc, a_queue_that_is_taken_in_any_pieces_arrives_whole);
    tcase_add_test(tc, a_slice_that_was_sent_is_not_glued_to);
    tcase_add_test(tc, an_empty_queue_writes_nothing);
    tcase_add_test(tc, a_full_or_broken_socket_says_so);
    tcase_add_test(tc, an_empty_piece_is_no_chunk);
    tcase_add_test(tc, a_queue_says_when_it_is_full_before_it_is);
    tcase_add_test(tc, trailers_follow_the_last_chunk_as_they_came_but_those_of_the_hop);
    tcase_add_test(tc, trailers_wait_for_room);
    suite_add_tcase(suite, tc);
    return suite;
}
