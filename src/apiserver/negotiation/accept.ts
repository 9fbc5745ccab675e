/**
 * Which encoding and which form (`as=Table`, `as=PartialObjectMetadata`) an answer has.
 * Source of the rule: apiserver `endpoints/handlers/negotiation`.
 */
import { notAcceptable, StatusError, unsupportedMediaType } from '../../apimachinery/errors.ts';
import { own } from '../../apimachinery/own.ts';

export type Encoding = 'json' | 'yaml' | 'protobuf';

export interface MediaType {
  encoding: Encoding;
  /** The form that was asked for instead of the object itself. */
  as: '' | 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';
  asVersion: 'v1' | 'v1beta1';
  /** `;stream=watch`. */
  stream: boolean;
  /** Aggregated discovery: `;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`. */
  discovery: '' | 'v2';
}

export const contentTypes: Readonly<Record<Encoding, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  protobuf: 'application/vnd.kubernetes.protobuf',
};

const encodingOf: Readonly<Record<string, Encoding>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/vnd.kubernetes.protobuf': 'protobuf',
};

const jsonAnswer: MediaType = { encoding: 'json', as: '', asVersion: 'v1', stream: false, discovery: '' };

interface Clause {
  type: string;
  parameters: Record<string, string>;
  quality: number;
}

function parseClauses(accept: string): Clause[] {
  const clauses: Clause[] = [];
  for (const part of accept.split(',')) {
    const [type = '', ...rest] = part.split(';');
    const clause: Clause = { type: type.trim().toLowerCase(), parameters: {}, quality: 1 };
    for (const parameter of rest) {
      const equals = parameter.indexOf('=');
      if (equals < 0) continue;
      const name = parameter.slice(0, equals).trim().toLowerCase();
      const value = parameter
        .slice(equals + 1)
        .trim()
        .replace(/^"(.*)"$/, '$1');
      if (name === 'q') clause.quality = Number(value) || 0;
      else clause.parameters[name] = value;
    }
    if (clause.type !== '') clauses.push(clause);
  }
  // A stable sort keeps the client's order among equals; upstream (goautoneg) also puts exact types before wildcards.
  const wildness = (clause: Clause): number => (clause.type === '*/*' ? 2 : clause.type.endsWith('/*') ? 1 : 0);
  return clauses.sort((a, b) => b.quality - a.quality || wildness(a) - wildness(b));
}

function mediaTypeOf(clause: Clause, allowed: readonly Encoding[], transforms: boolean): MediaType | undefined {
  const { type, parameters } = clause;
  const encoding = type === '*/*' || type === 'application/*' ? (allowed[0] as Encoding) : own(encodingOf, type);
  if (!encoding || !allowed.includes(encoding)) return undefined;
  const as = parameters['as'] ?? '';
  const version = parameters['v'] ?? '';
  const group = parameters['g'] ?? '';
  if (as === '') return { ...jsonAnswer, encoding, stream: parameters['stream'] === 'watch' };
  if (as === 'APIGroupDiscoveryList' && group === 'apidiscovery.k8s.io' && version === 'v2') {
    return { ...jsonAnswer, encoding, discovery: version };
  }
  if (!transforms || group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as !== 'Table' && as !== 'PartialObjectMetadata' && as !== 'PartialObjectMetadataList') return undefined;
  // Cells are of any type, which protobuf messages can't be.
  if (as === 'Table' && encoding === 'protobuf') return undefined;
  return { encoding, as, asVersion: version, stream: parameters['stream'] === 'watch', discovery: '' };
}

export const allEncodings: readonly Encoding[] = ['json', 'yaml', 'protobuf'];
/** Custom resources have no protobuf form. */
export const textEncodings: readonly Encoding[] = ['json', 'yaml'];

const remembered = new Map<string, MediaType | 'none'>();

/** What upstream's router knows of a path, before the server looks closer: that of a collection can be watched too. */
export type RouteForms = 'object' | 'collection' | 'none';

/**
 * The best of what the client accepts. An absent or empty header means JSON.
 * `transforms` says whether Table and PartialObjectMetadata are to be had. Fails with 406.
 */
export function negotiate(
  accept: string | undefined,
  allowed: readonly Encoding[] = allEncodings,
  transforms = true,
  stream = false,
  route: RouteForms = 'object',
): MediaType {
  if (accept === undefined || accept === '' || accept === 'application/json') return jsonAnswer;
  const key = `${allowed.join()}${transforms ? 't' : ''}|${accept}`;
  let found = remembered.get(key);
  if (found === undefined) {
    found = 'none';
    for (const clause of parseClauses(accept)) {
      const media = mediaTypeOf(clause, allowed, transforms);
      if (media) {
        found = media;
        break;
      }
    }
    if (remembered.size > 1000) remembered.clear();
    remembered.set(key, found);
  }
  if (found !== 'none') return found;
  const types = [...acceptedTypes(allEncodings, false), ...(route === 'collection' ? acceptedTypes(allEncodings, true) : [])];
  // Custom resources have no routes.
  const routed = route !== 'none' && allowed.includes('protobuf');
  if (routed && !types.some((type) => accept.includes(type)) && !accept.includes('*/*'))
    throw new StatusError(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${types.join(', ')}`, {});
  // What could be had as a list is only then looked at as a watch. Upstream lists protobuf for custom resources too.
  const wrongStream = stream && parseClauses(accept).some((clause) => mediaTypeOf(clause, allEncodings, transforms));
  throw notAcceptable(`only the following media types are accepted: ${acceptedTypes(allEncodings, wrongStream).join(', ')}`);
}

const acceptedTypes = (allowed: readonly Encoding[], stream: boolean): string[] =>
  allowed.filter((encoding) => !stream || encoding !== 'yaml').map((encoding) => (stream ? `${contentTypes[encoding]};stream=watch` : contentTypes[encoding]));

/** The encoding of a request's body; an absent header means JSON. Fails with 415. */
export function bodyEncoding(contentType: string | undefined, allowed: readonly Encoding[] = allEncodings): Encoding {
  if (contentType === undefined || contentType === '' || contentType === 'application/json') return 'json';
  const semicolon = contentType.indexOf(';');
  const type = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  const encoding = own(encodingOf, type);
  if (encoding && allowed.includes(encoding)) return encoding;
  throw unsupportedMediaType(`the body of the request was in an unknown format - accepted media types include: ${acceptedTypes(allowed, false).join(', ')}`);
}
