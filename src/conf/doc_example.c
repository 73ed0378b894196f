/* The example of conf/doc.h: a file that loads, with every key of a table in it. */
#include "conf/doc.h"

#include <string.h>

struct pen {
    struct text *out;
    unsigned indent;
    bool dash;  /* the next key that is written begins an item of a list */
    bool off;   /* within a part that is a comment as a whole */
    bool brief; /* only what has to be there, without its meaning */
};

/* Begins the line of a key: blanks, then # for one that is left out, and the dash of its item. */
static void begin_key(struct pen *pen, bool off)
{
    bool dash = pen->dash && off == pen->off;

    text_printf(pen->out, "%*s%s%s", (int)(dash ? pen->indent - 2 : pen->indent), "", off ? "#" : "",
                dash ? "- " : "");
    if (dash)
        pen->dash = false;
}

/* Of keys that exclude one another, the first is written when one is needed. */
static bool is_written(const struct section *section, const struct setting *setting)
{
    size_t first = section->one_of ? strcspn(section->one_of, " ") : 0;

    if (section->one_of_required && strlen(setting->key) == first &&
        strncmp(section->one_of, setting->key, first) == 0)
        return true;
    return setting->required || setting->shown;
}

/* Excluded by one of the keys above it. */
static bool is_alternative(const struct section *section, const struct setting *setting)
{
    struct str rest = section->one_of ? str_from(section->one_of) : STR_NULL, key;
    bool first = true;

    while (str_split(&rest, ' ', &key)) {
        if (str_eq(key, str_from(setting->key)))
            return !first;
        first = false;
    }
    return false;
}

static void write_section(struct pen *pen, const struct section *section);

/* The names stand in the row's example. The first entry tells everything. */
static void write_named(struct pen *pen, const struct setting *setting)
{
    struct str rest = str_from(setting->example), name;

    while (str_split(&rest, ' ', &name)) {
        text_printf(pen->out, "%*s%s%.*s:\n", (int)pen->indent, "", pen->off ? "#" : "", STR_ARG(name));
        pen->indent += 2;
        write_section(pen, setting->section);
        pen->indent -= 2;
        pen->brief = true;
    }
}

static void write_below(struct pen *pen, const struct setting *setting, const struct section *section,
                        bool off)
{
    struct pen inner = {.out = pen->out, .indent = pen->indent + 2, .off = off, .brief = pen->brief};

    if (setting->type == &schema_named) {
        write_named(&inner, setting);
        return;
    }
    if (setting->item) {
        inner.indent += 2;
        inner.dash = true;
    }
    write_section(&inner, section);
}

static void write_setting(struct pen *pen, const struct section *section, const struct setting *setting)
{
    const struct section *next = setting->item ? setting->item->section : setting->section;
    bool off = pen->off || !is_written(section, setting);
    const char *value = setting->example ? setting->example : setting->fallback;

    if (pen->brief && !setting->required)
        return;
    if (!pen->brief)
        text_printf(pen->out, "%*s# %s\n", (int)pen->indent, "", setting->text);
    if (pen->off && !next && is_alternative(section, setting)) {
        /* so that a part can be uncommented as a whole */
        text_printf(pen->out, "%*s# or %s: %s\n", (int)pen->indent, "", setting->key, value);
        return;
    }
    begin_key(pen, off);
    text_printf(pen->out, "%s:", setting->key);
    if (next && next->len > 0 && (!value || setting->type == &schema_named)) {
        text_printf(pen->out, "\n");
        write_below(pen, setting, next, off);
        return;
    }
    BUG_ON(!value && !next);
    text_printf(pen->out, " %s\n", value ? value : "{}");
}

static void write_section(struct pen *pen, const struct section *section)
{
    for (size_t i = 0; i < section->len; i++)
        write_setting(pen, section, &section->settings[i]);
}

void doc_example(const struct doc *doc, struct text *out)
{
    struct pen pen = {.out = out};

    write_section(&pen, doc->section);
}
