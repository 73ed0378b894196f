#include "export/logsyslog.h"

#include "base/clk.h"
#include "base/mem.h"
#include "export/logpeer.h"
#include "export/logplace.h"
#include "export/logread.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_MAX = LOGFORMAT_MAX + 1024, HOST_MAX = 64, STALL_MS = 2000 };

struct logsyslog {
    struct logplace place;
    struct logpeer peer;
    struct logsyslog_origin origin;
    char *app;
    char host[HOST_MAX];
    char *message; /* MESSAGE_MAX */
};

/* ---- messages ---- */

/* RFC 5424 section 6.2.1: 3 error, 4 warning, 6 informational. */
static unsigned severity_of(const struct logread *read)
{
    struct str severity = logread_text(read->at[LOGFIELD_SEVERITY]);

    return str_eq(severity, STR("error")) ? 3 : str_eq(severity, STR("warn")) ? 4 : 6;
}

/* RFC 5424 section 6.3.3: '"', '\' and ']' have a backslash before them. A platform's name has none of these.
 */
static void data_add(const struct logread *read, struct buf *out)
{
    struct str platform = logread_text(read->at[LOGFIELD_PLATFORM]);

    if (platform.len == 0) {
        buf_lit(out, "- ");
        return;
    }
    buf_lit(out, "[penstock@32473 platform=\"");
    buf_str_add(out, platform);
    buf_lit(out, "\"] ");
}

void logsyslog_message(const struct logsyslog_origin *origin, struct str line, int64_t now_wall_ns,
                       struct buf *out)
{
    struct logread read = {0};
    char stamp[CLK_TEXT_LEN];
    int64_t wall_ns = 0;

    if (line.len && line.p[0] == '{' && logread_line(line, &read))
        wall_ns = logread_wall_ns(&read);
    clk_text(wall_ns ? wall_ns : now_wall_ns, stamp);
    buf_char(out, '<');
    buf_u64(out, 8 * origin->facility + severity_of(&read));
    buf_lit(out, ">1 ");
    buf_add(out, stamp, sizeof stamp);
    buf_char(out, ' ');
    buf_str_add(out, origin->host[0] ? str_from(origin->host) : STR("-"));
    buf_char(out, ' ');
    buf_str_add(out, str_from(origin->app));
    buf_char(out, ' ');
    buf_i64(out, origin->pid);
    buf_lit(out, " access ");
    data_add(&read, out);
    buf_str_add(out, line);
}

/* ---- sending ---- */

static void down(struct logsyslog *syslog, const char *why)
{
    logplace_failed(&syslog->place, why);
    logpeer_fail(&syslog->peer, clk_mono_ns());
}

static bool is_ready(const struct logsyslog *syslog)
{
    struct pollfd pollfd = {.fd = syslog->peer.fd, .events = POLLOUT};

    return poll(&pollfd, 1, STALL_MS) > 0;
}

/* False: the server is gone, or takes nothing, and the message with it. */
static bool send_bytes(struct logsyslog *syslog, struct str bytes)
{
    size_t done = 0;

    while (done < bytes.len) {
        ssize_t n = send(syslog->peer.fd, bytes.p + done, bytes.len - done, MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EMSGSIZE) {
            logplace_count(&syslog->place.counters.errors, 1);
            return false; /* this one alone is too large for a datagram */
        }
        if (n < 0 && (errno != EAGAIN || !is_ready(syslog))) {
            down(syslog, errno == EAGAIN ? "it takes nothing" : strerror(errno));
            return false;
        }
        done += n > 0 ? (size_t)n : 0;
    }
    logplace_count(&syslog->place.counters.bytes, done);
    return true;
}

static bool connected(struct logsyslog *syslog)
{
    const char *why;

    if (logpeer_connect(&syslog->peer, clk_mono_ns(), &why))
        return true;
    if (why)
        down(syslog, why);
    return false;
}

/* With the length of the message before it, and a blank, where it is a stream. */
static bool send_line(struct logsyslog *syslog, struct str line, int64_t now_wall_ns)
{
    enum { FRAME_MAX = 24 };
    char digits[FRAME_MAX];
    struct buf out, frame;

    if (!connected(syslog))
        return false;
    buf_init(&out, syslog->message + FRAME_MAX, MESSAGE_MAX - FRAME_MAX);
    logsyslog_message(&syslog->origin, line, now_wall_ns, &out);
    if (out.full)
        return false;
    if (syslog->peer.type == SOCK_DGRAM)
        return send_bytes(syslog, buf_str(&out));
    buf_init(&frame, digits, sizeof digits);
    buf_u64(&frame, out.len);
    buf_char(&frame, ' ');
    memcpy(out.p - frame.len, digits, frame.len);
    return send_bytes(syslog, (struct str){out.p - frame.len, out.len + frame.len});
}

static void syslog_take(struct logplace *place, struct str bytes, uint32_t lines)
{
    struct logsyslog *syslog = (struct logsyslog *)place;
    int64_t now_wall_ns = clk_wall_ns();
    struct str line;

    (void)lines;
    while (str_split(&bytes, '\n', &line)) {
        if (line.len == 0)
            continue;
        if (send_line(syslog, line, now_wall_ns)) {
            logplace_count(&place->counters.lines, 1);
            logpeer_works(&syslog->peer);
            logplace_works(place);
        } else {
            logplace_count(&place->counters.lost, 1);
        }
    }
}

static bool syslog_open(struct logplace *place, char *why, size_t why_len)
{
    (void)place, (void)why, (void)why_len;
    return true; /* the server may come later */
}

static void syslog_free(struct logplace *place)
{
    struct logsyslog *syslog = (struct logsyslog *)place;

    logpeer_fini(&syslog->peer);
    free(syslog->app);
    free(syslog->message);
    free(syslog);
}

static const struct logplace_kind kind = {.open = syslog_open, .take = syslog_take, .free = syslog_free};

/* "udp:host:port", "tcp:host:port" or "unix:/path". */
static void set_peer(struct logsyslog *syslog, char *address)
{
    char *where = strncmp(address, "unix:", 5) == 0 ? address : address + 4;

    logpeer_init(&syslog->peer, &where, 1, strncmp(address, "tcp:", 4) == 0 ? SOCK_STREAM : SOCK_DGRAM);
}

struct logplace *logsyslog_new(const struct config_log *conf)
{
    struct logsyslog *syslog = mem_zalloc(sizeof *syslog);

    syslog->place.kind = &kind;
    syslog->place.name = mem_printf("syslog:%s", conf->syslog.address);
    set_peer(syslog, conf->syslog.address);
    if (gethostname(syslog->host, sizeof syslog->host - 1) != 0)
        syslog->host[0] = '\0';
    syslog->app = mem_strdup(conf->syslog.app);
    syslog->origin = (struct logsyslog_origin){
        .facility = conf->syslog.facility, .app = syslog->app, .host = syslog->host, .pid = (long)getpid()};
    syslog->message = mem_alloc(MESSAGE_MAX);
    return &syslog->place;
}
