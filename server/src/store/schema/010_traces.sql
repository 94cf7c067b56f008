-- The trace that a sample was taken in, in OpenTelemetry's 16 bytes; of a trace that names no span, the
-- span is 0. What was stored before this has none. Looked for by the index: the order is by span.
ALTER TABLE span_samples ADD COLUMN IF NOT EXISTS trace_id FixedString(16) CODEC(ZSTD(1)) AFTER span_id;
ALTER TABLE span_samples ADD INDEX IF NOT EXISTS traces trace_id TYPE bloom_filter GRANULARITY 1;
