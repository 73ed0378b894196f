/* The calls of the admin API that change nothing; each answers its call. See the table in control/api.
 * Thread: control. */
#ifndef CONTROL_READS_H
#define CONTROL_READS_H

struct call;

void reads_status(struct call *call);
void reads_weight(struct call *call);
void reads_rollout(struct call *call);
void reads_decisions(struct call *call);
void reads_history(struct call *call);
void reads_targets(struct call *call);
void reads_stream(struct call *call);
void reads_metrics(struct call *call);
void reads_alive(struct call *call);
void reads_ready(struct call *call);

#endif
