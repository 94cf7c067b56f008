-- What Grafana's Profiles Drilldown keeps on the server: its settings, by name, the newest of each.
CREATE TABLE settings (
  tenant LowCardinality(String),
  name String,
  value String,
  modified DateTime64(3, 'UTC')
) ENGINE = ReplacingMergeTree(modified)
ORDER BY (tenant, name)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, old_parts_lifetime = 480;

-- Files that somebody uploaded to look at (adhoc-profiles.ts), in base64 as they came.
CREATE TABLE adhoc_profiles (
  tenant LowCardinality(String),
  id UUID,
  name String,
  uploaded DateTime64(3, 'UTC'),
  file String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree
PARTITION BY toMonday(uploaded)
ORDER BY (tenant, id)
TTL toDateTime(uploaded, 'UTC') + INTERVAL 90 DAY
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1,
  old_parts_lifetime = 480;
