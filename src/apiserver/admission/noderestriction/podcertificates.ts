/** A kubelet asks for certificates of the pods that run on its node, as what they are. */
import type { PodCertificateRequest } from '../../../api/certificates/v1beta1/types.gen.ts';
import { nodes } from '../../../api/core/v1/node.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import { serviceaccounts } from '../../../api/core/v1/serviceaccount.ts';
import type { Node, Pod, ServiceAccount } from '../../../api/core/v1/types.gen.ts';
import type { KindDefinition } from '../../../api/kind.ts';
import { internalError, notFound } from '../../../apimachinery/errors.ts';
import { objectOf, refusal } from '../attributes.ts';
import { mirrorPodAnnotation } from '../serviceaccount/serviceaccount.ts';
import { quote, type Restriction } from './restriction.ts';

const missing = (what: string, shown: string, kind: KindDefinition, name: string): Error =>
  internalError(
    new Error(
      `while retrieving ${what} ${quote(shown)} named in the PodCertificateRequest: ${notFound({ group: kind.group, resource: kind.plural }, name).message}`,
    ),
  );

export const restrictPodCertificateRequests: Restriction = async (self, attributes, { reader }) => {
  if (attributes.operation !== 'CREATE') throw refusal(attributes, `unexpected operation ${attributes.operation}`);
  if (attributes.subresource !== '') throw refusal(attributes, `unexpected subresource ${attributes.subresource}`);
  const { namespace } = attributes;
  const { spec } = objectOf<PodCertificateRequest>(attributes);
  if (spec.nodeName !== self)
    throw refusal(attributes, `PodCertificateRequest.Spec.NodeName=${quote(spec.nodeName)}, which is not the requesting node ${quote(self)}`);
  // Differing UIDs may come from a cache that is behind: an error that says "try again", not a refusal.
  const node = await reader.get<Node>(nodes, '', spec.nodeName);
  if (!node) throw missing('node', spec.nodeName, nodes, spec.nodeName);
  const podName = `${namespace}/${spec.podName}`;
  if (node.metadata.uid !== spec.nodeUID)
    throw internalError(
      new Error(
        `PodCertificateRequest for pod ${quote(podName)} names node UID ${quote(spec.nodeUID)}, inconsistent with the running node (${quote(node.metadata.uid ?? '')})`,
      ),
    );
  const pod = await reader.get<Pod>(pods, namespace, spec.podName);
  if (!pod) throw missing('pod', podName, pods, spec.podName);
  if (pod.metadata.uid !== spec.podUID)
    throw internalError(
      new Error(
        `PodCertificateRequest for pod ${quote(podName)} contains pod UID (${quote(spec.podUID)}) which differs from running pod ${quote(pod.metadata.uid ?? '')}`,
      ),
    );
  if (pod.spec.nodeName !== self) throw refusal(attributes, `pod ${quote(podName)} is not running on node ${quote(self)} named in the PodCertificateRequest`);
  if (pod.metadata.annotations?.[mirrorPodAnnotation] !== undefined) throw refusal(attributes, `pod ${quote(podName)} is a mirror pod`);
  const account = pod.spec.serviceAccountName ?? '';
  if (spec.serviceAccountName !== account)
    throw refusal(
      attributes,
      `PodCertificateRequest for pod ${quote(podName)} contains serviceAccountName (${quote(spec.serviceAccountName)}) that differs from running pod (${quote(account)})`,
    );
  const found = await reader.get<ServiceAccount>(serviceaccounts, namespace, account);
  if (!found) throw missing('service account', `${namespace}/${account}`, serviceaccounts, account);
  if (found.metadata.uid !== spec.serviceAccountUID)
    throw internalError(
      new Error(
        `PodCertificateRequest for pod ${quote(podName)} names service account UID ${quote(spec.serviceAccountUID)}, which differs from the running service account (${quote(found.metadata.uid ?? '')})`,
      ),
    );
};
