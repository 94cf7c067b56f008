-- Small parts are merged forty at a time. The store counts each part as 5 MB more than it is, so it
-- takes ours, of 20 kB, for as large as the one of the hour they end up in, and rewrote that one for
-- every ten of them: each row twelve times within three minutes. This way it is two to three times.
ALTER TABLE samples MODIFY SETTING merge_selector_base = 40;
ALTER TABLE profiles MODIFY SETTING merge_selector_base = 40;
ALTER TABLE span_samples MODIFY SETTING merge_selector_base = 40;
