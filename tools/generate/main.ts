/**
 * `node tools/generate/main.ts OPENAPI.json PROTOBUF.json [STAGING [SERVED.json]]`: makes every `*.gen.*` file of the repository from upstream's documents.
 * STAGING is `staging/src/k8s.io` of upstream's sources; pointers, `omitempty` and Go type names stand only there.
 * SERVED is `/openapi/v2` of a running server with everything switched on, which alone names the values of enumerations.
 * Without either, what they say is carried over from the table that stands.
 */
import { readFileSync } from 'node:fs';
import { enumsFromDocument, enumsFromTable } from './enums.ts';
import { factsFromSources, factsFromTable } from './facts.ts';
import type { OpenApiDocument } from './openapi.ts';
import { tableFile, writeTable } from './table.ts';
import { writeTypes } from './types.ts';

const [openApiFile, protobufFile, staging, served] = process.argv.slice(2);
if (!openApiFile || !protobufFile) {
  console.error('usage: node tools/generate/main.ts OPENAPI.json PROTOBUF.json [STAGING [SERVED.json]]');
  process.exit(2);
}
const read = (file: string): OpenApiDocument => JSON.parse(readFileSync(file, 'utf8')) as OpenApiDocument;
const document = read(openApiFile);
writeTypes(document);
const facts = staging ? factsFromSources(staging) : factsFromTable(tableFile);
const enums = served ? enumsFromDocument(read(served)) : enumsFromTable(tableFile);
writeTable(document, JSON.parse(readFileSync(protobufFile, 'utf8')), facts, enums);
