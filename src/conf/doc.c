#include "conf/doc.h"

#include "base/mem.h"
#include "conf/config_table.h"
#include "conf/plan_table.h"
#include "conf/shortform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct doc doc_config = {
    .section = &config_section,
    .name = "penstock.yaml",
    .title = "configuration of penstock",
    .text =
        "The configuration says where penstock listens, which groups of targets there are, which requests go "
        "where, and what is kept and logged. It is read once at the start and again when a reload is "
        "ordered.",
    .related = "penstock(1), penstock-plan(5)",
};

const struct doc doc_plan = {
    .section = &plan_section,
    .name = "penstock-plan",
    .title = "plan of a rollout",
    .text = "A plan says in which steps a route goes from its stable to its canary group, how the canary is "
            "judged, and "
            "what happens when it is worse. It is started with penstock rollout start ROUTE PLAN.",
    .related = "penstock(1), penstock-check(1), penstock-rollout(1), penstock.yaml(5)",
    .shortforms = true,
};

/* ---- walking a table ---- */

typedef void visit(void *arg, const char *path, const struct setting *setting);

enum { PATH_LEN = 160 };

/* The section below a setting, and how its keys are reached; NULL when it has none. */
static const struct section *below(const struct setting *setting, const char **joint_r)
{
    *joint_r = setting->type == &schema_named ? ".NAME." : setting->item ? "[]." : ".";
    return setting->item ? setting->item->section : setting->section;
}

static void walk(const struct section *section, const char *prefix, visit *fn, void *arg)
{
    for (size_t i = 0; i < section->len; i++) {
        const struct setting *setting = &section->settings[i];
        const char *joint;
        const struct section *next = below(setting, &joint);
        char path[PATH_LEN];

        snprintf(path, sizeof path, "%s%s", prefix, setting->key);
        fn(arg, path, setting);
        if (next) {
            snprintf(path, sizeof path, "%s%s%s", prefix, setting->key, joint);
            walk(next, path, fn, arg);
        }
    }
}

/* ---- the manual ---- */

/* Text for man(7): nothing in it is taken for a request or an escape, and hyphens can be copied. */
static void roff(struct text *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        text_add(out, "\\&", 2);
    for (; *text; text++)
        if (*text == '\\')
            text_add(out, "\\e", 2);
        else if (*text == '-')
            text_add(out, "\\-", 2);
        else
            text_add(out, text, 1);
}

static void roff_line(struct text *out, const char *text)
{
    roff(out, text);
    text_add(out, "\n", 1);
}

static void roff_bold(struct text *out, const char *text)
{
    text_printf(out, ".B \"");
    roff(out, text);
    text_printf(out, "\"\n");
}

static bool has_range(const struct setting *setting)
{
    return setting->type->show && (setting->min || setting->max);
}

static void show_limit(const struct setting *setting, int64_t value, struct text *out)
{
    char block[64];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    setting->type->show(value, &buf);
    text_add(out, buf.p, buf.len);
}

/* `list of at most 32: address or socket`, `duration, 1ms to 24h` and the like. */
static void describe_type(const struct setting *setting, struct text *out)
{
    text_printf(out, "%s", setting->type->name);
    if (setting->type == &schema_list || setting->type == &schema_named)
        text_printf(out, " of %s%lld%s%s", setting->min ? "1 to " : "at most ", (long long)setting->max,
                    setting->item ? ": " : "", setting->item ? setting->item->type->name : "");
    if (has_range(setting)) {
        text_printf(out, ", ");
        show_limit(setting, setting->min, out);
        text_printf(out, " to ");
        show_limit(setting, setting->max, out);
    }
    if (setting->word)
        text_printf(out, ", or %s", setting->word);
}

static void describe(const struct setting *setting, struct text *out)
{
    struct text line;

    text_init(&line, 1000);
    text_printf(&line, "(");
    describe_type(setting, &line);
    if (setting->required)
        text_printf(&line, "; required");
    else if (setting->fallback)
        text_printf(&line, "; default %s", setting->fallback);
    else if (setting->inherits)
        text_printf(&line, "; default: %s", setting->inherits);
    text_printf(&line, ")");
    roff_line(out, line.p);
    text_fini(&line);
}

static void man_words(const struct word_table words, struct text *out)
{
    struct text line;

    text_printf(out, ".RS\n");
    for (size_t i = 0; i < words.len; i++) {
        text_init(&line, 400);
        text_printf(&line, "%s: %s", words.words[i].name, words.words[i].text);
        text_printf(out, ".IP \\(bu 2\n");
        roff_line(out, line.p);
        text_fini(&line);
    }
    text_printf(out, ".RE\n");
}

static void man_setting(void *arg, const char *path, const struct setting *setting)
{
    const char *joint;
    const struct section *next = below(setting, &joint);
    struct text *out = arg;

    text_printf(out, ".TP\n");
    roff_bold(out, path);
    describe(setting, out);
    text_printf(out, ".br\n");
    roff_line(out, setting->text);
    if (setting->zero) {
        text_printf(out, "0, which is taken with a warning, ");
        roff(out, setting->zero);
        text_printf(out, ".\n");
    }
    if (next && next->text)
        roff_line(out, next->text);
    if (next && next->one_of) {
        text_printf(out, "%s of these keys: ", next->one_of_required ? "Exactly one" : "At most one");
        roff_line(out, next->one_of);
    }
    if (setting->words)
        man_words(schema_words(setting), out);
}

enum { TYPES_MAX = 64 };

struct seen {
    const struct schema_type *types[TYPES_MAX];
    size_t len;
};

static void note_type(struct seen *seen, const struct schema_type *type)
{
    for (size_t i = 0; i < seen->len; i++)
        if (strcmp(seen->types[i]->name, type->name) == 0)
            return;
    BUG_ON(seen->len == TYPES_MAX);
    seen->types[seen->len++] = type;
}

static void note_types(void *arg, const char *path, const struct setting *setting)
{
    (void)path;
    note_type(arg, setting->type);
    if (setting->item)
        note_type(arg, setting->item->type);
}

static void man_types(const struct section *section, struct text *out)
{
    struct seen seen = {.len = 0};

    walk(section, "", note_types, &seen);
    for (size_t i = 0; i < seen.len; i++) {
        text_printf(out, ".TP\n");
        roff_bold(out, seen.types[i]->name);
        roff_line(out, seen.types[i]->form);
    }
}

static const char *const general[] = {
    "The file is YAML, or JSON, which is a part of YAML. Keys are in camelCase. A key that is not known, or "
    "written "
    "twice, is an error. Anchors, aliases and tags are not taken. A file has at most 4 MiB.",
    "In values, ${NAME} stands for a variable of the environment, and $$ for a dollar sign.",
    "All errors of a file are shown at once, each as file:line:col: message; penstock check shows them "
    "without "
    "starting anything.",
};

static void man_lines(const char *text, struct text *out)
{
    struct str rest = str_from(text), line;

    text_printf(out, ".EX\n");
    while (str_split(&rest, '\n', &line)) {
        char *copy = mem_strndup(line.p, line.len);

        if (rest.p || line.len)
            roff_line(out, copy);
        free(copy);
    }
    text_printf(out, ".EE\n");
}

static void man_shortforms(struct text *out)
{
    text_printf(out, ".SH SHORT FORMS\n");
    roff_line(out,
              "A plan in the words of ECS, CodeDeploy, Argo Rollouts or Flagger is taken as it is, in YAML "
              "or JSON; name, analysis and the other keys may stand beside them, steps may not. Unless judge "
              "says otherwise penstock judges, so their times become minimal dwells and nothing moves "
              "without evidence. penstock check --plan FILE --expand prints the steps.");
    for (size_t i = 0; i < shortform_samples_len; i++) {
        text_printf(out, ".PP\n");
        roff_line(out, shortform_samples[i].from);
        text_printf(out, ".PP\n");
        man_lines(shortform_samples[i].text, out);
    }
}

static void man_example(const struct doc *doc, struct text *out)
{
    struct text example;

    text_init(&example, DOC_MAX);
    doc_example(doc, &example);
    man_lines(example.p, out);
    text_fini(&example);
}

void doc_manual(const struct doc *doc, const char *version, struct text *out)
{
    text_printf(out, ".TH \"%s\" 5 \"\" \"penstock %s\" \"File formats\"\n.SH NAME\n", doc->name, version);
    roff(out, doc->name);
    text_printf(out, " \\- %s\n.SH DESCRIPTION\n", doc->title);
    roff_line(out, doc->text);
    for (size_t i = 0; i < ARRAY_LEN(general); i++) {
        text_printf(out, ".PP\n");
        roff_line(out, general[i]);
    }
    text_printf(out, ".SH KEYS\n");
    walk(doc->section, "", man_setting, out);
    if (doc->shortforms)
        man_shortforms(out);
    text_printf(out, ".SH VALUES\n");
    man_types(doc->section, out);
    text_printf(out,
                ".SH EXAMPLE\nEvery key; those behind a # may be left out and show their defaults.\n.PP\n");
    man_example(doc, out);
    text_printf(out, ".SH SEE ALSO\n");
    roff_line(out, doc->related);
}
