-- Small parts are merged ten at a time. By default the store merges whatever two or three it has
-- when it is idle, and so rewrote each row seven times in its first minute: more work than the
-- inserts. This way it is three times; the number of parts that a query reads stays below fifty.
ALTER TABLE samples MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE samples_1h MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE profiles MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE function_minutes MODIFY SETTING min_parts_to_merge_at_once = 10;
ALTER TABLE function_hours MODIFY SETTING min_parts_to_merge_at_once = 10;
