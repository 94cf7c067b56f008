-- What was asked to be deleted, with the selector and the range as they were given. Each has a row
-- per state that it has reached, so that what a crash interrupts is taken up again.
CREATE TABLE deletions (
  tenant LowCardinality(String),
  id UUID,
  query String,
  range_from DateTime64(3, 'UTC'),
  range_until DateTime64(3, 'UTC'),
  requested DateTime64(3, 'UTC'),
  state LowCardinality(String),
  at DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ReplacingMergeTree(at)
ORDER BY (tenant, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480;
