import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import compress from '@fastify/compress';
import Fastify from 'fastify';
import { sendInPieces } from './large-replies.ts';

test('large replies are whole: as they are with their length, compressed, and without a body', async (t) => {
  const json = Buffer.from(JSON.stringify(randomBytes(3 << 20).toString('hex')));
  const app = Fastify();
  t.after(() => app.close());
  sendInPieces(app);
  await app.register(compress, { threshold: 1024, globalDecompression: false });
  app.get('/', async (_request, reply) => reply.type('application/json').send(json));
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const ask = (method: string, encoding: string) =>
    new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      const headers = { 'accept-encoding': encoding };
      request(url, { method, headers }, async (reply) => {
        const body: Buffer[] = [];
        for await (const piece of reply) body.push(piece as Buffer);
        resolve({ headers: reply.headers, body: Buffer.concat(body) });
      })
        .on('error', reject)
        .end();
    });
  const plain = await ask('GET', 'identity');
  assert.equal(plain.headers['content-length'], `${json.length}`);
  assert.ok(plain.body.equals(json));
  const gzipped = await ask('GET', 'gzip');
  assert.equal(gzipped.headers['content-encoding'], 'gzip');
  assert.equal(gzipped.headers['content-length'], undefined);
  assert.ok(gunzipSync(gzipped.body).equals(json));
  const head = await ask('HEAD', 'identity');
  assert.deepEqual([head.headers['content-length'], head.body.length], [`${json.length}`, 0]);
});
