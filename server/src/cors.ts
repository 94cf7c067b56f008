import { cors as connectHeaders } from '@connectrpc/connect';
import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';

/**
 * Lets pages of other origins call the API from a browser. Without origins nothing is set, and a
 * browser keeps what such a page asked for from it.
 * @param origins such as `https://grafana.example:3000`; `*` = any
 */
export async function allowOrigins(app: FastifyInstance, origins: string[]): Promise<void> {
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : origins,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    // Headers of requests are allowed as they are asked for: none does more than a parameter.
    exposedHeaders: [
      ...connectHeaders.exposedHeaders,
      'bunsen-code',
      'bunsen-warning',
      'retry-after',
    ],
    maxAge: 3600,
  });
}
