-- What is taken from a rollup is written as a row of the opposite sign (rollup-sql.ts). FINAL puts both
-- together, and leaves out what comes to nothing, before the store does so for good: what was deleted
-- is in no view.
DROP VIEW IF EXISTS all_function_minutes;
CREATE VIEW IF NOT EXISTS all_function_minutes AS
SELECT tenant, service, type, version, minute, function_id, self, total
FROM (
  SELECT tenant, service, type, version, minute, function_id, self, total, 0 AS is_raw FROM function_minutes FINAL
  UNION ALL
  SELECT tenant, service, type, version, minute, function_id, self, total, 1 AS is_raw FROM open_function_minutes
)
WHERE is_raw = ((tenant, minute) GLOBAL IN (SELECT tenant, minute FROM open_minutes WHERE is_open));

DROP VIEW IF EXISTS all_function_hours;
CREATE VIEW IF NOT EXISTS all_function_hours AS
SELECT tenant, service, type, version, hour, function_id, self, total
FROM (
  SELECT tenant, service, type, version, h AS hour, function_id, self, total, 0 AS is_raw FROM function_hours FINAL
  UNION ALL
  SELECT tenant, service, type, version, toStartOfHour(minute) AS hour, function_id, self, total, 1 AS is_raw
  FROM all_function_minutes
  WHERE (tenant, hour) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours')
)
WHERE is_raw = ((tenant, hour) GLOBAL IN (
  SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours' AND is_open));

DROP VIEW IF EXISTS all_function_days;
CREATE VIEW IF NOT EXISTS all_function_days AS
SELECT tenant, service, type, version, day, function_id, self, total
FROM (
  SELECT tenant, service, type, version, day, function_id, self, total, 0 AS is_raw FROM function_days FINAL
  UNION ALL
  SELECT tenant, service, type, version, toStartOfDay(hour) AS day, function_id, self, total, 1 AS is_raw
  FROM all_function_hours
  WHERE (tenant, day) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_days')
)
WHERE is_raw = ((tenant, day) GLOBAL IN (
  SELECT tenant, bucket FROM open_buckets WHERE name = 'function_days' AND is_open));

DROP VIEW IF EXISTS flame_stack_hours;
CREATE VIEW IF NOT EXISTS flame_stack_hours AS
SELECT sums.tenant AS tenant, time, sums.service AS service, type,
  if(empty(stack.functions), ['[unknown]'], stack.functions) AS functions,
  if(empty(stack.functions), [''], stack.modules) AS modules,
  sums.stack_id AS stack_id, value
FROM (
  SELECT tenant, service, week, stack_id, functions, modules FROM flame_stacks
  WHERE week >= least((SELECT toMonday(min(h)) FROM samples), (SELECT toMonday(min(h)) FROM samples_1h))
) AS stack
GLOBAL ANY RIGHT JOIN (
  SELECT tenant, hour AS time, service, type, toMonday(hour) AS week, stack_id, value
  FROM (
    SELECT tenant, service, type, h AS hour, stack_id, total AS value, 0 AS is_raw FROM samples_1h FINAL
    WHERE type != ''
    UNION ALL
    SELECT tenant, service, type, h AS hour, stack_id, sum(value * unit) AS value, 1 AS is_raw FROM samples
    WHERE type != ''
      AND (tenant, h) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'samples_1h')
    GROUP BY tenant, service, type, h, stack_id
  )
  WHERE is_raw = ((tenant, hour) GLOBAL IN (
    SELECT tenant, bucket FROM open_buckets WHERE name = 'samples_1h' AND is_open))
) AS sums USING (tenant, service, week, stack_id);
