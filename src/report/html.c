#include "report/html.h"

#include "base/rnd.h"
#include "report/asset.h"
#include "report/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Only what has the nonce runs, which nobody could know before; nothing is asked for, a form leads nowhere.
 */
#define POLICY_BEGIN "default-src 'none'; script-src 'nonce-"
#define POLICY       POLICY_BEGIN "%s'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'"
#define HEAD                                                                                                 \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                                \
    "<meta http-equiv=\"Content-Security-Policy\" content=\""

static void make_nonce(char nonce[static REPORT_NONCE_LEN])
{
    struct rnd rnd;

    rnd_init(&rnd);
    snprintf(nonce, REPORT_NONCE_LEN, "%016" PRIx64 "%016" PRIx64, rnd_u64(&rnd), rnd_u64(&rnd));
}

bool report_html_nonce(struct str page, char nonce[static REPORT_NONCE_LEN])
{
    static const char begin[] = HEAD POLICY_BEGIN;
    size_t len = sizeof begin - 1;

    if (page.len < len + REPORT_NONCE_LEN || memcmp(page.p, begin, len) != 0)
        return false;
    snprintf(nonce, REPORT_NONCE_LEN, "%.*s", REPORT_NONCE_LEN - 1, page.p + len);
    return strspn(nonce, "0123456789abcdef") == REPORT_NONCE_LEN - 1;
}

static void put_asset(const char *name, FILE *out)
{
    const struct asset *asset = asset_find(report_assets, name);

    BUG_ON(!asset);
    fwrite(asset->bytes, 1, asset->len, out);
}

static void put_element(const char *element, const char *kind, const char *nonce, const char *asset,
                        FILE *out)
{
    fprintf(out, "<%s%s nonce=\"%s\">\n", element, kind, nonce);
    put_asset(asset, out);
    fprintf(out, "\n</%s>\n", element);
}

/* In JSON a '<' stands in texts only, and there it may be escaped: so no text ends the element. */
static void put_data(const struct report *report, int64_t now_ns, FILE *out)
{
    json_t *json = report_json(report, now_ns);
    char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));

    fprintf(out, "<script type=\"application/json\" id=\"data\">");
    for (const char *p = text; *p;) {
        size_t run = strcspn(p, "<");

        fwrite(p, 1, run, out);
        p += run;
        if (*p) {
            fputs("\\u003c", out);
            p++;
        }
    }
    fputs("</script>\n", out);
    free(text);
    json_decref(json);
}

static const char body[] =
    "<header class=\"bar\"><span class=\"brand\">penstock report</span><p id=\"span\" "
    "class=\"health\"></p></header>\n"
    "<noscript><p class=\"notice\">This page needs JavaScript. Without it: <code>penstock report "
    "LOG...</code>"
    "</p></noscript>\n"
    "<main id=\"main\">\n"
    "<section class=\"card\"><h1 id=\"title\"></h1><p id=\"made\" class=\"stamp\"></p></section>\n"
    "<div id=\"choose\"></div>\n<div id=\"route\"></div>\n<div id=\"lines\"></div>\n"
    "</main>\n";

bool report_html(const struct report *report, int64_t now_ns, FILE *out)
{
    char nonce[REPORT_NONCE_LEN];

    make_nonce(nonce);
    fprintf(out, HEAD POLICY "\">\n", nonce, nonce);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"referrer\" content=\"no-referrer\">\n<title>penstock report</title>\n",
          out);
    put_element("style", "", nonce, "dygraph.min.css", out);
    put_element("style", "", nonce, "report.css", out);
    fputs("</head>\n<body>\n", out);
    fputs(body, out);
    put_data(report, now_ns, out);
    put_element("script", "", nonce, "dygraph.min.js", out);
    put_element("script", " type=\"module\"", nonce, "report.js", out);
    fputs("</body>\n</html>\n", out);
    return fflush(out) == 0 && !ferror(out);
}
