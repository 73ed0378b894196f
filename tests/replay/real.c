#include "real.h"

#include "base/mem.h"
#include "cli/lines.h"

#include <dirent.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double real_slo_ms = 1500;

static const double mean_rate = 25;
static const double fault_from_s = 15, fault_to_s = 110; /* after an injection: the fault is there */
static const double clean_s = 240;                       /* after one: nothing of it is left */
static const size_t least = 100;                         /* latencies of a fault */

enum { VALUES_MAX = 1 << 17, FAULTS_ALL = 256 };

/* ---- series of values ---- */

/* The second column of a file with a head. */
static double *load_column(const char *folder, const char *name, size_t *len_r)
{
    char *path = mem_printf("%s/%s", folder, name);
    double *values = mem_alloc(VALUES_MAX * sizeof(*values));
    enum lines_next next;
    struct lines lines;
    struct str line;
    size_t len = 0;

    if (!lines_open(&lines, path)) {
        fprintf(stderr, "%s: %s\n", path, lines.why);
        free(path);
        free(values);
        return NULL;
    }
    while ((next = lines_next(&lines, &line)) == LINES_LINE && len < VALUES_MAX) {
        const char *comma = memchr(line.p, ',', line.len);
        double value = comma ? strtod(comma + 1, NULL) : 0;

        if (lines.number > 1)
            values[len++] = value;
    }
    lines_close(&lines);
    free(path);
    *len_r = len;
    return values;
}

static double mean(const double *values, size_t len)
{
    double sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += values[i];
    return sum / (double)len;
}

/* Windows of a long series, apart from each other, each point so many minutes long. */
static const double *window(const double *values, size_t len, size_t number, size_t windows, size_t points)
{
    size_t room = len - points;

    return values + room * number / windows + room / windows / 3;
}

static bool load_worldcup(struct real *real, const char *folder)
{
    size_t len;
    double *values = load_column(folder, "worldcup98-dataset/invocation_count.csv", &len);

    for (size_t i = 0; values && i < REAL_WORLDCUP; i++) {
        const double *from = window(values, len, i, REAL_WORLDCUP, REAL_POINTS);
        double usual = mean(from, REAL_POINTS);

        for (size_t m = 0; m < REAL_POINTS; m++)
            real->rates[i][m] = mean_rate * from[m] / usual;
    }
    free(values);
    return values != NULL;
}

/* Five minutes a point. */
static bool load_nab(struct real *real, const char *folder)
{
    enum { MINUTES = 5, POINTS = REAL_POINTS / MINUTES };
    size_t len, len2;
    double *counts = load_column(folder, "NAB/data/realAWSCloudwatch/elb_request_count_8c0756.csv", &len);
    double *latencies =
        load_column(folder, "NAB/data/realKnownCause/ec2_request_latency_system_failure.csv", &len2);
    bool ok = counts && latencies;

    for (size_t i = 0; ok && i < REAL_BALANCER; i++) {
        const double *from = window(counts, len, i, REAL_BALANCER, POINTS);

        for (size_t m = 0; m < REAL_POINTS; m++)
            real->rates[REAL_WORLDCUP + i][m] = 100 * from[m / MINUTES] / (60 * MINUTES);
    }
    for (size_t i = 0; ok && i < REAL_SERVER; i++) {
        const double *from = window(latencies, len2, i, REAL_SERVER, POINTS);
        double usual = mean(from, POINTS);
        size_t at = REAL_WORLDCUP + REAL_BALANCER + i;

        for (size_t m = 0; m < REAL_POINTS; m++) {
            real->rates[at][m] = mean_rate;
            real->levels[at][m] = from[m / MINUTES] / usual;
        }
    }
    free(counts);
    free(latencies);
    return ok;
}

/* ---- latencies ---- */

struct shop {
    struct real *real;
    double injected[FAULTS_ALL]; /* seconds since 1970 */
    struct real_pool pools[FAULTS_ALL];
    size_t len;
};

static void add_latency(struct real_pool *pool, double ms)
{
    if ((pool->len & (pool->len + 1)) == 0 || pool->len == 0)
        pool->ms = mem_resize(pool->ms, 2 * (pool->len + 1), sizeof(*pool->ms));
    pool->ms[pool->len++] = ms;
}

/* The field of a line of commas. */
static struct str field(struct str line, size_t number)
{
    struct str piece = STR_NULL;

    for (size_t i = 0; i <= number; i++) {
        if (!str_split(&line, ',', &piece))
            return STR_NULL;
    }
    return piece;
}

/* A request as the shop's front saw it: its time decides whose it is. */
static void add_span(struct shop *shop, struct str line)
{
    uint64_t start_ns, us;
    bool clean = true;

    if (!str_eq(field(line, 2), STR("root")) || !str_to_u64(field(line, 5), &start_ns) ||
        !str_to_u64(field(line, 7), &us))
        return;
    for (size_t i = 0; i < shop->len; i++) {
        double after = (double)start_ns / 1e9 - shop->injected[i];

        clean &= after < 0 || after > clean_s;
        if (after >= fault_from_s && after <= fault_to_s)
            add_latency(&shop->pools[i], (double)us / 1000);
    }
    if (clean)
        add_latency(&shop->real->healthy, (double)us / 1000);
}

static void load_spans(struct shop *shop, const char *path)
{
    struct lines lines;
    struct str line;

    if (!lines_open(&lines, path))
        return;
    while (lines_next(&lines, &line) == LINES_LINE)
        add_span(shop, line);
    lines_close(&lines);
}

static void load_injections(struct shop *shop, const char *path)
{
    json_t *days = json_load_file(path, 0, NULL), *list, *fault;
    const char *hour;
    size_t i;

    json_object_foreach(days, hour, list)
    {
        json_array_foreach(list, i, fault)
        {
            const char *time = json_string_value(json_object_get(fault, "inject_timestamp"));

            if (time && shop->len < FAULTS_ALL)
                shop->injected[shop->len++] = strtod(time, NULL);
        }
    }
    json_decref(days);
}

static void load_day(struct shop *shop, const char *folder, const char *day)
{
    char *path = mem_printf("%s/Nezha/rca_data/%s/trace", folder, day);
    DIR *dir = opendir(path);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)) != NULL) {
        char *file = mem_printf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.')
            load_spans(shop, file);
        free(file);
    }
    if (dir)
        closedir(dir);
    free(path);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double real_quantile(const struct real_pool *pool, double share)
{
    size_t at = (size_t)(share * (double)pool->len);

    return pool->ms[at < pool->len ? at : pool->len - 1];
}

static double slow_share(const struct real_pool *pool)
{
    size_t slow = 0;

    for (size_t i = 0; i < pool->len; i++)
        slow += pool->ms[i] > real_slo_ms;
    return (double)slow / (double)pool->len;
}

/* The faults that are clearly worse, and those that are clearly too good. */
static void sort_faults(struct shop *shop)
{
    struct real *real = shop->real;
    double usual = slow_share(&real->healthy);
    size_t len = 0;

    for (size_t i = 0; i < shop->len; i++) {
        struct real_pool *pool = &shop->pools[i];

        if (pool->len < least || len == REAL_FAULTS_MAX) {
            free(pool->ms);
            continue;
        }
        qsort(pool->ms, pool->len, sizeof(pool->ms[0]), by_value);
        double slow = slow_share(pool);
        if (slow >= 2 * usual && slow >= usual + 0.005)
            real->bad[real->bad_len++] = len;
        else if (real_quantile(pool, 0.5) < real_quantile(&real->healthy, 0.1))
            real->fast[real->fast_len++] = len;
        real->faults[len++] = *pool;
    }
}

static bool load_shop(struct real *real, const char *folder)
{
    static const char *const days[] = {"2022-08-22", "2022-08-23"};
    struct shop *shop = mem_zalloc(sizeof(*shop));
    bool ok;

    shop->real = real;
    for (size_t i = 0; i < ARRAY_LEN(days); i++) {
        char *path = mem_printf("%s/Nezha/rca_data/%s/%s-fault_list.json", folder, days[i], days[i]);

        load_injections(shop, path);
        free(path);
    }
    for (size_t i = 0; i < ARRAY_LEN(days); i++)
        load_day(shop, folder, days[i]);
    ok = real->healthy.len >= least;
    if (ok) {
        qsort(real->healthy.ms, real->healthy.len, sizeof(real->healthy.ms[0]), by_value);
        sort_faults(shop);
    } else {
        fprintf(stderr, "%s/Nezha: no traces of requests without a fault\n", folder);
    }
    free(shop);
    return ok;
}

/* ---- all ---- */

struct real *real_load(const char *folder)
{
    struct real *real = mem_zalloc(sizeof(*real));

    for (size_t i = 0; i < REAL_HEALTHY; i++) {
        for (size_t m = 0; m < REAL_POINTS; m++)
            real->levels[i][m] = 1;
    }
    if (load_worldcup(real, folder) && load_nab(real, folder) && load_shop(real, folder)) {
        fprintf(
            stderr, "%zu latencies without a fault, %.2f %% over %g ms; %zu faults are worse, %zu too fast\n",
            real->healthy.len, 100 * slow_share(&real->healthy), real_slo_ms, real->bad_len, real->fast_len);
        return real;
    }
    real_free(real);
    return NULL;
}

void real_free(struct real *real)
{
    if (!real)
        return;
    free(real->healthy.ms);
    for (size_t i = 0; i < REAL_FAULTS_MAX; i++)
        free(real->faults[i].ms);
    free(real);
}
