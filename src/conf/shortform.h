/*
 * Plans in the words of ECS, CodeDeploy, Argo Rollouts and Flagger, made into plain steps before the table of
 * plans reads them. The forms, as their own documents write them:
 *
 *   ECS         strategy: CANARY | LINEAR | BLUE_GREEN, canaryConfiguration, linearConfiguration (or flat)
 *   CodeDeploy  deploymentConfigName, TimeBasedCanary, TimeBasedLinear, terminationWaitTimeInMinutes
 *   Argo        strategy: { canary: { steps, analysis } }, or what its analysis says in the plan's own
 *   Flagger     analysis: { interval, threshold, stepWeight, maxWeight, stepWeights, metrics }
 *   ours        steps: auto
 *
 * Their times become minimal dwells: the judge is still ours unless the plan names another, or an analysis of
 * Argo names measurements for the judge threshold.
 * Thread: any; nothing is shared.
 */
#ifndef CONF_SHORTFORM_H
#define CONF_SHORTFORM_H

#include "conf/schema.h"
#include "conf/tree.h"

/* Rewrites the root of a plan, a map. Nodes that it makes stand at the place of what they were made from;
 * problems go to the reader's report. A plan in our own words is left as it is. */
void shortform_expand(struct schema_reader *reader, struct tree *root);

/*
 * What the schema of a plan gets for them, as JSON: `definitions`; the keys that a `plan` and its `analysis`
 * may have then, and a `metric`; `makers` are the keys of a plan that make its steps, and `strides` those of
 * the analysis.
 */
extern const char shortform_schema[];

/* One of each, for the manual: whose words they are, and a plan in them. */
struct shortform_sample {
    const char *from, *text;
};
extern const struct shortform_sample shortform_samples[];
extern const size_t shortform_samples_len;

#endif
