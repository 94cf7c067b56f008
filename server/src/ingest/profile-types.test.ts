import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CPU_PROFILE_TYPE, decodePprof, formatProfileType, type ValueType } from '@bunsen/profile';
import { pprofOf } from '../testing/pprof-of.ts';
import { parseAppName } from './app-name.ts';
import { foldedTypeOf, profileTypesOf } from './profile-types.ts';

function typesOf(sampleTypes: string, periodType: string, config = {}): string[] {
  const valueType = (text: string): ValueType => {
    const [type = '', unit = ''] = text.split('/');
    return { type, unit };
  };
  const bytes = pprofOf('main 1', {
    sampleTypes: sampleTypes.split(' ').map(valueType),
    periodType: valueType(periodType),
  });
  return profileTypesOf(decodePprof(bytes), config);
}

test('the profile types of well-known producers are named as Pyroscope names them', () => {
  assert.deepEqual(typesOf('cpu/nanoseconds', 'cpu/nanoseconds'), [CPU_PROFILE_TYPE]);
  assert.deepEqual(typesOf('samples/count cpu/nanoseconds', 'cpu/nanoseconds'), [
    'process_cpu:samples:count:cpu:nanoseconds',
    CPU_PROFILE_TYPE,
  ]);
  assert.deepEqual(
    typesOf('sample/count wall/nanoseconds cpu/nanoseconds', 'wall/nanoseconds')[1],
    'wall:wall:nanoseconds:wall:nanoseconds',
  );
  assert.deepEqual(typesOf('alloc_objects/count inuse_space/bytes', 'space/bytes'), [
    'memory:alloc_objects:count:space:bytes',
    'memory:inuse_space:bytes:space:bytes',
  ]);
  assert.deepEqual(
    typesOf('contentions/count delay/nanoseconds', 'contentions/count')[0],
    'mutex:contentions:count:contentions:count',
  );
  const block = {
    contentions: { 'display-name': 'block_count' },
    delay: { 'display-name': 'block_duration' },
  };
  assert.deepEqual(
    typesOf('contentions/count delay/nanoseconds', 'contentions/count', block)[0],
    'block:contentions:count:contentions:count',
  );
  assert.deepEqual(typesOf('goroutine/count', 'goroutine/count'), [
    'goroutines:goroutine:count:goroutine:count',
  ]);
  assert.deepEqual(typesOf('cache_misses/count', 'x/'), ['cache_misses:cache_misses:count:x:']);
});

test('the suffix of the application tells what folded values mean', () => {
  const id = (name: string) => formatProfileType(foldedTypeOf(name).type.profileType);
  assert.equal(id('app'), CPU_PROFILE_TYPE);
  assert.equal(id('app.cpu'), CPU_PROFILE_TYPE);
  assert.equal(foldedTypeOf('my.app.cpu').app, 'my.app');
  assert.equal(id('app.inuse_space'), 'memory:inuse_space:bytes::');
  assert.equal(id('app.lock_duration'), 'block:delay:nanoseconds::');
  assert.throws(() => foldedTypeOf('my.app'), { code: 'APP_NAME_MALFORMED' });
});

test('the name of /ingest', () => {
  assert.deepEqual(parseAppName('app{a=b, c.d=e=f,__session_id__=1}'), {
    app: 'app',
    labels: { a: 'b', 'c.d': 'e=f' },
  });
  assert.deepEqual(parseAppName('a-b/c_d.cpu{}'), { app: 'a-b/c_d.cpu', labels: {} });
  assert.deepEqual(parseAppName('app{1k=b,k8s/app=c}').labels, { '1k': 'b', 'k8s/app': 'c' });
  for (const text of ['', '{a=b}', 'app{a}', 'app{=b}', 'app{a=b', 'a b{}', 'app{__x__=1}']) {
    assert.throws(() => parseAppName(text), { code: 'APP_NAME_MALFORMED' }, text);
  }
});

test('a sample type that a selector could not name is refused', () => {
  for (const type of ['a:b/count', 'a{/count', 'é/count', 'cpu/n:s', `${'x'.repeat(257)}/count`]) {
    assert.throws(() => typesOf(type, 'cpu/nanoseconds'), { code: 'PROFILE_TYPE_MALFORMED' }, type);
  }
  assert.throws(() => typesOf('cpu/count cpu/count', 'cpu/nanoseconds'), /is there twice/);
});

test('names that every object has are names like others', () => {
  assert.deepEqual(typesOf('constructor/count', 'cpu/nanoseconds'), [
    'constructor:constructor:count:cpu:nanoseconds',
  ]);
  for (const suffix of ['constructor', 'toString', '__proto__']) {
    assert.throws(() => foldedTypeOf(`app.${suffix}`), { code: 'APP_NAME_MALFORMED' });
  }
});
