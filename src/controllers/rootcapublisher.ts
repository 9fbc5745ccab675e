/** `root-ca-certificate-publisher-controller`: every namespace has a ConfigMap with the CA by which pods know the API server. */
import { configmaps } from '../api/core/v1/configmap.ts';
import { namespaces as namespaceKind } from '../api/core/v1/namespace.ts';
import { isAlreadyExists } from '../apimachinery/errors.ts';
import { isNamespaceTerminating } from './common/errors.ts';
import { settingsOf } from './common/settings.ts';
import { defineController } from './controller.ts';

const name = 'kube-root-ca.crt';
const description = 'kubernetes.io/description';
const text =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
  'No other usage is guaranteed across distributions of Kubernetes clusters.';

export const rootCaPublisherController = defineController({
  name: 'root-ca-certificate-publisher-controller',
  identity: 'root-ca-cert-publisher',
  setup(context, enqueue) {
    const { client, informers } = context;
    const { rootCa } = settingsOf(context);
    if (!rootCa) return { reconcile: async () => {} };
    const namespaces = informers.informer(namespaceKind);
    const published = informers.informer(configmaps, { fieldSelector: `metadata.name=${name}` });
    const resource = client.resource(configmaps);
    namespaces.addHandlers({ added: ({ metadata }) => enqueue(metadata.name), updated: ({ metadata }) => enqueue(metadata.name) });
    const again = ({ metadata }: { metadata: { namespace?: string } }): void => enqueue(metadata.namespace ?? '');
    published.addHandlers({ updated: again, deleted: again });
    return {
      async reconcile(namespace) {
        const found = namespaces.get('', namespace);
        if (!found || found.metadata.deletionTimestamp || found.status?.phase === 'Terminating') return;
        const current = published.get(namespace, name);
        const data = { 'ca.crt': rootCa };
        const annotations = { ...current?.metadata.annotations, [description]: text };
        try {
          if (!current) await resource.create({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, annotations }, data });
          else if (current.data?.['ca.crt'] !== rootCa || Object.keys(current.data ?? {}).length !== 1) {
            await resource.update({ ...current, metadata: { ...current.metadata, annotations }, data });
          }
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
        }
      },
    };
  },
});
