/** The encodings of the documents: made of entries that are encoded one by one, so that no document is ever there as a whole but encoded. */
import { Buffer } from 'node:buffer';
import * as gnosticV2 from './gnostic/v2.ts';
import * as gnosticV3 from './gnostic/v3.ts';
import type { Dialect, Json } from './schemas.ts';

export interface Frame {
  info: { title: string; version: string };
  /** Custom resources' documents have none. */
  securitySchemes: Json | undefined;
}

export interface Entries {
  paths: readonly Buffer[];
  schemas: readonly Buffer[];
  /** Only v2 has such. */
  parameters: readonly Buffer[];
}

export interface Form {
  path(name: string, json: Json): Buffer;
  schema(name: string, json: Json): Buffer;
  parameter(name: string, json: Json): Buffer;
  document(frame: Frame, entries: Entries): Buffer;
}

const jsonEntry = (name: string, json: Json): Buffer => Buffer.from(`${JSON.stringify(name)}:${JSON.stringify(json)}`);
const comma = Buffer.from(',');

/** An object of such entries: `"name":{…}`. */
function jsonObject(name: string, entries: readonly Buffer[]): Buffer[] {
  return [Buffer.from(`"${name}":{`), ...entries.flatMap((entry, index) => (index === 0 ? [entry] : [comma, entry])), Buffer.from('}')];
}

const jsonEntries = { path: jsonEntry, schema: jsonEntry, parameter: jsonEntry };

export type Encoding = 'json' | 'protobuf';

export const forms: Readonly<Record<Dialect, Readonly<Record<Encoding, Form>>>> = {
  v2: {
    json: {
      ...jsonEntries,
      document({ info, securitySchemes = {} }, { paths, schemas, parameters }) {
        const security = Object.keys(securitySchemes).map((name) => ({ [name]: [] }));
        return Buffer.concat([
          Buffer.from(`{"swagger":"2.0","info":${JSON.stringify(info)},`),
          ...jsonObject('paths', paths),
          comma,
          ...jsonObject('definitions', schemas),
          comma,
          ...jsonObject('parameters', parameters),
          Buffer.from(`,"securityDefinitions":${JSON.stringify(securitySchemes)},"security":${JSON.stringify(security)}}`),
        ]);
      },
    },
    protobuf: {
      path: gnosticV2.encodePath,
      schema: gnosticV2.encodeDefinition,
      parameter: gnosticV2.encodeParameter,
      document: gnosticV2.encodeDocument,
    },
  },
  v3: {
    json: {
      ...jsonEntries,
      document({ info, securitySchemes }, { paths, schemas }) {
        return Buffer.concat([
          Buffer.from(`{"openapi":"3.0.0","info":${JSON.stringify(info)},`),
          ...jsonObject('paths', paths),
          Buffer.from(',"components":{'),
          ...(schemas.length > 0 ? jsonObject('schemas', schemas) : []),
          Buffer.from(schemas.length > 0 && securitySchemes ? ',' : ''),
          Buffer.from(securitySchemes ? `"securitySchemes":${JSON.stringify(securitySchemes)}` : ''),
          Buffer.from('}}'),
        ]);
      },
    },
    protobuf: {
      path: gnosticV3.encodePath,
      schema: gnosticV3.encodeSchema,
      parameter: () => Buffer.alloc(0),
      document: gnosticV3.encodeDocument,
    },
  },
};
