/*
 * A folder of small packed files as a place for the access log, laid out as S3 and Athena like it, for
 * somebody who uploads them:
 *
 *   FOLDER/platform=fargate/dt=2026-11-26/hour=03/<host>-<time>-<number>.jsonl.gz
 *
 * What is being written lies in FOLDER/.open; a file appears in its partition when it is whole. All of them
 * together are under a cap (logshelf).
 */
#ifndef EXPORT_LOGPARTS_H
#define EXPORT_LOGPARTS_H

struct config_log;
struct logplace;

/* See logplace_open, which is who calls this. */
struct logplace *logparts_new(const struct config_log *conf);

#endif
