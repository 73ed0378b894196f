#include "export/logxray.h"

#include "base/clk.h"
#include "base/mem.h"
#include "export/logpeer.h"
#include "export/logspans.h"
#include "export/xray.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define USUAL_ADDRESS "127.0.0.1:2000"
#define CALM_NS       (10 * NS_PER_S)

struct logxray {
    struct logplace place;
    struct logpeer peer;
    int64_t failed_ns; /* when a datagram could not be sent last; 0: never */
    struct logspans spans;
    char datagram[XRAY_MAX];
};

/* A daemon that is not there is known by the datagram before, whose refusal the socket tells now. */
static bool send_datagram(struct logxray *xray, struct str bytes)
{
    const char *why = NULL;

    if (!logpeer_connect(&xray->peer, clk_mono_ns(), &why)) {
        if (why)
            logplace_failed(&xray->place, why);
        return false;
    }
    if (send(xray->peer.fd, bytes.p, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
        logplace_count(&xray->place.counters.bytes, bytes.len);
        return true;
    }
    xray->failed_ns = clk_mono_ns();
    logplace_failed(&xray->place, strerror(errno));
    return false;
}

static void export_line(struct logplace *place, struct logread *read)
{
    struct logxray *xray = (struct logxray *)place;
    struct logplace_counters *counters = &place->counters;
    bool lost = false;
    size_t at = 0;

    logread_parts(read);
    for (;;) {
        struct buf out;

        buf_init(&out, xray->datagram, sizeof xray->datagram);
        if (!xray_write(read, &at, &out))
            break;
        lost |= out.full || !send_datagram(xray, buf_str(&out));
    }
    if (at == 0)
        return; /* a part of a request that was never tried */
    logplace_count(lost ? &counters->lost : &counters->lines, 1);
    if (lost)
        return;
    logpeer_works(&xray->peer);
    if (clk_mono_ns() - xray->failed_ns > CALM_NS) /* every other one goes out while nobody is there */
        logplace_works(&xray->place);
}

static void xray_take(struct logplace *place, const struct logblock *block)
{
    logspans_take(&((struct logxray *)place)->spans, block);
}

static bool xray_open(struct logplace *place, char *why, size_t why_len)
{
    (void)place, (void)why, (void)why_len;
    return true; /* the daemon may come later */
}

static void xray_free(struct logplace *place)
{
    struct logxray *xray = (struct logxray *)place;

    logpeer_fini(&xray->peer);
    logspans_fini(&xray->spans);
    free(xray);
}

static const struct logplace_kind kind = {.open = xray_open, .take_marked = xray_take, .free = xray_free};

struct logplace *logxray_new(const struct config_log *conf)
{
    struct logxray *xray = mem_zalloc(sizeof *xray);
    const char *said = conf->xray_address ? conf->xray_address : getenv("AWS_XRAY_DAEMON_ADDRESS");
    char block[XRAY_ADDRESS_MAX] = USUAL_ADDRESS, *address = block;

    if (said && !xray_address(str_from(said), block))
        log_warn("AWS_XRAY_DAEMON_ADDRESS: %s is no address such as " USUAL_ADDRESS
                 ", which is taken instead",
                 said);
    xray->place.kind = &kind;
    xray->place.name = mem_printf("xray:%s", address);
    logpeer_init(&xray->peer, &address, 1, SOCK_DGRAM);
    logspans_init(&xray->spans, &xray->place, export_line);
    return &xray->place;
}
