/** Trust anchors of ClusterTrustBundles, as one PEM file. Source of the rule: KEP-3257. */
import type { ClusterTrustBundleProjection } from '../../api/core/v1/types.gen.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { KubeObject, LabelSelector } from '../../apimachinery/meta.ts';
import type { Client, ResourceRef } from '../../client/client.ts';

interface TrustBundle extends KubeObject {
  spec: { signerName?: string; trustBundle: string };
}

const clustertrustbundles: ResourceRef<TrustBundle> = {
  group: 'certificates.k8s.io',
  version: 'v1beta1',
  plural: 'clustertrustbundles',
  kind: 'ClusterTrustBundle',
  namespaced: false,
};

function selectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const operators: Record<string, (key: string, values: string[]) => string> = {
    In: (key, values) => `${key} in (${values.join(',')})`,
    NotIn: (key, values) => `${key} notin (${values.join(',')})`,
    Exists: (key) => key,
    DoesNotExist: (key) => `!${key}`,
  };
  return [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => operators[operator]?.(key, values) ?? key),
  ].join(',');
}

export async function trustAnchors(client: Client, { name, signerName, labelSelector, optional }: ClusterTrustBundleProjection): Promise<string> {
  const resource = client.resource(clustertrustbundles);
  let bundles: TrustBundle[];
  try {
    if (name) bundles = [await resource.get('', name)];
    else {
      const query = labelSelector ? { labelSelector: selectorText(labelSelector as LabelSelector) } : {};
      bundles = (await resource.list('', query)).items.filter((bundle) => bundle.spec.signerName === signerName);
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
    bundles = [];
  }
  if (bundles.length === 0 && !optional) throw new Error(`combination of signerName and labelSelector matched zero ClusterTrustBundles`);
  const blocks = bundles.flatMap(({ spec }) => spec.trustBundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []);
  return [...new Set(blocks)].map((block) => `${block}\n`).join('');
}
