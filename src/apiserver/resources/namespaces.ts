/** The namespaces that every cluster has. */
import { namespaces } from '../../api/core/v1/namespace.ts';
import { isAlreadyExists, isNotFound } from '../../apimachinery/errors.ts';
import type { Client } from '../../client/client.ts';

export const systemNamespaces: readonly string[] = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

export async function ensureNamespaces(client: Client): Promise<void> {
  const resource = client.resource(namespaces);
  for (const name of systemNamespaces) {
    try {
      await resource.get('', name);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await resource.create({ metadata: { name }, spec: {} }).catch((failure: unknown) => {
        if (!isAlreadyExists(failure)) throw failure;
      });
    }
  }
}
