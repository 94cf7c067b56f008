-- Values by function: what lists of functions are read from, without a stack. `self` is of the
-- samples that end in the function, `total` of those whose stack has it, once however often; both in
-- the unit of the type. `version` is the label of that name, or '' (function-batch.ts). GCD divides by
-- the period that the values are multiples of. Both tables have marks of pushes, as `samples` has.
CREATE TABLE function_minutes (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  minute DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  function_id UInt64 CODEC(ZSTD(1)),
  version LowCardinality(String),
  self Int64 CODEC(GCD, T64, ZSTD(1)),
  total Int64 CODEC(GCD, T64, ZSTD(1))
) ENGINE = SummingMergeTree((self, total))
PARTITION BY toDate(minute)
ORDER BY (tenant, service, type, toStartOfHour(minute), function_id, version, minute)
TTL minute + INTERVAL 14 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- The same by the hour, for long ranges. A day's hours of a function lie together.
CREATE TABLE function_hours (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  h DateTime('UTC') CODEC(Delta, ZSTD(1)),
  function_id UInt64 CODEC(ZSTD(1)),
  version LowCardinality(String),
  self Int64 CODEC(GCD, T64, ZSTD(1)),
  total Int64 CODEC(GCD, T64, ZSTD(1))
) ENGINE = SummingMergeTree((self, total))
PARTITION BY toDate(h)
ORDER BY (tenant, service, type, function_id, version, h)
TTL h + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- What functions are called: `function` is name and module in the form of @bunsen/profile's frame.ts.
-- Written before the first value that has the id, once a week while it occurs.
CREATE TABLE functions (
  tenant LowCardinality(String),
  week Date,
  function_id UInt64,
  function String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY week
ORDER BY (tenant, function_id)
TTL week + INTERVAL 100 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- One row: the time of the last profile that was stored before the tables above were there. What is
-- asked about functions until then is answered from stacks.
CREATE TABLE functions_missing_until ENGINE = MergeTree ORDER BY tuple()
AS SELECT max(ts) AS ts FROM profiles;
