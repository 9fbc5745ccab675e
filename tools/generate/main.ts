/** `node tools/generate/main.ts OPENAPI.json PROTOBUF.json`: makes every `*.gen.*` file of the repository from upstream's documents. */
import { readFileSync } from 'node:fs';
import type { OpenApiDocument } from './openapi.ts';
import { writeTypes } from './types.ts';

const [openApiFile] = process.argv.slice(2);
if (!openApiFile) {
  console.error('usage: node tools/generate/main.ts OPENAPI.json PROTOBUF.json');
  process.exit(2);
}
writeTypes(JSON.parse(readFileSync(openApiFile, 'utf8')) as OpenApiDocument);
