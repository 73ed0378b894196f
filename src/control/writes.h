/* The calls of the admin API that change something; each answers its call, now or later. See the table in
 * control/api. Thread: control. */
#ifndef CONTROL_WRITES_H
#define CONTROL_WRITES_H

struct call;

void writes_weight(struct call *call);
void writes_start(struct call *call);
void writes_update(struct call *call);
void writes_pause(struct call *call);
void writes_resume(struct call *call);
void writes_approve(struct call *call);
void writes_skip(struct call *call);
void writes_promote(struct call *call);
void writes_abort(struct call *call);
void writes_retry(struct call *call);
void writes_reload(struct call *call);
void writes_drain(struct call *call);

#endif
