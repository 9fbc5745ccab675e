/**
 * `node tools/generate/main.ts OPENAPI.json PROTOBUF.json [STAGING]`: makes every `*.gen.*` file of the repository from upstream's documents.
 * STAGING is `staging/src/k8s.io` of upstream's sources; pointers, `omitempty` and Go type names stand only there.
 * Without it they are carried over from the table that stands.
 */
import { readFileSync } from 'node:fs';
import { factsFromSources, factsFromTable } from './facts.ts';
import type { OpenApiDocument } from './openapi.ts';
import { tableFile, writeTable } from './table.ts';
import { writeTypes } from './types.ts';

const [openApiFile, protobufFile, staging] = process.argv.slice(2);
if (!openApiFile || !protobufFile) {
  console.error('usage: node tools/generate/main.ts OPENAPI.json PROTOBUF.json [STAGING]');
  process.exit(2);
}
const document = JSON.parse(readFileSync(openApiFile, 'utf8')) as OpenApiDocument;
writeTypes(document);
writeTable(document, JSON.parse(readFileSync(protobufFile, 'utf8')), staging ? factsFromSources(staging) : factsFromTable(tableFile));
