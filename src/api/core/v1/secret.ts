import { createPrivateKey, X509Certificate } from 'node:crypto';
import { parseJson } from '../../../apimachinery/codec/json.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required, tooLong } from '../../../apimachinery/fieldpath.ts';
import { validateConfigMapKey } from '../../../apimachinery/names.ts';
import { checked, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { ageColumn, keysColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { maxDataSize, validateImmutableData } from './configmap.ts';
import type { Secret } from './types.gen.ts';

const dataPath = path('data');
const missing = ({ data = {} }: Secret, ...keys: string[]): FieldError[] =>
  keys.filter((key) => !Object.hasOwn(data, key)).map((key) => required(dataPath.key(key)));

/** Go's `encoding/json` words. */
function jsonObjectError(text: string): string | undefined {
  if (text.trim() === '') return 'unexpected end of JSON input';
  try {
    const value = parseJson(text);
    if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    return `json: cannot unmarshal ${type} into Go value of type map[string]interface {}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function validateDockerConfig(secret: Secret, key: string): FieldError[] {
  const encoded = secret.data?.[key];
  if (encoded === undefined) return [required(dataPath.key(key))];
  const wrong = jsonObjectError(Buffer.from(encoded, 'base64').toString());
  return wrong === undefined ? [] : [invalidValue(dataPath.key(key), '<secret contents redacted>', wrong)];
}

/** The keys that a type of secret must have. */
function validateByType(secret: Secret): FieldError[] {
  const { data = {}, metadata } = secret;
  switch (secret.type) {
    case 'kubernetes.io/service-account-token': {
      const key = 'kubernetes.io/service-account.name';
      return metadata.annotations?.[key] ? [] : [required(path('metadata', 'annotations').key(key))];
    }
    case 'kubernetes.io/dockercfg':
      return validateDockerConfig(secret, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateDockerConfig(secret, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth': {
      const absent = missing(secret, 'username', 'password');
      return absent.length === 2 ? absent : [];
    }
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required(dataPath.key('ssh-privatekey'))];
    case 'kubernetes.io/tls':
      return missing(secret, 'tls.crt', 'tls.key');
    default:
      return [];
  }
}

function validateSecret(secret: Secret): FieldError[] {
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    errors.push(...checked(key, dataPath.key(key), validateConfigMapKey(key)));
    size += Buffer.byteLength(value, 'base64');
  }
  if (size > maxDataSize) errors.push(tooLong(dataPath, maxDataSize));
  return [...errors, ...validateByType(secret)];
}

/** Whether certificate and key belong together; the words are Go's `crypto/tls`. */
function keyPairWarnings({ type, data }: Secret): string[] {
  if (type !== 'kubernetes.io/tls') return [];
  const pem = (key: string): string => Buffer.from(data?.[key] ?? '', 'base64').toString();
  const [certificate, key] = [pem('tls.crt'), pem('tls.key')];
  if (!certificate.includes('-----BEGIN')) return ['tls: failed to find any PEM data in certificate input'];
  if (!key.includes('-----BEGIN')) return ['tls: failed to find any PEM data in key input'];
  try {
    const matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
    return matches ? [] : ['tls: private key does not match public key'];
  } catch (error) {
    return [`tls: failed to parse key pair: ${(error as Error).message}`];
  }
}

export const secrets = defineKind<Secret>({
  group: '',
  version: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  singular: 'secret',
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Secret',
  setDefaults(secret) {
    secret.type ||= 'Opaque';
    if (!secret.stringData) return;
    const entries = Object.entries(secret.stringData).map(([key, text]) => [key, Buffer.from(text).toString('base64')] as const);
    if (entries.length > 0) secret.data = { ...secret.data, ...Object.fromEntries(entries) };
    delete secret.stringData;
  },
  validate: validateSecret,
  validateUpdate: (secret, old) => [
    ...validateImmutable(secret.type, old.type, path('type')),
    ...validateImmutableData(secret, old, ['data']),
    ...validateSecret(secret),
  ],
  warnings: keyPairWarnings,
  columns: [nameColumn, textColumn('Type', ({ type }) => type ?? ''), keysColumn(({ data }) => Object.keys({ ...data }).length), ageColumn],
  selectableFields: { type: ({ type }) => type ?? '' },
});
