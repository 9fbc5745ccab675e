/** Request bodies as objects. Failures are upstream's 400s, word for word where clients look. */
import { structOfKind } from '../api/schema.ts';
import { parseJson } from '../apimachinery/codec/json.ts';
import { decodeEnvelope, decodeProtobuf, type Envelope, isEnvelope } from '../apimachinery/codec/protobuf.ts';
import { cannotBeHandled, DecodeError, strictDecodingMessage, strictDecodingWarnings } from '../apimachinery/decode/errors.ts';
import type { Decoded, DecodeOptions, FieldValidation } from '../apimachinery/decode/object.ts';
import { decodeObject, typeMetaOf } from '../apimachinery/decode/object.ts';
import { badRequest, invalid, type StatusError } from '../apimachinery/errors.ts';
import { invalidValue } from '../apimachinery/fieldpath.ts';
import type { KubeObject } from '../apimachinery/meta.ts';
import type { Struct } from '../apimachinery/schema.ts';
import type { StoredObject } from './cacher/resource-cache.ts';
import type { RequestContext } from './context.ts';
import { maxRequestBodyBytes } from './http/body.ts';
import type { Encoding } from './negotiation/accept.ts';
import { nextTurn } from './slices.ts';
import { readYaml } from './yaml.ts';

export async function readRequestBody(context: RequestContext): Promise<Buffer> {
  const body = await context.exchange.readBody(maxRequestBodyBytes);
  context.body = body;
  return body;
}

export type Decoder = (value: unknown, options: DecodeOptions) => Decoded<StoredObject>;

/** How bodies of a resource are read: by its schema in the table, or by what its definition says. */
export const decoderOf = ({ struct, decode }: { struct: Struct; decode?: Decoder }): Decoder =>
  decode ?? ((value, options) => decodeObject<StoredObject>(struct, value, options));

export interface Expected {
  struct: Struct;
  decode?: Decoder;
  apiVersion: string;
  kind: string;
  /** Another version of the same kind is taken as it is (subresources whose kind is served in several versions). */
  anyVersion?: boolean;
  /** Options of a request: upstream reads them by themselves, and words what is wrong by itself. */
  options?: boolean;
  /** Another type altogether is for the caller to judge. */
  anyType?: boolean;
}

/** Not even a type can be read from the body. */
class UnrecognizedError extends DecodeError {}

interface ParsedBody {
  value: unknown;
  text: string | undefined;
  prior: readonly string[];
}

async function parse(context: RequestContext, encoding: 'json' | 'yaml', bytes: Buffer): Promise<ParsedBody> {
  const text = bytes.toString('utf8');
  if (encoding === 'json') {
    try {
      return { value: parseJson(text), text, prior: [] };
    } catch (error) {
      throw new UnrecognizedError(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
    }
  }
  try {
    const { value, errors, json } = await readYaml(text);
    // The audit log would have to read it again.
    if (json !== undefined) context.body = Buffer.from(json);
    return { value, text: undefined, prior: errors };
  } catch (error) {
    throw new UnrecognizedError((error as Error).message);
  }
}

const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1);

/** How much of an unrecognizable body an error shows, in bytes. */
const summaryBytes = 30;

function summarize(bytes: Buffer): string {
  if (bytes.length === 0) return '<empty>';
  const part = bytes.toString(bytes[0] === 0x7b ? 'utf8' : 'hex', 0, summaryBytes);
  return bytes.length > summaryBytes ? `${part} ...` : part;
}

/** Decodes a body that must be an object of the expected type; what it leaves out of its type is filled in. Fails with 400. */
export function decodeBody(...of: Parameters<typeof decodeAtOnce>): Promise<StoredObject> {
  const [, , bytes] = of;
  return bytes.length < longBody ? decodeAtOnce(...of) : decodeInTurn(...of);
}

/** What is longer is read in a turn of its own, and so is what comes after: each takes milliseconds. */
const longBody = 128 * 1024;

async function decodeInTurn(...of: Parameters<typeof decodeAtOnce>): Promise<StoredObject> {
  await nextTurn();
  const object = await decodeAtOnce(...of);
  await nextTurn();
  return object;
}

async function decodeAtOnce(
  context: RequestContext,
  encoding: Encoding,
  bytes: Buffer,
  expected: Expected,
  validation: FieldValidation,
): Promise<StoredObject> {
  try {
    if (encoding === 'protobuf') return decodeMessage(bytes, expected);
    const parsed = await parse(context, encoding, bytes);
    const given = typeMetaOf(parsed.value);
    if (expected.decode && given.kind && given.kind !== expected.kind) throw wrongCustomKind(given.kind, parsed.value, expected);
    checkType(given.apiVersion || expected.apiVersion, given.kind || expected.kind, expected);
    const { object, strictErrors } = decoderOf(expected)(parsed.value ?? {}, {
      validation,
      ...(parsed.text === undefined ? {} : { text: parsed.text }),
      prior: validation === 'Ignore' ? [] : parsed.prior,
    });
    reportStrict(context, strictErrors, validation);
    return complete(object, expected);
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const { kind, apiVersion } = expected;
    if (expected.options) throw badRequest(error.message);
    if (error instanceof UnrecognizedError || error.message.startsWith("couldn't get version/kind")) {
      throw badRequest(`the object provided is unrecognized (must be of type ${kind}): ${error.message} (${summarize(bytes)})`);
    }
    throw cannotBeHandled(kind, versionOf(apiVersion), kind, error.message);
  }
}

/** What strict decoding found: a failure with `Strict`, warnings with `Warn`. */
export function reportStrict(context: RequestContext, errors: readonly string[], validation: FieldValidation): void {
  if (errors.length === 0 || validation === 'Ignore') return;
  if (validation === 'Strict') throw new DecodeError(strictDecodingMessage(errors));
  for (const warning of strictDecodingWarnings(errors)) context.warn(warning);
}

/** Of what declarations made up the server has no types: another kind is an object that is wrong. */
function wrongCustomKind(kind: string, value: unknown, expected: Expected): StatusError {
  const name = (value as { metadata?: { name?: unknown } } | null)?.metadata?.name;
  const [group = ''] = expected.apiVersion.split('/');
  return invalid({ group, kind }, typeof name === 'string' ? name : '', [invalidValue('kind', kind, `must be ${expected.kind}`)]);
}

/** `apps/v1` → `apps`, `v1` → `core`: as upstream names where its internal types are. */
const internalPackage = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split(/[./]/)[0] as string) : 'core');

function checkType(apiVersion: string, kind: string, expected: Expected): void {
  if (expected.anyType) return;
  if (expected.options && kind !== expected.kind) {
    const scheme = 'k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27';
    throw badRequest(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme ${JSON.stringify(scheme)}`);
  }
  if (structOfKind(expected.apiVersion, expected.kind) && !structOfKind(apiVersion, kind)) {
    const version = versionOf(apiVersion);
    const why = `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/api/legacyscheme/scheme.go:30"`;
    throw cannotBeHandled(kind, version, expected.kind, why);
  }
  if (kind !== expected.kind) {
    throw cannotBeHandled(
      kind,
      versionOf(apiVersion),
      expected.kind,
      `converting (${versionOf(apiVersion)}.${kind}) to (${internalPackage(expected.apiVersion)}.${expected.kind}): unknown conversion`,
    );
  }
  if (apiVersion !== expected.apiVersion && !expected.anyVersion) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${expected.apiVersion})`);
  }
}

function decodeMessage(bytes: Buffer, expected: Expected): StoredObject {
  if (!isEnvelope(bytes)) throw new DecodeError("couldn't get version/kind; provided data does not appear to be a protobuf message");
  let envelope: Envelope;
  try {
    envelope = decodeEnvelope(bytes);
  } catch (error) {
    throw new UnrecognizedError((error as Error).message);
  }
  checkType(envelope.apiVersion || expected.apiVersion, envelope.kind || expected.kind, expected);
  try {
    return complete(decodeProtobuf(expected.struct, envelope.raw) as unknown as StoredObject, expected);
  } catch (error) {
    throw new DecodeError((error as Error).message);
  }
}

function complete(object: StoredObject, { apiVersion, kind }: Expected): StoredObject {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = object as KubeObject & Record<string, unknown>;
  return { apiVersion, kind, ...rest, metadata: rest.metadata ?? { name: '' } };
}
