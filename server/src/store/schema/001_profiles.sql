-- Values: what was measured. The sort order is stack-major within an hour, which is what compresses
-- (2.2 bytes a row) and what a merge by stack reads. `value * unit` is in the unit of the type:
-- values are stored divided by the profile's period where all of them divide.
--
-- Rows of type '' are the marks of pushes (profile-store.ts): one in every table that a push went
-- to, inside the same part as its rows, so that it is there if and only if they are.
CREATE TABLE samples (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  h DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  stack_id UInt64 CODEC(ZSTD(1)),
  series UInt64 CODEC(ZSTD(1)),
  slot UInt16 CODEC(ZSTD(1)),
  value Int64 CODEC(T64, ZSTD(1)),
  unit Int64 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(h)
ORDER BY (tenant, service, type, h, stack_id, series, slot)
TTL h + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- The same by the hour and without series, in the unit of the type: what long ranges are read from.
CREATE TABLE samples_1h (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  h DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  stack_id UInt64 CODEC(ZSTD(1)),
  total Int64 CODEC(ZSTD(1))
) ENGINE = SummingMergeTree(total)
PARTITION BY toMonday(h)
ORDER BY (tenant, service, type, h, stack_id)
TTL h + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- A row per profile, with its exact time: what time series are read from. `n` is its samples.
CREATE TABLE profiles (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  series UInt64 CODEC(ZSTD(1)),
  ts DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1)),
  total Int64 CODEC(ZSTD(1)),
  n UInt32 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY toDate(ts)
ORDER BY (tenant, service, type, series, ts)
TTL toDateTime(ts, 'UTC') + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- The labels of each series, written once a day while it lives. `service_name` is `service`.
CREATE TABLE series (
  tenant LowCardinality(String),
  day Date,
  service LowCardinality(String),
  type LowCardinality(String),
  series UInt64,
  labels Map(LowCardinality(String), String),
  last_seen DateTime('UTC')
) ENGINE = ReplacingMergeTree(last_seen)
PARTITION BY toMonday(day)
ORDER BY (tenant, service, type, day, series)
TTL day + INTERVAL 97 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- The frames of each stack, root first, in the stored form of @bunsen/profile's frame.ts. Written
-- before the first sample that has the stack, once a week while it occurs.
CREATE TABLE stacks (
  tenant LowCardinality(String),
  service LowCardinality(String),
  week Date,
  stack_id UInt64,
  frames Array(LowCardinality(String)) CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY week
ORDER BY (tenant, service, stack_id)
TTL week + INTERVAL 100 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;
