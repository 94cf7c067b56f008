-- Rollups are made from the samples in the background (rollups.ts), and no longer by each push: a
-- minute or an hour of a fleet repeats its stacks so often that summing it once costs a fraction of
-- writing every push's own sums. What had been written by push is made again; samples are the truth.
DROP VIEW IF EXISTS functions_of_stacks;
DROP TABLE IF EXISTS function_minutes;
DROP TABLE IF EXISTS function_hours;
DROP TABLE IF EXISTS function_days;
DROP TABLE IF EXISTS functions;
DROP TABLE IF EXISTS functions_missing_until;
DROP TABLE IF EXISTS rollup_state;

-- How many pushes a bucket of a rollup was made of. It is up to date if the samples have as many.
CREATE TABLE rollup_state (
  tenant LowCardinality(String),
  name LowCardinality(String),
  bucket DateTime('UTC'),
  pushes UInt64,
  at DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ReplacingMergeTree(at)
PARTITION BY toMonday(bucket)
ORDER BY (tenant, name, bucket)
TTL bucket + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- What is newest is looked for by time first: small parts have few slots, and large ones many.
ALTER TABLE samples ADD INDEX IF NOT EXISTS slots slot TYPE minmax GRANULARITY 16;

-- Stacks by the day, for months.
CREATE TABLE samples_1d (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  day DateTime('UTC') CODEC(DoubleDelta, ZSTD(1)),
  stack_id UInt64 CODEC(ZSTD(1)),
  total Int64 CODEC(ZSTD(1))
) ENGINE = SummingMergeTree(total)
PARTITION BY toStartOfMonth(day)
ORDER BY (tenant, service, type, day, stack_id)
TTL day + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- Values by function: what lists of functions are read from, without a stack. `self` is of the
-- samples that end in the function, `total` of those whose stack has it, once however often; both in
-- the unit of the type. `version` is the label of that name, or '' (function-sql.ts). GCD divides by
-- the period that the values are multiples of.
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

-- The same by the hour. A day's hours of a function lie together.
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

-- And by the day.
CREATE TABLE function_days (
  tenant LowCardinality(String),
  service LowCardinality(String),
  type LowCardinality(String),
  day DateTime('UTC') CODEC(Delta, ZSTD(1)),
  function_id UInt64 CODEC(ZSTD(1)),
  version LowCardinality(String),
  self Int64 CODEC(GCD, T64, ZSTD(1)),
  total Int64 CODEC(GCD, T64, ZSTD(1))
) ENGINE = SummingMergeTree((self, total))
PARTITION BY toStartOfMonth(day)
ORDER BY (tenant, service, type, function_id, version, day)
TTL day + INTERVAL 400 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- What functions are called: `function` is name and module in the form of @bunsen/profile's frame.ts.
CREATE TABLE functions (
  tenant LowCardinality(String),
  week Date,
  function_id UInt64,
  function String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY week
ORDER BY (tenant, function_id)
TTL week + INTERVAL 414 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;

-- Names come with the stacks that have them, which are written once a week: the insert of stacks
-- succeeds with both or fails, and may be repeated, as equal rows replace each other.
CREATE MATERIALIZED VIEW IF NOT EXISTS functions_of_stacks TO functions AS
SELECT tenant, week, cityHash64(function) AS function_id, function
FROM (
  SELECT DISTINCT tenant, week, extract(arrayJoin(frames), '^[^\x1f]*(?:\x1f[^\x1f]+)?') AS function
  FROM stacks
);
INSERT INTO functions (tenant, week, function_id, function)
SELECT tenant, week, cityHash64(function) AS function_id, function
FROM (
  SELECT DISTINCT tenant, week, extract(arrayJoin(frames), '^[^\x1f]*(?:\x1f[^\x1f]+)?') AS function
  FROM stacks
);

-- Stacks are as old as the oldest sum that has them.
ALTER TABLE stacks MODIFY TTL week + INTERVAL 414 DAY;
