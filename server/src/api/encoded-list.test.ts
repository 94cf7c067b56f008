import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, fromJsonString, toBinary, toJsonString } from '@bufbuild/protobuf';
import { SelectSeriesResponseSchema } from '@bunsen/proto/querier/v1/querier';
import { SeriesSchema } from '@bunsen/proto/types/v1/types';
import { encodeList } from './encoded-list.ts';

const schema = SelectSeriesResponseSchema;
const seriesOf = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    labels: [{ name: 'pod', value: `é${i}` }],
    points: Array.from({ length: i % 50 }, (_, at) => ({ value: at / 3, timestamp: BigInt(at) })),
  }));

for (const count of [0, 1, 3000]) {
  test(`a list of ${count} is what it is when it is encoded at once`, async () => {
    const whole = create(schema, { series: seriesOf(count) });
    const encode = (encoding: 'protobuf' | 'json') =>
      encodeList(schema.field.series, SeriesSchema, seriesOf(count), encoding);
    const bytes = await encode('protobuf');
    assert.deepEqual(Buffer.from(bytes), Buffer.from(toBinary(schema, whole)));
    assert.deepEqual(fromBinary(schema, bytes), whole);
    const json = Buffer.from(await encode('json')).toString();
    assert.equal(json, toJsonString(schema, whole));
    assert.deepEqual(fromJsonString(schema, json), whole);
  });
}

test('others have their turn while a long list is encoded', async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  function* slow() {
    for (const one of seriesOf(40)) {
      const untilMs = performance.now() + 3;
      while (performance.now() < untilMs); // as an entry with very many points takes
      yield one;
    }
  }
  await encodeList(schema.field.series, SeriesSchema, slow(), 'json');
  clearInterval(timer);
  assert.ok(turns > 1, `${turns}`);
});
