-- Views for people: `flame_*` are documented in server/SQL.md, and stay as they are. All else in this
-- database may change with any version; the other views below are what those are made of.
--
-- GLOBAL is of no effect on one server. On a cluster, where tables are Distributed, it has a subquery
-- run once and not on every shard.

-- Lets a time be looked for where samples are hidden behind a view, which has no `h`.
ALTER TABLE samples ADD INDEX IF NOT EXISTS times (h + slot * 15) TYPE minmax GRANULARITY 1;

-- Hours and days that have more pushes than their rollup was made of, and so are read from what it is
-- made of. What is noted of a rollup opens it at once and settles it 5 s later, as a query may see its
-- tables as they were at different moments. A query that reads both sides asks for `is_open` once, and what it reads besides
-- is a little more (all rows here), so that a bucket which is settled in between is not lost.
CREATE VIEW IF NOT EXISTS open_buckets AS
SELECT tenant, name, bucket, sum(there) > sum(made) AS is_open
FROM (
  SELECT tenant, of_rollup.1 AS name, of_rollup.2 AS bucket, there, 0 AS made, 0 AS made_long_ago
  FROM (
    SELECT tenant, h, count() AS there FROM samples WHERE service = '' AND type = ''
    GROUP BY tenant, h
  )
  ARRAY JOIN [('samples_1h', h), ('function_hours', h), ('function_days', toStartOfDay(h))] AS of_rollup
  UNION ALL
  SELECT tenant, name, bucket, 0 AS there,
    least(argMax(pushes, at), argMaxIf(pushes, at, at < now64(6) - INTERVAL 5 SECOND)) AS made,
    least(argMax(pushes, at), argMaxIf(pushes, at, at < now64(6) - INTERVAL 60 SECOND)) AS made_long_ago
  FROM rollup_state
  WHERE name != 'function_minutes' AND bucket >= (SELECT toStartOfDay(min(h)) FROM samples)
  GROUP BY tenant, name, bucket
)
GROUP BY tenant, name, bucket
HAVING sum(there) > sum(made_long_ago);

-- The same by the minute. An hour of functions is made of its minutes, so they are in open hours.
CREATE VIEW IF NOT EXISTS open_minutes AS
SELECT tenant, minute, sum(there) > sum(made) AS is_open
FROM (
  SELECT tenant, toStartOfMinute(h + slot * 15) AS minute, count() AS there, 0 AS made, 0 AS made_long_ago
  FROM samples
  WHERE service = '' AND type = ''
    AND (tenant, h) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours')
  GROUP BY tenant, minute
  UNION ALL
  SELECT tenant, bucket AS minute, 0 AS there,
    least(argMax(pushes, at), argMaxIf(pushes, at, at < now64(6) - INTERVAL 5 SECOND)) AS made,
    least(argMax(pushes, at), argMaxIf(pushes, at, at < now64(6) - INTERVAL 60 SECOND)) AS made_long_ago
  FROM rollup_state
  WHERE name = 'function_minutes' AND bucket >= (SELECT toStartOfDay(min(h)) FROM samples)
  GROUP BY tenant, bucket
)
GROUP BY tenant, minute
HAVING sum(there) > sum(made_long_ago);

-- What rollup-sql.ts will write into function_minutes, of the minutes that are open.
CREATE VIEW IF NOT EXISTS open_function_minutes AS
SELECT tenant, service, type, version, minute, function_id, if(function_id = leaf, v, 0) AS self, v AS total
FROM (
  SELECT tenant, service, type, version, minute, v,
    if(empty(frames), [cityHash64('[unknown]')],
      arrayMap(frame -> cityHash64(extract(frame, '^[^\x1f]*(?:\x1f[^\x1f]+)?')), frames)) AS ids,
    ids[-1] AS leaf
  FROM (
    SELECT sums.tenant AS tenant, sums.service AS service, type, version, minute, v, frames
    FROM (
      SELECT tenant, service, week, stack_id, frames FROM stacks
      WHERE week GLOBAL IN (SELECT toMonday(bucket) FROM open_buckets WHERE name = 'function_hours')
    ) AS stack
    GLOBAL ANY RIGHT JOIN (
      SELECT tenant, service, type, version, minute, toMonday(minute) AS week, stack_id, sum(value * unit) AS v
      FROM (
        SELECT tenant, service, type, series, stack_id, value, unit, toStartOfMinute(h + slot * 15) AS minute
        FROM samples
        WHERE type != ''
          AND (tenant, h) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours')
          AND (tenant, minute) GLOBAL IN (SELECT tenant, minute FROM open_minutes)
      ) AS sample
      GLOBAL ANY LEFT JOIN (
        SELECT tenant, service, type, series,
          if(labels['version'] != '', labels['version'],
            if(labels['service_version'] != '', labels['service_version'], labels['service.version'])) AS version
        FROM series
        WHERE day GLOBAL IN (SELECT toDate(bucket) FROM open_buckets WHERE name = 'function_hours')
      ) AS named USING (tenant, service, type, series)
      GROUP BY tenant, service, type, version, minute, week, stack_id
    ) AS sums USING (tenant, service, week, stack_id)
  )
)
ARRAY JOIN arrayDistinct(ids) AS function_id;

-- Sums by function without their names, whether their rollup has been made or not.
CREATE VIEW IF NOT EXISTS all_function_minutes AS
SELECT tenant, service, type, version, minute, function_id, self, total
FROM (
  SELECT tenant, service, type, version, minute, function_id, self, total, 0 AS is_raw FROM function_minutes
  UNION ALL
  SELECT tenant, service, type, version, minute, function_id, self, total, 1 AS is_raw FROM open_function_minutes
)
WHERE is_raw = ((tenant, minute) GLOBAL IN (SELECT tenant, minute FROM open_minutes WHERE is_open));

CREATE VIEW IF NOT EXISTS all_function_hours AS
SELECT tenant, service, type, version, hour, function_id, self, total
FROM (
  SELECT tenant, service, type, version, h AS hour, function_id, self, total, 0 AS is_raw FROM function_hours
  UNION ALL
  SELECT tenant, service, type, version, toStartOfHour(minute) AS hour, function_id, self, total, 1 AS is_raw
  FROM all_function_minutes
  WHERE (tenant, hour) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours')
)
WHERE is_raw = ((tenant, hour) GLOBAL IN (
  SELECT tenant, bucket FROM open_buckets WHERE name = 'function_hours' AND is_open));

CREATE VIEW IF NOT EXISTS all_function_days AS
SELECT tenant, service, type, version, day, function_id, self, total
FROM (
  SELECT tenant, service, type, version, day, function_id, self, total, 0 AS is_raw FROM function_days
  UNION ALL
  SELECT tenant, service, type, version, toStartOfDay(hour) AS day, function_id, self, total, 1 AS is_raw
  FROM all_function_hours
  WHERE (tenant, day) GLOBAL IN (SELECT tenant, bucket FROM open_buckets WHERE name = 'function_days')
)
WHERE is_raw = ((tenant, day) GLOBAL IN (
  SELECT tenant, bucket FROM open_buckets WHERE name = 'function_days' AND is_open));

-- From here on: what people use. The names of functions are few beside the sums, and are those of the
-- weeks that there are sums of.
CREATE VIEW IF NOT EXISTS flame_function_minutes AS
SELECT tenant, time, service, type, version, if(name = '', '[unknown]', name) AS function, module,
  function_id, self, total
FROM (
  SELECT tenant, minute AS time, service, type, version, function_id, self, total
  FROM all_function_minutes
) AS sums
GLOBAL ANY LEFT JOIN (
  SELECT DISTINCT tenant, function_id, splitByChar('\x1f', function)[1] AS name, splitByChar('\x1f', function)[2] AS module
  FROM functions
  WHERE week >= least((SELECT toMonday(min(h)) FROM samples), (SELECT toMonday(min(minute)) FROM function_minutes))
) AS names USING (tenant, function_id);

CREATE VIEW IF NOT EXISTS flame_function_hours AS
SELECT tenant, time, service, type, version, if(name = '', '[unknown]', name) AS function, module,
  function_id, self, total
FROM (
  SELECT tenant, hour AS time, service, type, version, function_id, self, total
  FROM all_function_hours
) AS sums
GLOBAL ANY LEFT JOIN (
  SELECT DISTINCT tenant, function_id, splitByChar('\x1f', function)[1] AS name, splitByChar('\x1f', function)[2] AS module
  FROM functions
  WHERE week >= least((SELECT toMonday(min(h)) FROM samples), (SELECT toMonday(min(h)) FROM function_hours))
) AS names USING (tenant, function_id);

CREATE VIEW IF NOT EXISTS flame_function_days AS
SELECT tenant, time, service, type, version, if(name = '', '[unknown]', name) AS function, module,
  function_id, self, total
FROM (
  SELECT tenant, day AS time, service, type, version, function_id, self, total
  FROM all_function_days
) AS sums
GLOBAL ANY LEFT JOIN (
  SELECT DISTINCT tenant, function_id, splitByChar('\x1f', function)[1] AS name, splitByChar('\x1f', function)[2] AS module
  FROM functions
) AS names USING (tenant, function_id);

CREATE VIEW IF NOT EXISTS flame_stacks AS
SELECT tenant, week, service, stack_id,
  arrayMap(frame -> splitByChar('\x1f', frame)[1], frames) AS functions,
  arrayMap(frame -> splitByChar('\x1f', frame)[2], frames) AS modules
FROM stacks;

-- Stacks stream past what refers to them, which a query narrows; ANY takes one of the rows where a
-- stack was written twice, and RIGHT keeps what has none.
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
    SELECT tenant, service, type, h AS hour, stack_id, total AS value, 0 AS is_raw FROM samples_1h
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

CREATE VIEW IF NOT EXISTS flame_samples AS
SELECT labelled.tenant AS tenant, time, labelled.service AS service, type, labels,
  if(empty(stack.functions), ['[unknown]'], stack.functions) AS functions,
  if(empty(stack.functions), [''], stack.modules) AS modules,
  series, labelled.stack_id AS stack_id, value
FROM (
  SELECT tenant, service, week, stack_id, functions, modules FROM flame_stacks
  WHERE week >= (SELECT toMonday(min(h)) FROM samples)
) AS stack
GLOBAL ANY RIGHT JOIN (
  SELECT tenant, time, service, type, labels, week, series, stack_id, value
  FROM (
    SELECT tenant, h + slot * 15 AS time, service, type, toMonday(h) AS week, series, stack_id,
      value * unit AS value
    FROM samples WHERE type != ''
  ) AS sample
  GLOBAL ANY LEFT JOIN (
    SELECT tenant, service, type, series, labels FROM series
    WHERE day >= (SELECT toDate(min(h)) FROM samples)
  ) AS named USING (tenant, service, type, series)
) AS labelled USING (tenant, service, week, stack_id);

CREATE VIEW IF NOT EXISTS flame_profiles AS
SELECT tenant, ts AS time, service, type, labels, series, total AS value, n AS samples
FROM (
  SELECT tenant, ts, service, type, series, total, n FROM profiles WHERE type != ''
) AS profile
GLOBAL ANY LEFT JOIN (
  SELECT tenant, service, type, series, labels FROM series
) AS named USING (tenant, service, type, series);

CREATE VIEW IF NOT EXISTS flame_series AS
SELECT tenant, service, type, any(labels) AS labels, series, min(day) AS first_day, max(day) AS last_day
FROM series
GROUP BY tenant, service, type, series;

CREATE VIEW IF NOT EXISTS flame_types AS
SELECT tenant, type, splitByChar(':', type)[3] AS unit, uniqExact(service) AS services,
  min(day) AS first_day, max(day) AS last_day
FROM series
GROUP BY tenant, type;
