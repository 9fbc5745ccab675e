/** `apiserver.config.k8s.io/v1 EncryptionConfiguration`: its shape, defaults and validation. */
import { parseDuration } from '../../../apimachinery/duration.ts';
import { type FieldError, invalidValue, path, required } from '../../../apimachinery/fieldpath.ts';
import type { FileKind } from '../../configuration/load.ts';
import { duration, integer, listOf, object, root, string } from '../../configuration/types.ts';

export interface KeyConfiguration {
  name?: string;
  /** Base64. */
  secret?: string;
}

export interface KmsConfiguration {
  apiVersion?: string;
  name?: string;
  endpoint?: string;
  cachesize?: number;
  timeout?: string;
}

export interface ProviderConfiguration {
  aesgcm?: { keys?: KeyConfiguration[] };
  aescbc?: { keys?: KeyConfiguration[] };
  secretbox?: { keys?: KeyConfiguration[] };
  identity?: object;
  kms?: KmsConfiguration;
}

export interface EncryptionConfiguration {
  resources?: { resources?: string[]; providers?: ProviderConfiguration[] }[];
}

const keyed = (name: string) => object(name, { keys: listOf(object('Key', { name: string, secret: string })) });

const struct = root('EncryptionConfiguration', {
  resources: listOf(
    object('ResourceConfiguration', {
      resources: listOf(string),
      providers: listOf(
        object('ProviderConfiguration', {
          aesgcm: keyed('AESConfiguration'),
          aescbc: keyed('AESConfiguration'),
          secretbox: keyed('SecretboxConfiguration'),
          identity: object('IdentityConfiguration', {}),
          kms: object('KMSConfiguration', { apiVersion: string, name: string, cachesize: integer, endpoint: string, timeout: duration }),
        }),
      ),
    }),
  ),
});

/** `secrets`, `deployments.apps`, `*.apps`, `*.` (core), `*.*`. */
export function parseGroupResource(text: string): { group: string; resource: string } {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', resource: text } : { group: text.slice(dot + 1), resource: text.slice(0, dot) };
}

const aesSizes = [16, 24, 32];
const secretboxSizes = [32];
const atLeastOne = (what: string): string => `at least one ${what} is required`;

function checkResources(names: readonly string[], field: string): FieldError[] {
  const errors: FieldError[] = [];
  const parsed = names.map(parseGroupResource);
  const pairs = parsed.flatMap((one, index) => parsed.filter((_, other) => other !== index).map((other) => [one, other] as const));
  const same = pairs.some(([a, b]) => a.group === b.group && a.resource === b.resource);
  const overlap = pairs.some(
    ([a, b]) =>
      !(a.group === b.group && a.resource === b.resource) &&
      ((a.group === '*' && a.resource === '*') || (a.group === b.group && (a.resource === '*' || b.resource === '*'))),
  );
  if (same) errors.push(invalidValue(field, names, 'the same resource cannot be specified multiple times'));
  if (overlap)
    errors.push(
      invalidValue(field, names, "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked"),
    );
  names.forEach((name, index) => {
    const problem = nameProblem(name);
    if (problem !== '') errors.push(invalidValue(`${field}[${index}]`, name, problem));
  });
  return errors;
}

function nameProblem(name: string): string {
  const { group, resource } = parseGroupResource(name);
  if (name !== name.toLowerCase()) return 'resource name should not contain capital letters';
  if (name === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations'].includes(name))
    return 'resources which do not have REST API/s cannot be encrypted';
  if (group === 'events.k8s.io') return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption";
  return group === '*' && resource !== '*' ? 'encrypting the same resource across groups is not supported' : '';
}

function checkKeys(keys: readonly KeyConfiguration[] | undefined, field: string, sizes: readonly number[]): FieldError[] {
  if (!keys?.length) return [required(field, atLeastOne('keys'))];
  return keys.flatMap(({ name, secret }, index) => {
    const at = `${field}[${index}]`;
    const errors = name ? [] : [required(`${at}.name`, 'name is a mandatory field for a key')];
    if (!secret) return [...errors, required(`${at}.secret`, 'secret is a mandatory field for a key')];
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(secret)) {
      return [...errors, invalidValue(`${at}.secret`, 'REDACTED', 'secrets must be base64 encoded')];
    }
    const size = Buffer.from(secret, 'base64').length;
    if (sizes.includes(size)) return errors;
    return [...errors, invalidValue(`${at}.secret`, 'REDACTED', `secret is not of the expected length, got ${size}, expected one of [${sizes.join(' ')}]`)];
  });
}

function checkKms({ apiVersion, name = '', endpoint = '', cachesize, timeout = '' }: KmsConfiguration, field: string, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (name === '') errors.push(required(`${field}.name`, 'name is a mandatory field for a provider'));
  if (name.includes(':')) errors.push(invalidValue(`${field}.name`, name, `invalid KMS provider name ${name}, must not contain ':'`));
  if (names.has(name)) errors.push(invalidValue(`${field}.name`, name, `duplicate KMS provider name ${name}, names must be unique`));
  names.add(name);
  if (!(millisecondsOf(timeout) > 0)) errors.push(invalidValue(`${field}.timeout`, timeout, 'timeout should be a positive value'));
  if (endpoint === '') errors.push(invalidValue(`${field}.endpoint`, '', 'endpoint is a mandatory field for a kms'));
  else if (!endpoint.startsWith('unix:')) {
    errors.push(
      invalidValue(`${field}.endpoint`, endpoint, `unsupported scheme ${JSON.stringify(endpoint.split(':', 1)[0])} for KMS provider, only unix is supported`),
    );
  }
  if (cachesize !== undefined) errors.push(invalidValue(`${field}.cachesize`, cachesize, 'cachesize is not supported in v2'));
  if (apiVersion !== 'v2') {
    const text =
      apiVersion === 'v1'
        ? 'KMSv1 is deprecated and off by default, and not served here. Use KMSv2 instead.'
        : 'unsupported apiVersion apiVersion for KMS provider, only v2 is supported';
    errors.push(invalidValue(`${field}.apiVersion`, apiVersion ?? '', text));
  }
  return errors;
}

function millisecondsOf(text: string): number {
  try {
    return parseDuration(text);
  } catch {
    // Said by the caller, with the field.
    return Number.NaN;
  }
}

function checkProvider(provider: ProviderConfiguration, at: string, names: Set<string>): FieldError[] {
  const kinds = Object.keys(provider);
  if (kinds.length === 0) {
    return [invalidValue(at, provider, 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity')];
  }
  if (kinds.length > 1) return [invalidValue(at, kinds, 'more than one provider specified in a single element, should split into different list elements')];
  const { aesgcm, aescbc, secretbox, kms } = provider;
  if (kms) return checkKms(kms, `${at}.kms`, names);
  if (aesgcm) return checkKeys(aesgcm.keys, `${at}.aesgcm.keys`, aesSizes);
  if (aescbc) return checkKeys(aescbc.keys, `${at}.aescbc.keys`, aesSizes);
  return secretbox ? checkKeys(secretbox.keys, `${at}.secretbox.keys`, secretboxSizes) : [];
}

/** What an earlier entry with a wildcard already covers is never reached. */
function checkMasked(config: EncryptionConfiguration): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = [];
  (config.resources ?? []).forEach(({ resources = [] }, index) => {
    const field = path('resources').index(index).child('resources');
    resources.forEach((text, position) => {
      const { group } = parseGroupResource(text);
      for (const [earlier, shown] of [
        [`*.${group}`, group === '' ? '*.' : `*.${group}`],
        ['*.*', '*.*'],
      ] as const) {
        if (seen.has(earlier)) {
          errors.push(invalidValue(field.index(position), text, `resource ${JSON.stringify(text)} is masked by earlier rule ${JSON.stringify(shown)}`));
          break;
        }
      }
    });
    for (const text of resources) {
      const { group, resource } = parseGroupResource(text);
      seen.add(`${resource}.${group}`);
    }
  });
  return errors;
}

function validate(config: EncryptionConfiguration): FieldError[] {
  if (!config.resources?.length) return [required('resources', atLeastOne('resources'))];
  const names = new Set<string>();
  const errors = config.resources.flatMap(({ resources = [], providers = [] }, index) => {
    const at = path('resources').index(index);
    const fields = { resources: at.child('resources').toString(), providers: at.child('providers').toString() };
    return [
      ...(resources.length === 0 ? [required(fields.resources, atLeastOne(fields.resources))] : []),
      ...checkResources(resources, fields.resources),
      ...(providers.length === 0 ? [required(fields.providers, atLeastOne(fields.providers))] : []),
      ...providers.flatMap((provider, position) => checkProvider(provider, `${fields.providers}[${position}]`, names)),
    ];
  });
  return errors.length > 0 ? errors : checkMasked(config);
}

export const encryptionFile: FileKind<EncryptionConfiguration> = {
  flag: 'encryption-provider-config',
  kind: 'EncryptionConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1'],
  struct,
  setDefaults(config) {
    for (const { providers = [] } of config.resources ?? []) {
      for (const { kms } of providers) {
        if (!kms) continue;
        kms.timeout ??= '3s';
        kms.apiVersion ||= 'v1';
      }
    }
  },
  validate,
};
