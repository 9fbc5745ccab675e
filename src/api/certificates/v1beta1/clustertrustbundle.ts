import { X509Certificate } from 'node:crypto';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path, tooLong } from '../../../apimachinery/fieldpath.ts';
import { validateDnsSubdomain } from '../../../apimachinery/names.ts';
import { checked, validateImmutable } from '../../../apimachinery/validation/common.ts';
import { decodePem } from '../../../apimachinery/x509/der.ts';
import { nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateSignerName } from '../signername.ts';
import type { ClusterTrustBundle } from './types.gen.ts';

const maxBundle = 1024 * 1024;
const bundleAt = path('spec', 'trustBundle');

/** A bundle of a signer is named after it, `example.com/signer` as `example.com:signer:`; others have no colon in their name. */
function validateName({ metadata: { name }, spec: { signerName } }: ClusterTrustBundle): FieldError[] {
  const at = path('metadata', 'name');
  if (!signerName) {
    return name.includes(':')
      ? [invalidValue(at, name, 'ClusterTrustBundle without signer name must not have ":" in its name')]
      : checked(name, at, validateDnsSubdomain(name));
  }
  const prefix = `${signerName.replaceAll('/', ':')}:`;
  if (!name.startsWith(prefix)) return [invalidValue(at, name, `ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`)];
  return checked(name, at, validateDnsSubdomain(name.slice(prefix.length)));
}

/** What is wrong with one trust anchor. */
function anchorProblem({ label, der }: { label: string; der: Buffer }): string | undefined {
  if (label !== 'CERTIFICATE') return `has bad block type: ${label}`;
  try {
    return new X509Certificate(der).ca ? undefined : 'does not have the CA bit set';
  } catch {
    return 'does not parse as X.509';
  }
}

function validateTrust({ spec: { trustBundle = '' } }: ClusterTrustBundle): FieldError[] {
  if (Buffer.byteLength(trustBundle) > maxBundle) return [tooLong(bundleAt, maxBundle)];
  const problem = (text: string): FieldError => invalidValue(bundleAt, '<value omitted>', text);
  const blocks = decodePem(trustBundle);
  const errors = blocks.flatMap((block, index) => {
    const wrong = anchorProblem(block);
    return wrong === undefined ? [] : [problem(`entry ${index} ${wrong}`)];
  });
  if (errors.length > 0) return errors;
  if (blocks.length === 0) return [problem('at least one trust anchor must be provided')];
  const same = Map.groupBy(blocks.keys(), (index) => blocks[index]!.der.toString('base64'));
  return [...same.values()].flatMap((indices) => (indices.length > 1 ? [problem(`duplicate trust anchor (indices [${indices.join(' ')}])`)] : []));
}

const validateBundle = (bundle: ClusterTrustBundle): FieldError[] => [
  ...validateName(bundle),
  ...(bundle.spec.signerName ? validateSignerName(bundle.spec.signerName, path('spec', 'signerName')) : []),
];

export const clustertrustbundles = defineKind<ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  kind: 'ClusterTrustBundle',
  plural: 'clustertrustbundles',
  singular: 'clustertrustbundle',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.certificates.v1beta1.ClusterTrustBundle',
  allowUnconditionalUpdate: false,
  offByDefault: true,
  // Depends on the signer: see `validateBundle`.
  validateName: () => [],
  validate: (bundle) => [...validateBundle(bundle), ...validateTrust(bundle)],
  validateUpdate: (bundle, old) => [
    ...validateBundle(bundle),
    ...(bundle.spec.trustBundle === old.spec.trustBundle ? [] : validateTrust(bundle)),
    ...validateImmutable(bundle.spec.signerName ?? '', old.spec.signerName ?? '', path('spec', 'signerName')),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
  columns: [nameColumn, textColumn('SignerName', ({ spec }) => spec.signerName || '<none>')],
});
