/**
 * `NODE_EXTRA_CA_CERTS=CA.crt node tools/generate/digest.ts URL TOKEN-FILE`: writes what an upstream server's OpenAPI documents say
 * as `src/api/openapi/testdata/digest.json`, with which the project's own are compared. The server must have everything switched
 * on (`--runtime-config=api/all=true --feature-gates=AllAlpha=true,AllBeta=true`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { digestOf } from '../../src/api/openapi/testing/digest.ts';

const [server, tokenFile] = process.argv.slice(2);
if (!server || !tokenFile) {
  console.error('usage: node tools/generate/digest.ts URL TOKEN-FILE');
  process.exit(2);
}
const authorization = `Bearer ${readFileSync(tokenFile, 'utf8').trim()}`;

async function get(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${server}${path}`, { headers: { authorization, accept: 'application/json, */*' } });
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return JSON.parse(await response.text()) as Record<string, unknown>;
}

const v3: Record<string, object> = {};
const { paths } = (await get('/openapi/v3')) as { paths: Record<string, { serverRelativeURL: string }> };
for (const [key, { serverRelativeURL }] of Object.entries(paths)) v3[key] = digestOf(await get(serverRelativeURL));
const lines = Object.entries(v3).map(([key, digest]) => `  ${JSON.stringify(key)}: ${JSON.stringify(digest)}`);
const v2 = JSON.stringify(digestOf(await get('/openapi/v2')));
writeFileSync('src/api/openapi/testdata/digest.json', `{\n "v2": ${v2},\n "v3": {\n${lines.join(',\n')}\n }\n}\n`);
