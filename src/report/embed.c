/*
 * embed LIST NAME=FILE...: prints C source with the bytes of the files of a page as the list of assets LIST
 * (report/asset). Runs during the build. The tag of a file changes with its bytes (FNV-1a), so that a browser
 * asks again after an update.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 110 };

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".svg", "image/svg+xml"},
};

static const char *type_of(const char *name)
{
    const char *suffix = strrchr(name, '.');

    for (size_t i = 0; suffix && i < sizeof types / sizeof types[0]; i++)
        if (!strcmp(types[i].suffix, suffix))
            return types[i].type;
    fprintf(stderr, "embed: no type is known for %s\n", name);
    exit(1);
}

/* The file as a string constant; every byte that could mean something else is octal. */
static void print_file(const char *name, FILE *file)
{
    uint64_t tag = UINT64_C(14695981039346656037);
    size_t len = 0;
    int column = 0, c;

    printf("    {\"%s\", \"%s\",\n     \"", name, type_of(name));
    while ((c = fgetc(file)) != EOF) {
        tag = (tag ^ (unsigned)c) * UINT64_C(1099511628211);
        len++;
        if (column > LINE) {
            printf("\"\n     \"");
            column = 0;
        }
        if (isprint(c) && c != '"' && c != '\\' && c != '?')
            column += printf("%c", c);
        else
            column += printf("\\%03o", (unsigned)c);
    }
    printf("\",\n     %zu, \"\\\"%016" PRIx64 "\\\"\"},\n", len, tag);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "embed: LIST NAME=FILE...\n");
        return 2;
    }
    printf("#include \"report/asset.h\"\n\nconst struct asset %s[] = {\n", argv[1]);
    for (int i = 2; i < argc; i++) {
        char *path = strchr(argv[i], '=');
        FILE *file;

        if (!path) {
            fprintf(stderr, "embed: NAME=FILE is expected, not %s\n", argv[i]);
            return 2;
        }
        *path++ = '\0';
        file = fopen(path, "rb");
        if (!file) {
            perror(path);
            return 1;
        }
        print_file(argv[i], file);
        fclose(file);
    }
    printf("    {0},\n};\n");
    return fflush(stdout) || ferror(stdout);
}
