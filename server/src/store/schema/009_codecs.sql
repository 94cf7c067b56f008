-- Codecs that keep the same rows in a tenth less. They take effect as parts are merged.
--
-- Slots rise within a stack and series by a few at a time, so their differences have few bits each.
ALTER TABLE samples MODIFY COLUMN slot UInt16 CODEC(Delta, T64('bit'), ZSTD(1));
-- The pods that have a stack are much the same from one stack to the next: a longer search finds that.
ALTER TABLE samples MODIFY COLUMN series UInt64 CODEC(ZSTD(5));
-- A rollup has each stack once, in order: of random ids that rise, the upper bits of the differences
-- are 0. Totals are multiples of the period.
ALTER TABLE samples_1h MODIFY COLUMN stack_id UInt64 CODEC(Delta, T64, ZSTD(1));
ALTER TABLE samples_1h MODIFY COLUMN total Int64 CODEC(GCD, T64, ZSTD(1));
ALTER TABLE samples_1d MODIFY COLUMN stack_id UInt64 CODEC(Delta, T64, ZSTD(1));
ALTER TABLE samples_1d MODIFY COLUMN total Int64 CODEC(GCD, T64, ZSTD(1));
