-- Samples that were taken within a span of a trace, besides `samples`, which has them as well: what a
-- trace's flame graphs are read from. It has marks of pushes, as `samples` has, of pushes with spans.
CREATE TABLE span_samples (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  h DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  span_id UInt64,
  stack_id UInt64 CODEC(ZSTD(1)),
  series UInt64 CODEC(ZSTD(1)),
  slot UInt16 CODEC(ZSTD(1)),
  value Int64 CODEC(T64, ZSTD(1)),
  unit Int64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(h)
ORDER BY (tenant, service, type, h, span_id, stack_id, series, slot)
TTL h + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480, min_parts_to_merge_at_once = 10;
