/** Request bodies as objects. Failures are upstream's 400s, word for word where clients look. */
import { parse as parseYaml } from 'yaml';
import { decodeEnvelope, decodeProtobuf } from '../apimachinery/codec/protobuf.ts';
import { badRequest } from '../apimachinery/errors.ts';
import type { Struct } from '../apimachinery/schema.ts';
import type { StoredObject } from './cacher/resource-cache.ts';
import type { RequestContext } from './context.ts';
import { maxRequestBodyBytes } from './http/body.ts';
import type { Encoding } from './negotiation/accept.ts';

export const readRequestBody = (context: RequestContext): Promise<Buffer> => context.exchange.readBody(maxRequestBodyBytes);

export interface Expected {
  struct: Struct;
  apiVersion: string;
  kind: string;
}

/** Decodes a body that must be an object of the expected type; what it leaves out of its type is filled in. Fails with 400. */
export function decodeBody(context: RequestContext, encoding: Encoding, bytes: Buffer, expected: Expected, _validation: string): StoredObject {
  if (encoding === 'protobuf') {
    const envelope = decodeEnvelope(bytes);
    const object = decodeProtobuf(expected.struct, envelope.raw) as unknown as StoredObject;
    return { ...object, apiVersion: envelope.apiVersion, kind: envelope.kind };
  }
  let value: unknown;
  try {
    value = encoding === 'yaml' ? parseYaml(bytes.toString('utf8')) : JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw badRequest((error as Error).message);
  }
  return asObject(value as StoredObject);
}

function asObject(value: StoredObject): StoredObject {
  value.metadata ??= { name: '' };
  return value;
}
