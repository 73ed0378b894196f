#include "conf/load.h"

#include "base/mem.h"
#include "conf/config_check.h"
#include "conf/config_table.h"
#include "conf/input.h"
#include "conf/schema.h"
#include "conf/tree.h"

#include <stdlib.h>

struct config *config_load_bytes(const char *name, struct str bytes, const char *folder, bool offline,
                                 struct conf_report *report)
{
    size_t errors = report->errors;
    struct tree *root = tree_read(name, bytes, !offline, report);
    struct config *config;
    struct schema_reader reader = {.report = report, .file = name, .folder = folder, .offline = offline};

    if (!root)
        return NULL;
    config = mem_zalloc(sizeof *config);
    config->refs = 1;
    config->path = mem_strdup(name);
    reader.object = config;
    schema_read(&reader, &config_section, root);
    tree_blame(root, name, report);
    if (root->kind == TREE_MAP)
        config_check(&reader, root, config);
    tree_free(root);
    if (report->errors == errors)
        return config;
    config_unref(config);
    return NULL;
}

struct config *config_load(const char *path, struct conf_report *report)
{
    struct config *config = NULL;
    char *why, *folder, *bytes;
    size_t len;

    bytes = input_read(path, TREE_BYTES_MAX, &len, &why);
    if (!bytes) {
        conf_report_add(report, CONF_ERROR, path, 0, 0, "%s", why);
        free(why);
        return NULL;
    }
    folder = input_folder(path);
    config = config_load_bytes(path, (struct str){bytes, len}, folder, false, report);
    free(folder);
    free(bytes);
    return config;
}
