/** What a kubelet may do with claims, leases, CSI nodes, resource slices and certificate requests. */
import type { CertificateSigningRequest } from '../../../api/certificates/v1/types.gen.ts';
import type { PersistentVolumeClaim } from '../../../api/core/v1/types.gen.ts';
import type { ResourceSlice } from '../../../api/resource/v1/types.gen.ts';
import { semanticEqual } from '../../../apimachinery/equality.ts';
import { parseCertificateRequest } from '../../../apimachinery/x509/request.ts';
import type { AdmissionAttributes } from '../../contracts.ts';
import { objectOf, oldObjectOf, refusal } from '../attributes.ts';
import { quote, type Restriction } from './restriction.ts';

/** Without what a node reports while it expands a volume. */
function fixedPart({ metadata, status, ...rest }: PersistentVolumeClaim): unknown {
  const { resourceVersion, managedFields, ...meta } = metadata;
  const { capacity, conditions, allocatedResourceStatuses, allocatedResources, ...kept } = status ?? {};
  return { ...rest, metadata: meta, status: kept };
}

export const restrictClaims: Restriction = (node, attributes) => {
  if (attributes.subresource !== 'status') throw refusal(attributes, 'may only update PVC status');
  if (attributes.operation !== 'UPDATE') throw refusal(attributes, `unexpected operation ${quote(attributes.operation)}`);
  if (!semanticEqual(fixedPart(oldObjectOf<PersistentVolumeClaim>(attributes)), fixedPart(objectOf<PersistentVolumeClaim>(attributes))))
    throw refusal(attributes, `node ${quote(node)} is not allowed to update fields other than status.quantity and status.conditions`);
};

/** The name is not in the request's path on create. */
const targetName = ({ operation, object, name }: AdmissionAttributes): string => (operation === 'CREATE' ? (object?.metadata.name ?? '') : name);

export const restrictLeases: Restriction = (node, attributes) => {
  if (attributes.namespace !== 'kube-node-lease') throw refusal(attributes, 'can only access leases in the "kube-node-lease" system namespace');
  if (targetName(attributes) !== node) throw refusal(attributes, 'can only access node lease with the same name as the requesting node');
};

export const restrictCsiNodes: Restriction = (node, attributes) => {
  if (targetName(attributes) !== node) throw refusal(attributes, 'can only access CSINode with the same name as the requesting node');
};

export const restrictResourceSlices: Restriction = (node, attributes) => {
  if (attributes.operation === 'CREATE' && objectOf<ResourceSlice>(attributes).spec.nodeName !== node)
    throw refusal(attributes, 'can only create ResourceSlice with the same NodeName as the requesting node');
  if (attributes.operation === 'DELETE' && oldObjectOf<ResourceSlice>(attributes).spec.nodeName !== node)
    throw refusal(attributes, 'can only delete ResourceSlice with the same NodeName as the requesting node');
};

const kubeletSigners: readonly string[] = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet'];

function commonNameOf(attributes: AdmissionAttributes, request: string): string {
  try {
    return parseCertificateRequest(Buffer.from(request, 'base64').toString('utf8')).subject.commonName;
  } catch (error) {
    throw refusal(attributes, `unable to parse csr: ${(error as Error).message}`);
  }
}

export const restrictCertificateRequests: Restriction = (node, attributes) => {
  if (attributes.operation !== 'CREATE') return;
  const { signerName, request } = objectOf<CertificateSigningRequest>(attributes).spec;
  if (!kubeletSigners.includes(signerName)) return;
  if (commonNameOf(attributes, request) !== `system:node:${node}`) throw refusal(attributes, `can only create a node CSR with CN=system:node:${node}`);
};
