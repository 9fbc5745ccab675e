/** The signers that are part of Kubernetes, and what each demands of a request. */

import { own } from '../../../../apimachinery/own.ts';
import { type CertificateRequest, parseCertificateRequest } from '../../../../apimachinery/x509/request.ts';
import type { CertificateSigningRequest } from '../types.gen.ts';

export const clientSigner = 'kubernetes.io/kube-apiserver-client';
export const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
export const kubeletServingSigner = 'kubernetes.io/kubelet-serving';
export const legacyUnknownSigner = 'kubernetes.io/legacy-unknown';

/** The PKCS#10 request inside. @throws `Error` when it is none */
export const parseRequest = ({ spec }: CertificateSigningRequest): CertificateRequest =>
  parseCertificateRequest(Buffer.from(spec.request, 'base64').toString('utf8'));

function usagesMatch(usages: readonly string[], auth: string): string | undefined {
  const given = new Set(usages);
  const full = ['digital signature', 'key encipherment', auth];
  // Keys other than RSA encipher no keys.
  const matches = (wanted: readonly string[]): boolean => wanted.length === given.size && wanted.every((usage) => given.has(usage));
  return matches(full) || matches(['digital signature', auth]) ? undefined : `usages did not match [${full.sort().join(' ')}]`;
}

const isOfNodes = ({ subject }: CertificateRequest): boolean => subject.organizations.length === 1 && subject.organizations[0] === 'system:nodes';
const notOfNodes = 'subject organization is not system:nodes';
const namesNode = ({ subject }: CertificateRequest): boolean => subject.commonName.startsWith('system:node:');
const noNode = 'subject common name does not begin with system:node:';

function kubeletServingProblem(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return notOfNodes;
  if (request.dns.length + request.ips.length === 0) return 'DNS or IP subjectAltName is required';
  if (request.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return usagesMatch(usages, 'server auth') ?? (namesNode(request) ? undefined : noNode);
}

function kubeletClientProblem(request: CertificateRequest, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return notOfNodes;
  if (request.dns.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.ips.length > 0) return 'IP subjectAltNames are not allowed';
  if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
  return namesNode(request) ? usagesMatch(usages, 'client auth') : noNode;
}

function clientProblem(_request: CertificateRequest, usages: readonly string[]): string | undefined {
  const odd = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (odd !== undefined) return `invalid usage for client certificate: ${odd}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

const problems: Readonly<Record<string, (request: CertificateRequest, usages: readonly string[]) => string | undefined>> = {
  [clientSigner]: clientProblem,
  [kubeletClientSigner]: kubeletClientProblem,
  [kubeletServingSigner]: kubeletServingProblem,
  [legacyUnknownSigner]: () => undefined,
};

/** What a request asks of one of these signers against its rules; undefined when nothing, or when the signer is none of these. */
export const signerProblem = (csr: CertificateSigningRequest, request: CertificateRequest = parseRequest(csr)): string | undefined =>
  own(problems, csr.spec.signerName)?.(request, csr.spec.usages ?? []);

export const isBuiltinSigner = (name: string): boolean => Object.hasOwn(problems, name);

/** How a kubelet's request for a client certificate is approved without a person: by a permission of whoever asked. */
export interface AutoApproval {
  /** Of `certificatesigningrequests.certificates.k8s.io`, verb `create`. */
  subresource: 'nodeclient' | 'selfnodeclient';
  message: string;
}

/** What may approve the request, to be asked in this order; empty when a person must. */
export function autoApprovals(csr: CertificateSigningRequest, request: CertificateRequest = parseRequest(csr)): AutoApproval[] {
  if (csr.spec.signerName !== kubeletClientSigner || signerProblem(csr, request) !== undefined) return [];
  const bySelf = csr.spec.username === request.subject.commonName;
  return [
    ...(bySelf ? [{ subresource: 'selfnodeclient' as const, message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' }] : []),
    { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
  ];
}
