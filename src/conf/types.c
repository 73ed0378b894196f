#include "conf/types.h"

#include "base/mem.h"
#include "base/unit.h"
#include "conf/input.h"
#include "conf/secret.h"
#include "proto/method.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 63,
};

/* ---- numbers ---- */

/* Digits with at most one point: the digits as an integer and how many stood behind the point. */
static bool take_mantissa(struct str *s, uint64_t *digits_r, int *behind_r)
{
    uint64_t digits = 0;
    int behind = -1;
    size_t i = 0;

    for (; i < s->len && (s->p[i] == '.' || (s->p[i] >= '0' && s->p[i] <= '9')); i++) {
        if (s->p[i] == '.') {
            if (behind >= 0 || i == 0)
                return false;
            behind = 0;
            continue;
        }
        if (digits > UINT64_C(100000000000000000))
            return false;
        digits = digits * 10 + (uint64_t)(s->p[i] - '0');
        behind += behind >= 0;
    }
    if (i == 0 || behind == 0)
        return false;
    *s = (struct str){s->p + i, s->len - i};
    *digits_r = digits;
    *behind_r = behind < 0 ? 0 : behind;
    return true;
}

/* Nothing, or e with a whole number of at most two digits. */
static bool take_exponent(struct str s, int *exponent_r)
{
    uint64_t value;
    bool minus;

    *exponent_r = 0;
    if (s.len == 0)
        return true;
    if (s.p[0] != 'e' && s.p[0] != 'E')
        return false;
    s = (struct str){s.p + 1, s.len - 1};
    minus = s.len && s.p[0] == '-';
    if (s.len && (s.p[0] == '-' || s.p[0] == '+'))
        s = (struct str){s.p + 1, s.len - 1};
    if (s.len > 2 || !str_to_u64(s, &value))
        return false;
    *exponent_r = minus ? -(int)value : (int)value;
    return true;
}

bool decimal_parse(struct str s, unsigned decimals, uint64_t *scaled_r)
{
    const uint64_t limit = UINT64_C(1000000000000000000);
    uint64_t value;
    int behind, exponent, shift;

    if (!take_mantissa(&s, &value, &behind) || !take_exponent(s, &exponent))
        return false;
    shift = (int)decimals - behind + exponent;
    for (; shift > 0 && value; shift--) {
        if (value > limit / 10)
            return false;
        value *= 10;
    }
    for (; shift < 0 && value; shift++) {
        if (value % 10)
            return false;
        value /= 10;
    }
    *scaled_r = value;
    return true;
}

static bool signed_parse(struct str s, unsigned decimals, int64_t *scaled_r)
{
    bool minus = s.len && s.p[0] == '-';
    uint64_t value;

    if (!decimal_parse(minus ? (struct str){s.p + 1, s.len - 1} : s, decimals, &value))
        return false;
    *scaled_r = minus ? -(int64_t)value : (int64_t)value;
    return true;
}

/* value / 10^decimals without zeros at the end. */
static void show_decimal(int64_t value, unsigned decimals, struct buf *out)
{
    if (value < 0)
        buf_char(out, '-');
    value = value < 0 ? -value : value;
    for (; decimals > 0 && value % 10 == 0; decimals--)
        value /= 10;
    if (decimals)
        buf_fixed(out, (uint64_t)value, decimals);
    else
        buf_u64(out, (uint64_t)value);
}

/* The text of a number, or the value of the word that may stand for one: true when the caller has to parse.
 */
static bool number_text(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        struct str *text_r, bool *is_word_r)
{
    *is_word_r = false;
    if (!schema_text(reader, setting, value, text_r))
        return false;
    *is_word_r = setting->word && str_eq(*text_r, str_from(setting->word));
    return true;
}

static void refuse_form(struct schema_reader *reader, const struct setting *setting, const struct tree *value)
{
    schema_refuse(reader, setting, value, "is not a %s, %s%s%s", setting->type->name, setting->type->form,
                  setting->word ? ", or " : "", setting->word ? setting->word : "");
}

static void integer_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, unsigned decimals, void *at)
{
    struct str text;
    bool is_word;
    int64_t number;

    if (!number_text(reader, setting, value, &text, &is_word))
        return;
    if (is_word)
        schema_store(setting, at, setting->word_value);
    else if (!signed_parse(text, decimals, &number))
        refuse_form(reader, setting, value);
    else
        schema_take(reader, setting, value, number, at);
}

static void count_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    integer_read(reader, setting, value, 0, at);
}

static void count_show(int64_t value, struct buf *out)
{
    buf_i64(out, value);
}

static void percent_read(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, void *at)
{
    integer_read(reader, setting, value, 2, at);
}

static void percent_show(int64_t value, struct buf *out)
{
    show_decimal(value, 2, out);
}

/* Both are stored as a double: the nearest one to the decimal number, since one division of two whole numbers
 * below 2^53 rounds once. */
static void real_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      int64_t per_range_unit, void *at)
{
    struct str text;
    bool is_word;
    int64_t nano;

    if (!number_text(reader, setting, value, &text, &is_word))
        return;
    if (is_word)
        *(double *)at = (double)setting->word_value;
    else if (!signed_parse(text, 9, &nano))
        refuse_form(reader, setting, value);
    else if (schema_in_range(reader, setting, value,
                             nano / per_range_unit + (nano % per_range_unit > 0) -
                                 (nano % per_range_unit < 0)))
        *(double *)at = (double)nano / 1e9;
}

static void share_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    real_read(reader, setting, value, 1000, at);
}

static void share_show(int64_t value, struct buf *out)
{
    show_decimal(value, 6, out);
}

static void number_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    real_read(reader, setting, value, 1000000, at);
}

static void number_show(int64_t value, struct buf *out)
{
    show_decimal(value, 3, out);
}

static void duration_read(struct schema_reader *reader, const struct setting *setting,
                          const struct tree *value, void *at)
{
    struct str text;
    bool is_word;
    int64_t ns;

    if (!number_text(reader, setting, value, &text, &is_word))
        return;
    if (is_word)
        schema_store(setting, at, setting->word_value);
    else if (!unit_duration_parse(text, &ns))
        refuse_form(reader, setting, value);
    else
        schema_take(reader, setting, value, ns, at);
}

static void duration_show(int64_t value, struct buf *out)
{
    char text[UNIT_TEXT_LEN];

    buf_str_add(out, str_from(unit_duration_text(value, text)));
}

static void size_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;
    bool is_word;
    uint64_t bytes;

    if (!number_text(reader, setting, value, &text, &is_word))
        return;
    if (is_word)
        schema_store(setting, at, setting->word_value);
    else if (!unit_size_parse(text, &bytes) || bytes > INT64_MAX)
        refuse_form(reader, setting, value);
    else
        schema_take(reader, setting, value, (int64_t)bytes, at);
}

static void size_show(int64_t value, struct buf *out)
{
    char text[UNIT_TEXT_LEN];

    buf_str_add(out, str_from(unit_size_text((uint64_t)value, text)));
}

/* ---- texts ---- */

void type_text_store(const struct setting *setting, void *at, struct str text)
{
    if (setting->inside) {
        BUG_ON(text.len >= setting->width);
        memcpy(at, text.p, text.len);
        ((char *)at)[text.len] = '\0';
        return;
    }
    free(*(char **)at);
    *(char **)at = mem_strndup(text.p, text.len);
}

static void text_type_fini(const struct setting *setting, void *at)
{
    if (setting->inside)
        return;
    free(*(char **)at);
    *(char **)at = NULL; /* two rows may stand at one place */
}

static bool is_printable(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
            return false;
    return true;
}

/* Length and characters that every text must have; stores it. */
static void store_checked(struct schema_reader *reader, const struct setting *setting,
                          const struct tree *value, struct str text, void *at)
{
    size_t max = setting->max ? (size_t)setting->max : 1024;

    if (setting->inside && max > setting->width - 1)
        max = setting->width - 1;
    if (text.len == 0)
        schema_refuse(reader, setting, value, "is empty; write something, or remove the key");
    else if (text.len > max)
        schema_refuse(reader, setting, value, "is longer than %zu bytes", max);
    else if (!is_printable(text))
        schema_refuse(reader, setting, value, "has control characters; remove them");
    else
        type_text_store(setting, at, text);
}

/* Lines of text, as they are. */
static void lines_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    struct str text;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (text.len > (size_t)setting->max)
        schema_refuse(reader, setting, value, "is longer than %zu bytes", (size_t)setting->max);
    else
        type_text_store(setting, at, text);
}

static void string_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    struct str text;

    if (schema_text(reader, setting, value, &text))
        store_checked(reader, setting, value, text, at);
}

static bool is_alnum(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static void name_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;
    size_t i = 0;

    if (!schema_text(reader, setting, value, &text))
        return;
    while (i < text.len && (is_alnum(text.p[i]) || strchr("._-", text.p[i])))
        i++;
    if (i < text.len || text.len == 0)
        schema_refuse(reader, setting, value, "is not a name; names have letters, digits, '.', '_' and '-'");
    else if (text.len > NAME_MAX_BYTES)
        schema_refuse(reader, setting, value, "is longer than %d bytes", NAME_MAX_BYTES);
    else
        type_text_store(setting, at, text);
}

bool method_may_be_copied(const char *name)
{
    enum method method = method_from(str_from(name));

    return method != METHOD_OTHER && method != METHOD_CONNECT && method != METHOD_TRACE;
}

bool is_token(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_alnum(s.p[i]) && !(s.p[i] && strchr("!#$%&'*+-.^_`|~", s.p[i])))
            return false;
    return s.len > 0;
}

static void token_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                       void *at)
{
    struct str text;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (!is_token(text))
        schema_refuse(reader, setting, value,
                      "is not a token; it may have letters, digits and !#$%%&'*+-.^_`|~ only");
    else
        store_checked(reader, setting, value, text, at);
}

static void prefix_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                        void *at)
{
    struct str text;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (text.len == 0 || text.p[0] != '/')
        schema_refuse(reader, setting, value, "does not begin with '/'");
    else if (strpbrk(text.p, "?# \""))
        schema_refuse(reader, setting, value,
                      "has one of ?, #, \" and blank, which no path has; write them as %%XX");
    else if (strstr(text.p, "//") || strstr(text.p, "/./") || strstr(text.p, "/../") ||
             str_ends_with(text, STR("/.")) || str_ends_with(text, STR("/..")))
        schema_refuse(reader, setting, value,
                      "has an empty, '.' or '..' segment, which no request has in the end");
    else {
        if (text.len > 1 && text.p[text.len - 1] == '/') /* whole segments match: /api/ is /api */
            text.len--;
        store_checked(reader, setting, value, text, at);
    }
}

static void path_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;
    char *path;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (text.len == 0 || !is_printable(text)) {
        schema_refuse(reader, setting, value, "is not a path");
        return;
    }
    path = input_path(reader->folder, value->text);
    type_text_store(setting, at, str_from(path));
    free(path);
}

static void store_secret(struct schema_reader *reader, const struct setting *setting,
                         const struct tree *value, struct str secret, void *at)
{
    const char *wrong = secret_refine(&secret);

    if (wrong)
        schema_problem(reader, CONF_ERROR, value, "%s: the secret %s", setting->key, wrong);
    else
        type_text_store(setting, at, secret);
}

static void read_secret_file(struct schema_reader *reader, const struct setting *setting,
                             const struct tree *value, const char *written, void *at)
{
    char *path = input_path(reader->folder, written), *why = NULL, *bytes = NULL;
    size_t len;

    if (!reader->offline) {
        bytes = input_read(path, SECRET_MAX, &len, &why);
        if (bytes)
            store_secret(reader, setting, value, (struct str){bytes, len}, at);
        else
            schema_problem(reader, CONF_ERROR, value, "%s: %s: %s", setting->key, path, why);
    }
    free(bytes);
    free(why);
    free(path);
}

/* The value is never part of a message. */
static void secret_type_read(struct schema_reader *reader, const struct setting *setting,
                             const struct tree *value, void *at)
{
    struct str text;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (str_starts_with(text, STR("file:")))
        read_secret_file(reader, setting, value, value->text + 5, at);
    else
        store_secret(reader, setting, value, text, at);
}

static void kept_secret_read(struct schema_reader *reader, const struct setting *setting,
                             const struct tree *value, void *at)
{
    struct kept_secret *secret = at;

    secret_type_read(reader, setting, value, &secret->text);
    if (secret->text && str_starts_with(str_from(value->text), STR("file:")))
        secret->path = input_path(reader->folder, value->text + 5);
}

static void kept_secret_fini(const struct setting *setting, void *at)
{
    struct kept_secret *secret = at;

    (void)setting;
    free(secret->text);
    free(secret->path);
    *secret = (struct kept_secret){0};
}

static void secret_file_read(struct schema_reader *reader, const struct setting *setting,
                             const struct tree *value, void *at)
{
    struct str text;

    if (schema_text(reader, setting, value, &text))
        read_secret_file(reader, setting, value, value->text, at);
}

/* ---- words ---- */

enum { WORDS_MAX = 32 };

static void refuse_word(struct schema_reader *reader, const struct setting *setting, const struct tree *value)
{
    const struct word_table words = schema_words(setting);
    const char *names[WORDS_MAX], *nearest;
    struct text all;

    BUG_ON(words.len > WORDS_MAX);
    text_init(&all, 400);
    for (size_t i = 0; i < words.len; i++) {
        names[i] = words.words[i].name;
        text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    nearest = schema_nearest(value->text, names, words.len);
    if (nearest)
        schema_refuse(reader, setting, value, "is none of %s; did you mean \"%s\"?", all.p, nearest);
    else
        schema_refuse(reader, setting, value, "is none of %s", all.p);
    text_fini(&all);
}

static void word_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    const struct word_table words = schema_words(setting);
    struct str text;
    size_t constant;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (word_parse(&words, text, &constant))
        schema_store(setting, at, (int64_t)constant);
    else
        refuse_word(reader, setting, value);
}

static void flag_read(struct schema_reader *reader, const struct setting *setting, const struct tree *value,
                      void *at)
{
    struct str text;

    if (!schema_text(reader, setting, value, &text))
        return;
    if (str_eq(text, STR("true")))
        *(bool *)at = true;
    else if (str_eq(text, STR("false")))
        *(bool *)at = false;
    else
        refuse_form(reader, setting, value);
}

/* ---- the types ---- */

const struct schema_type type_string = {
    .name = "text",
    .form = "such as \"some words\"",
    .json = "{\"type\": \"string\", \"minLength\": 1}",
    .read = string_read,
    .fini = text_type_fini,
};
const struct schema_type type_lines = {
    .name = "lines of text",
    .form = "such as \"some words\", or a block behind |",
    .json = "{\"type\": \"string\"}",
    .read = lines_read,
    .fini = text_type_fini,
};
const struct schema_type type_name = {
    .name = "name",
    .form = "such as web-1: letters, digits, '.', '_' and '-', at most 63 bytes",
    .json = "{\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9._-]{1,63}$\"}",
    .read = name_read,
    .fini = text_type_fini,
};
const struct schema_type type_token = {
    .name = "token",
    .form = "such as X-Platform: a header or cookie name",
    .json = "{\"type\": \"string\", \"pattern\": \"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$\"}",
    .read = token_read,
    .fini = text_type_fini,
};
const struct schema_type type_prefix = {
    .name = "path prefix",
    .form = "such as /api: it matches whole segments",
    .json = "{\"type\": \"string\", \"pattern\": \"^/\"}",
    .read = prefix_read,
    .fini = text_type_fini,
};
const struct schema_type type_path = {
    .name = "path",
    .form = "such as logs/access.jsonl: relative to the folder of this file",
    .json = "{\"type\": \"string\", \"minLength\": 1}",
    .read = path_read,
    .fini = text_type_fini,
};
const struct schema_type type_secret = {
    .name = "secret",
    .form = "such as ${NAME} or file:PATH",
    .json = "{\"type\": \"string\", \"minLength\": 1}",
    .read = secret_type_read,
    .fini = text_type_fini,
};
const struct schema_type type_kept_secret = {
    .name = "secret",
    .form = "such as ${NAME} or file:PATH",
    .json = "{\"type\": \"string\", \"minLength\": 1}",
    .read = kept_secret_read,
    .fini = kept_secret_fini,
};
const struct schema_type type_secret_file = {
    .name = "path of a secret",
    .form = "such as admin.token: relative to the folder of this file",
    .json = "{\"type\": \"string\", \"minLength\": 1}",
    .read = secret_file_read,
    .fini = text_type_fini,
};
const struct schema_type type_duration = {
    .name = "duration",
    .form = "such as 250ms, 10s, 5m, 2h, 7d or 1h30m",
    .json = "{\"anyOf\": [{\"type\": \"string\", \"pattern\": "
            "\"^(0|([0-9]+(\\\\.[0-9]+)?(d|h|m|s|ms|us|ns))+)$\"}, "
            "{\"const\": 0}]}",
    .read = duration_read,
    .show = duration_show,
};
const struct schema_type type_size = {
    .name = "size",
    .form = "such as 64KiB, 2GiB or a number of bytes",
    .json = "{\"anyOf\": [{\"type\": \"string\", \"pattern\": \"^[0-9]+(\\\\.[0-9]+)?([KMGT]i?)?B$\"}, "
            "{\"type\": \"integer\"}]}",
    .read = size_read,
    .show = size_show,
};
const struct schema_type type_count = {
    .name = "whole number",
    .form = "such as 10",
    .json = "{\"type\": \"integer\"}",
    .read = count_read,
    .show = count_show,
};
const struct schema_type type_percent = {
    .name = "percentage",
    .form = "such as 12.5: in steps of 0.01, without a percent sign",
    .json = "{\"type\": \"number\", \"multipleOf\": 0.01}",
    .read = percent_read,
    .show = percent_show,
};
const struct schema_type type_share = {
    .name = "share",
    .form = "such as 0.01",
    .json = "{\"type\": \"number\"}",
    .read = share_read,
    .show = share_show,
};
const struct schema_type type_number = {
    .name = "number",
    .form = "such as 1.25",
    .json = "{\"type\": \"number\"}",
    .read = number_read,
    .show = number_show,
};
const struct schema_type type_flag = {
    .name = "flag",
    .form = "true or false",
    .json = "{\"type\": \"boolean\"}",
    .read = flag_read,
};
const struct schema_type type_word = {
    .name = "word",
    .form = "one of the words below",
    .json = "{\"type\": \"string\"}",
    .read = word_read,
};
