/** What is wrong with a certificate signing request, and who may change what of it. */
import { X509Certificate } from 'node:crypto';
import { semanticEqual } from '../../../../apimachinery/equality.ts';
import { duplicate, type FieldError, forbiddenField, invalidValue, notSupported, path, required } from '../../../../apimachinery/fieldpath.ts';
import { decodePem } from '../../../../apimachinery/x509/der.ts';
import { validateSignerName } from '../../signername.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../types.gen.ts';
import { legacyUnknownSigner, parseRequest } from './signers.ts';
import { knownUsages } from './usages.ts';

const approvalTypes = ['Approved', 'Denied'] as const;
const finalTypes: readonly string[] = [...approvalTypes, 'Failed'];

const conditionsOf = ({ status }: CertificateSigningRequest): CertificateSigningRequestCondition[] => status?.conditions ?? [];
const ofType = (csr: CertificateSigningRequest, type: string): CertificateSigningRequestCondition[] => conditionsOf(csr).filter((one) => one.type === type);
const typesOf = (csr: CertificateSigningRequest | undefined): string[] => (csr ? conditionsOf(csr).map(({ type }) => type) : []);
const hasDuplicates = (values: readonly string[]): boolean => new Set(values).size < values.length;

function requestProblem(csr: CertificateSigningRequest): string | undefined {
  try {
    return parseRequest(csr).signatureValid ? undefined : 'x509: signature does not match';
  } catch (error) {
    return (error as Error).message;
  }
}

function certificateProblem(certificate: string | undefined): string | undefined {
  if (!certificate) return undefined;
  const blocks = decodePem(Buffer.from(certificate, 'base64').toString('utf8'));
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block';
  for (const { label, der } of blocks) {
    if (label !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(label)}`;
    try {
      new X509Certificate(der);
    } catch (error) {
      return (error as Error).message;
    }
  }
  return undefined;
}

/** What stands already in `old` is let pass: it could not be corrected. */
function validateUsages({ spec }: CertificateSigningRequest, old: CertificateSigningRequest | undefined): FieldError[] {
  const at = path('spec', 'usages');
  const usages = spec.usages ?? [];
  if (usages.length === 0) return [required(at)];
  const before = old?.spec.usages ?? [];
  const errors: FieldError[] = [];
  if (!before.some((usage) => !knownUsages.includes(usage))) {
    usages.forEach((usage, index) => {
      if (!knownUsages.includes(usage)) errors.push(notSupported(at.index(index), usage, [...knownUsages]));
    });
  }
  if (!hasDuplicates(before)) {
    usages.forEach((usage, index) => {
      if (usages.indexOf(usage) < index) errors.push(duplicate(at.index(index), usage));
    });
  }
  return errors;
}

function validateConditions(csr: CertificateSigningRequest, old: CertificateSigningRequest | undefined): FieldError[] {
  const at = path('status', 'conditions');
  const before = typesOf(old);
  const types = typesOf(csr);
  const bothBefore = approvalTypes.every((type) => before.includes(type));
  return conditionsOf(csr).flatMap(({ type, status }, index) => {
    const errors: FieldError[] = [];
    const here = at.index(index);
    const allowed = finalTypes.includes(type) ? ['True'] : ['False', 'True', 'Unknown'];
    if (type === '' && !before.includes('')) errors.push(required(here.child('type')));
    if (!status) errors.push(required(here.child('status')));
    else if (!allowed.includes(status)) errors.push(notSupported(here.child('status'), status, allowed));
    const opposite = type === 'Approved' ? 'Denied' : type === 'Denied' ? 'Approved' : undefined;
    if (!bothBefore && opposite && types.slice(0, index).includes(opposite))
      errors.push(invalidValue(at, type, 'Approved and Denied conditions are mutually exclusive'));
    if (types.indexOf(type) < index && !hasDuplicates(before)) errors.push(duplicate(here.child('type'), type));
    return errors;
  });
}

export function validateRequest(csr: CertificateSigningRequest, old?: CertificateSigningRequest): FieldError[] {
  const { spec, status } = csr;
  const errors: FieldError[] = [];
  const problem = requestProblem(csr);
  if (problem !== undefined) errors.push(invalidValue(path('spec', 'request'), spec.request || null, problem));
  errors.push(...validateUsages(csr, old));
  const signer = path('spec', 'signerName');
  if (spec.signerName === legacyUnknownSigner && old?.spec.signerName !== legacyUnknownSigner)
    errors.push(invalidValue(signer, spec.signerName, 'the legacy signerName is not allowed via this API version'));
  else errors.push(...validateSignerName(spec.signerName, signer));
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < 600)
    errors.push(invalidValue(path('spec', 'expirationSeconds'), spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'));
  errors.push(...validateConditions(csr, old));
  const unchanged = old !== undefined && status?.certificate === old.status?.certificate;
  const wrong = unchanged ? undefined : certificateProblem(status?.certificate);
  if (wrong !== undefined) errors.push(invalidValue(path('status', 'certificate'), '<certificate data>', wrong));
  return errors;
}

/** @param through by what the update comes: approvals are set through one subresource, certificates through the other */
export function validateRequestUpdate(csr: CertificateSigningRequest, old: CertificateSigningRequest, through: '' | 'status' | 'approval'): FieldError[] {
  const errors = validateRequest(csr, old);
  const at = path('status', 'conditions');
  for (const type of finalTypes) {
    if (ofType(csr, type).length < ofType(old, type).length)
      errors.push(forbiddenField(at, `updates may not remove a condition of type ${JSON.stringify(type)}`));
  }
  if (through !== 'approval') {
    for (const type of approvalTypes) {
      const [now, before] = [ofType(csr, type), ofType(old, type)];
      if (now.length > before.length) errors.push(forbiddenField(at, `updates may not add a condition of type ${JSON.stringify(type)}`));
      else if (now.length === before.length && !semanticEqual(now, before))
        errors.push(forbiddenField(at, `updates may not modify a condition of type ${JSON.stringify(type)}`));
    }
  }
  if ((csr.status?.certificate ?? '') !== (old.status?.certificate ?? '')) {
    const certificate = path('status', 'certificate');
    if (through !== 'status') errors.push(forbiddenField(certificate, 'updates may not set certificate content'));
    else if (old.status?.certificate) errors.push(forbiddenField(certificate, 'updates may not modify existing certificate content'));
  }
  return errors;
}
