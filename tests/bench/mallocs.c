/*
 * Counts the heap calls of a program: loaded with LD_PRELOAD, it prints the number so far to standard error
 * at SIGUSR2. Only calls that take memory count (malloc, calloc, realloc and their like).
 */
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static _Atomic unsigned long calls;

static void count(void)
{
    atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
}

void *malloc(size_t size)
{
    count();
    return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    count();
    return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
    count();
    return __libc_realloc(old, size);
}

/* Only what may be called in a signal handler. */
static void print(int signal)
{
    unsigned long n = atomic_load_explicit(&calls, memory_order_relaxed);
    char line[40] = "mallocs ";
    char digits[20];
    size_t len = 8, at = sizeof digits;

    (void)signal;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    while (at < sizeof digits)
        line[len++] = digits[at++];
    line[len++] = '\n';
    if (write(STDERR_FILENO, line, len) < 0)
        return;
}

__attribute__((constructor)) static void begin(void)
{
    signal(SIGUSR2, print);
}
