#include "proxy/inbound.h"

#include "proxy/worker.h"

void inbound_deadline(struct worker *worker, struct inbound *in, int64_t ns)
{
    if (ns)
        wheel_set(&worker->wheel, &in->timer, worker->now_ns + ns);
    else
        wheel_cancel(&worker->wheel, &in->timer);
}
