/*
 * Plans in the words of Argo Rollouts (conf/shortform): the steps of its canary strategy, and the schedule of
 * its analysis, which the judge threshold takes. Thread: any; nothing is shared.
 */
#ifndef CONF_SHORTFORM_ARGO_H
#define CONF_SHORTFORM_ARGO_H

#include "conf/shortform_maker.h"

/* `strategy` stands in `root`, whose own analysis gives away what it says of measurements. */
void shortform_argo(struct maker *maker, struct tree *root, const struct tree *strategy);

#endif
