-- The same files on a disk, read by DuckDB; replace FOLDER. A line with a sample rate stands for 1 / sample_rate requests; the quantile is that of
-- the lines.
select platform, round(sum(1 / coalesce(sample_rate, 1)))::bigint as requests, sum((http.status_code >= 500)::int) as errors,
       round(quantile_cont(duration, 0.95) / 1e6, 2) as p95_ms
from read_json('FOLDER/platform=*/dt=*/hour=*/*.jsonl.gz', format = 'newline_delimited', hive_partitioning = true,
               columns = {http: 'struct(status_code integer)', duration: 'bigint', sample_rate: 'double'})
group by platform order by platform
