#include "control/reports.h"

#include "base/clk.h"
#include "base/mem.h"
#include "control/aftermath.h"
#include "control/call.h"
#include "report/html.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIELDS_MAX = 512, FILES_MAX = 1000 };

/* ---- which there are ---- */

struct file {
    char *name;
    int64_t wall_ns;
    int64_t size;
};

static int newest_first(const void *a, const void *b)
{
    const struct file *one = a, *other = b;

    if (one->wall_ns != other->wall_ns)
        return one->wall_ns > other->wall_ns ? -1 : 1;
    return strcmp(one->name, other->name);
}

static bool look_at_file(DIR *folder, const char *name, struct file *file_r)
{
    struct stat is;

    if (!aftermath_is_page(str_from(name)) || fstatat(dirfd(folder), name, &is, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(is.st_mode))
        return false;
    file_r->wall_ns = is.st_mtim.tv_sec * NS_PER_S + is.st_mtim.tv_nsec;
    file_r->size = is.st_size;
    file_r->name = mem_strdup(name);
    return true;
}

/* Gives how many; names are to be freed. */
static size_t find_files(const char *path, struct file files[static FILES_MAX])
{
    DIR *folder = path ? opendir(path) : NULL;
    const struct dirent *entry;
    size_t len = 0;

    if (!folder)
        return 0;
    while (len < FILES_MAX && (entry = readdir(folder)) != NULL)
        len += look_at_file(folder, entry->d_name, &files[len]);
    closedir(folder);
    qsort(files, len, sizeof files[0], newest_first);
    return len;
}

void reports_list(struct call *call)
{
    struct file *files = mem_alloc(FILES_MAX * sizeof *files);
    char *folder = aftermath_folder(call->board);
    size_t len = find_files(folder, files);
    json_t *list = json_array();

    for (size_t i = 0; i < len; i++) {
        char time[CLK_TEXT_LEN + 1] = "";

        clk_text(files[i].wall_ns, time);
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "page", files[i].name, "time", time, "bytes",
                                              (json_int_t)files[i].size));
        free(files[i].name);
    }
    free(files);
    free(folder);
    call_answer(call, 200, json_pack("{s:o, s:b}", "reports", list, "needsToken", !call->request->local));
}

/* ---- one of them ---- */

static bool read_all(int fd, struct text *page)
{
    char block[64 << 10];
    ssize_t n;

    while ((n = read(fd, block, sizeof block)) > 0) {
        if ((size_t)n > REPORTS_PAGE_MAX - page->len)
            return false;
        text_add(page, block, (size_t)n);
    }
    return n == 0;
}

/* False when there is no such page, or what has its name is none. Nothing but a file is followed or waited
 * for. */
static bool read_page(const char *folder, const char *name, struct text *page,
                      char nonce[static REPORT_NONCE_LEN])
{
    char *path = mem_printf("%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat is;
    bool ok;

    free(path);
    if (fd < 0)
        return false;
    ok = fstat(fd, &is) == 0 && S_ISREG(is.st_mode) && read_all(fd, page) &&
         report_html_nonce((struct str){page->p, page->len}, nonce);
    close(fd);
    return ok;
}

static void answer_page(struct call *call, struct text *page, const char *nonce)
{
    struct admin_answer answer = {.status = 200, .type = "text/html; charset=utf-8", .body = page};
    char policy[FIELDS_MAX];

    snprintf(policy, sizeof policy,
             "Cache-Control: no-store\r\n"
             "Content-Security-Policy: default-src 'none'; script-src 'nonce-%s'; style-src 'nonce-%s'; "
             "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox allow-scripts\r\n",
             nonce, nonce);
    answer.policy = policy;
    admin_answer(call->request, &answer);
}

void reports_page(struct call *call)
{
    const char *name = call->params[0];
    char *folder = aftermath_folder(call->board), nonce[REPORT_NONCE_LEN];
    struct text page;

    text_init(&page, REPORTS_PAGE_MAX);
    if (folder && aftermath_is_page(str_from(name)) && read_page(folder, name, &page, nonce))
        answer_page(call, &page, nonce);
    else
        call_refuse(call, 404, NULL, NULL, "no rollout has left a page %s", name);
    text_fini(&page);
    free(folder);
}
