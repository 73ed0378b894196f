/*
 * The main() of a fuzz target without a fuzzer: runs it over the files that are named, or else over its
 * corpus below $top_srcdir, and reports one line of TAP. A finding aborts, after the name of the file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 1 << 20 };

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *block = mem_alloc(INPUT_MAX);
    uint8_t *input;
    size_t len;

    if (!file) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    len = fread(block, 1, INPUT_MAX, file);
    fclose(file);
    printf("# %s\n", path);
    fflush(stdout);
    input = mem_alloc(len ? len : 1); /* of the exact size, so that a sanitizer sees what lies beyond */
    memcpy(input, block, len);
    LLVMFuzzerTestOneInput(input, len);
    free(input);
    free(block);
}

/* Returns the number of files. */
static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int len = scandir(folder, &entries, NULL, alphasort);
    int files = 0;

    for (int i = 0; i < len; i++) {
        char *path = mem_printf("%s/%s", folder, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.') {
            replay(path);
            files++;
        }
        free(path);
        free(entries[i]);
    }
    if (len >= 0)
        free(entries);
    return files;
}

static int replay_corpus(const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash ? slash + 1 : program;
    const char *top = getenv("top_srcdir");
    char *folder = mem_printf("%s/tests/fuzz/corpus/%s", top ? top : ".", name);
    int files = replay_folder(folder);

    printf("1..1\n%s 1 - %s takes the %d files of its corpus\n", files ? "ok" : "not ok", name, files);
    free(folder);
    return files ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return replay_corpus(argv[0]);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    return EXIT_SUCCESS;
}
