-- The same files on a disk, read by DuckDB; replace FOLDER.
select platform, count(*) as requests, sum((http.status_code >= 500)::int) as errors,
       round(quantile_cont(duration, 0.95) / 1e6, 2) as p95_ms
from read_json_auto('FOLDER/platform=*/dt=*/hour=*/*.jsonl.gz', hive_partitioning = true)
group by platform order by platform
