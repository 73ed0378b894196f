#include "decide/words.h"

#define WORD_ROW(constant, name, text) {name, text},
#define WORD_TABLE(kind, KINDS)                                                                              \
    static const struct word kind##_rows[] = {KINDS(WORD_ROW)};                                              \
    const struct word_table kind##_words = {kind##_rows, ARRAY_LEN(kind##_rows)}

WORD_TABLE(metric_type, METRIC_TYPES);
WORD_TABLE(judge_kind, JUDGES);
WORD_TABLE(on_regression, ON_REGRESSIONS);
WORD_TABLE(on_inconclusive, ON_INCONCLUSIVES);
WORD_TABLE(forward_rule, FORWARD_RULES);
WORD_TABLE(unit_kind, UNITS);
WORD_TABLE(advance_rule, ADVANCE_RULES);
WORD_TABLE(step_kind, STEP_KINDS);
WORD_TABLE(pause_kind, PAUSES);
WORD_TABLE(header_match, HEADER_MATCHES);
WORD_TABLE(group_kind, GROUPS);
WORD_TABLE(rollback_mode, ROLLBACK_MODES);
WORD_TABLE(affinity_kind, AFFINITIES);
WORD_TABLE(webhook_type, WEBHOOK_TYPES);
WORD_TABLE(threshold_mode, THRESHOLD_MODES);
WORD_TABLE(no_data_rule, NO_DATAS);
WORD_TABLE(missing_data_rule, MISSING_DATAS);
WORD_TABLE(external_state, EXTERNAL_STATES);
WORD_TABLE(rollout_state, ROLLOUT_STATES);
WORD_TABLE(action, ACTIONS);
WORD_TABLE(reason, REASONS);
WORD_TABLE(command, COMMANDS);
WORD_TABLE(query_variable, QUERY_VARIABLES);

const char *word_name(const struct word_table *table, size_t constant)
{
    BUG_ON(constant >= table->len);
    return table->words[constant].name;
}

bool word_parse(const struct word_table *table, struct str s, size_t *constant_r)
{
    for (size_t i = 0; i < table->len; i++) {
        if (str_eq(s, str_from(table->words[i].name))) {
            *constant_r = i;
            return true;
        }
    }
    return false;
}
