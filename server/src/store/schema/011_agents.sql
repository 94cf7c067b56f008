-- What agents say of themselves, once a minute (agents/agent-reports.ts). Counters are since the
-- agent's start; gauges are of that moment. `ts` is when the report came, by the server's clock.
CREATE TABLE agent_reports (
  tenant LowCardinality(String),
  host String,
  instance UUID,
  ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  uptime_ms UInt64 CODEC(DoubleDelta, ZSTD(1)),
  version LowCardinality(String),
  kernel LowCardinality(String),
  cpus UInt32,
  frequency_hz UInt32,
  counters Map(LowCardinality(String), Float64) CODEC(ZSTD(1)),
  gauges Map(LowCardinality(String), Float64) CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (tenant, host, instance, ts)
TTL toDateTime(ts, 'UTC') + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;
