-- The table over access logs that a `partitions` sink has written and somebody has uploaded, for instance by
--
--   aws s3 sync /var/log/penstock/parts s3://BUCKET/penstock/ --exclude '.open/*'
--
-- Replace BUCKET; platforms are those of the target groups, and "none" for requests that no group served. Partitions are projected, so that none
-- has to be added: a query that names dt (and platform) reads those files alone.
CREATE EXTERNAL TABLE penstock_access (
  `timestamp` string,
  message string,
  status string,
  service string,
  env string,
  version string,
  host string,
  ddsource string,
  route string,
  `group` string,
  side string,
  target string,
  weight double,
  assignment string,
  outcome string,
  blame string,
  duration bigint,
  request_time double,
  phases struct<head:bigint, queue:bigint, connect:bigint, first_byte:bigint, body:bigint>,
  http struct<method:string, status_code:int, url:string, version:string, useragent:string, referer:string,
              request_id:string, target_status_code:int, request_headers:map<string,string>,
              response_headers:map<string,string>>,
  network struct<client:struct<ip:string, port:int>, tls_version:string, tls_cipher:string, tls_session:string,
                 tls_client_subject:string, tls_server_name:string, bytes_read:bigint, bytes_written:bigint>,
  dd struct<trace_id:string, span_id:string>,
  trace_id string,
  penstock struct<shield:string, `override`:string, synthetic:string, plan:string, step:int, attempts:int, grpc_status:string,
                  error:string, agreement:string, first_group:string, first_outcome:string, first_status_code:int,
                  first_duration:bigint>,
  sample_rate double
)
PARTITIONED BY (platform string, dt string, hour string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
LOCATION 's3://BUCKET/penstock/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.platform.type' = 'enum',
  'projection.platform.values' = 'ec2,fargate,none',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW',
  'projection.hour.type' = 'integer',
  'projection.hour.range' = '0,23',
  'projection.hour.digits' = '2',
  'storage.location.template' = 's3://BUCKET/penstock/platform=${platform}/dt=${dt}/hour=${hour}/'
);

-- What the judge looks at, by platform and hour. A line with a sample rate stands for 1 / sample_rate requests.
SELECT platform, dt, hour,
       sum(1 / coalesce(sample_rate, 1)) AS requests,
       sum(if(blame = 'group' OR http.target_status_code >= 500, 1, 0)) AS errors,
       approx_percentile(duration, 0.95) / 1e6 AS p95_ms
FROM penstock_access
WHERE dt = cast(current_date AS varchar) AND side IS NOT NULL AND penstock.synthetic IS NULL
GROUP BY platform, dt, hour
ORDER BY dt, hour, platform;
