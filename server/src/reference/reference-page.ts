import { Html, html, prose } from './html.ts';
import type { JsonSchema } from './json-schema.ts';
import type { DocumentOperation, OpenApiDocument } from './openapi.ts';
import { STYLE } from './reference-style.ts';

interface Listed {
  method: string;
  path: string;
  operation: DocumentOperation;
}

const SERVICES = 'services';
const ERRORS = 'errors';

/** The document as a page for people: one file, which asks for nothing but the app's icon. */
export function referencePage(document: OpenApiDocument): string {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  const groups = document.tags.map(({ name, description }) => ({
    name,
    description,
    routes: all.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>API reference – Bunsen</title>
<link rel="icon" type="image/svg+xml" href="/favicon.svg">
<style>${new Html(STYLE)}</style>
</head>
<body>
<header>
<a class="brand" href="/">${LOGO}Bunsen</a>
<h1>API reference</h1>
<a href="/api/openapi.json">OpenAPI</a>
</header>
<div class="page">
<nav aria-label="Routes">
${groups.map(({ name, routes }) => html`<h2>${name}</h2><ul>${routes.map(entry)}</ul>`)}
<h2>More</h2>
<ul><li><a href="#${SERVICES}">Protobuf services</a></li><li><a href="#${ERRORS}">Errors</a></li></ul>
</nav>
<main>
<p>${prose(document.info.description)}</p>
${groups.map(
  ({ name, description, routes }) => html`<section>
<h2>${name}</h2>
<p class="soft">${prose(description)}</p>
${routes.map(article)}
</section>`,
)}
${services(document)}
${errors(document)}
</main>
</div>
</body>
</html>
`.text;
}

const LOGO = html`<svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true"><path class="flame" d="M16 2c1 6 8 9 8 17a8 8 0 0 1-16 0c0-4 2-6 3-9 2 2 3 3 3 5 2-3 3-7 2-13z"/><path class="core" d="M16 15c.5 3 4 4.5 4 8a4 4 0 0 1-8 0c0-2 1-3 1.5-4.5 1 .8 1.5 1.5 1.7 2.5.8-1.5 1.2-3.5.8-6z"/></svg>`;

function badge(method: string): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function entry({ method, path, operation }: Listed): Html {
  return html`<li><a href="#${operation.operationId}">${badge(method)}<code>${path}</code></a></li>`;
}

function article({ method, path, operation }: Listed): Html {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const form = Object.entries(requestBody?.content ?? {}).flatMap(([, { schema }]) =>
    Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
      name,
      place: 'form',
      required: schema?.required?.includes(name),
      schema: property,
      description: property.description,
    })),
  );
  const bodies = Object.entries(requestBody?.content ?? {}).filter(
    ([, { schema }]) => !schema?.properties,
  );
  const named = [...parameters.map((each) => ({ ...each, place: each.in })), ...form];
  return html`<article id="${operationId}">
<h3>${badge(method)}<a href="#${operationId}"><code>${path}</code></a></h3>
<p>${prose(summary)}${description === undefined ? '.' : html`. ${prose(description)}`}</p>
${section('Parameters', named.map(parameterRow))}
${section(
  'Body',
  bodies.map(([type, { schema }]) => row(type, '', prose(schema?.description ?? ''))),
)}
${section(
  'Answers',
  Object.entries(responses).flatMap(([status, answer]) =>
    '$ref' in answer
      ? []
      : row(status, '', html`${prose(answer.description)}${contents(answer.content ?? {})}`),
  ),
)}
</article>`;
}

function section(title: string, rows: Html[]): Html | undefined {
  return rows.length === 0 ? undefined : html`<h4>${title}</h4><dl>${rows}</dl>`;
}

function row(term: string, note: string, text: Html): Html {
  return html`<dt><code>${term}</code>${note && html`<span>${note}</span>`}</dt><dd>${text}</dd>`;
}

function parameterRow(parameter: {
  name: string;
  place: string;
  required?: boolean | undefined;
  description?: string | undefined;
  schema: JsonSchema;
}): Html {
  const { name, place, required, description = '', schema } = parameter;
  const notes = [required && 'required', place !== 'query' && place].filter(Boolean);
  const { minimum, maximum, examples } = schema;
  const facts = [
    schema.enum && `one of ${schema.enum.join(', ')}`,
    schema.type === 'array' && 'any number of times',
    minimum !== undefined && `whole number from ${minimum} to ${maximum}`,
    schema.default !== undefined && schema.default !== '' && `default ${schema.default}`,
  ].filter(Boolean);
  const after = facts.length > 0 ? html` <span class="facts">(${facts.join('; ')})</span>` : '';
  const example = examples?.map((text) => html`<br><code>${text}</code>`);
  return row(name, notes.join(', '), html`${prose(description)}${after}${example}`);
}

function contents(content: Record<string, { schema?: JsonSchema }>): Html[] {
  const types = Object.keys(content);
  const schema = content['application/json']?.schema;
  const shape = schema?.properties || schema?.items ? schema : undefined;
  return [
    html` <span class="soft">${types.join(', ')}</span>`,
    ...(shape ? [html`<pre>${typeOf(shape, '')}</pre>`] : []),
  ];
}

/** A schema as TypeScript would write it. */
function typeOf(schema: JsonSchema, indent: string): Html {
  const { type, items, properties, additionalProperties } = schema;
  if (items) return html`${typeOf(items, indent)}[]`;
  if (schema.enum) return html`${schema.enum.map((text) => `"${text}"`).join(' | ')}`;
  if (additionalProperties) return html`{ [name]: ${typeOf(additionalProperties, indent)} }`;
  if (!properties) return html`${[type ?? 'any'].flat().join(' | ')}`;
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, field]) => {
    const comment = field.description && html` <i>// ${prose(field.description)}</i>`;
    // The comment of a field that takes several lines stands above it.
    const value = typeOf(field, inner);
    return value.text.includes('\n') && comment
      ? html`${inner}${new Html(comment.text.trim())}\n${inner}${name}: ${value}\n`
      : html`${inner}${name}: ${value}${comment || ''}\n`;
  });
  return html`{\n${fields}${indent}}`;
}

function services(document: OpenApiDocument): Html {
  return html`<section id="${SERVICES}">
<h2>Protobuf services</h2>
<p class="soft">${prose('POST `/SERVICE/METHOD` over Connect (protobuf and JSON), gRPC and gRPC-web; `ProfilesService` over the last two only. Messages are described in the files of `server/proto`.')}</p>
${document['x-protobuf-services'].map(
  ({ name, file, methods }) => html`<article>
<h3><code>${name}</code></h3>
<p class="soft"><code>${file}</code></p>
<p>${methods.map((method, i) => html`${i > 0 ? ', ' : ''}<code>${method}</code>`)}</p>
</article>`,
)}
</section>`;
}

function errors({ components: { schemas } }: OpenApiDocument): Html {
  return html`<section id="${ERRORS}">
<h2>Errors</h2>
<p class="soft">${prose('Every route may answer with one; what to do about each code is in server/README.md.')}</p>
<article>
<h3>Every route but Prometheus'</h3>
<pre>${typeOf(schemas['Error'] as JsonSchema, '')}</pre>
<h4>Below /prometheus</h4>
<pre>${typeOf(schemas['PrometheusError'] as JsonSchema, '')}</pre>
</article>
</section>`;
}
