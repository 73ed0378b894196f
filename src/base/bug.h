/*
 * Our own mistakes and the attributes that let the compiler find them.
 * BUG() is always compiled in: a proxy that goes on with a broken invariant serves wrong answers.
 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include <stddef.h>

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define ARRAY_LEN(a)            (sizeof(a) / sizeof((a)[0]))

/* The struct of type `type` that embeds `ptr` as `member`. */
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Prints the place and the text to standard error and aborts. Thread: any. */
_Noreturn void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                                         \
    do {                                                                                                     \
        if (__builtin_expect(!!(cond), 0))                                                                   \
            BUG("%s", #cond);                                                                                \
    } while (0)

#endif
