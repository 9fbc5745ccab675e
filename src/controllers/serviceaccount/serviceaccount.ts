/** `serviceaccount-controller`: every namespace has a service account `default`. */
import { namespaces as namespaceKind } from '../../api/core/v1/namespace.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import { isAlreadyExists } from '../../apimachinery/errors.ts';
import { isNamespaceTerminating } from '../common/errors.ts';
import { defineController } from '../controller.ts';

const name = 'default';

export const serviceAccountController = defineController({
  name: 'serviceaccount-controller',
  identity: 'service-account-controller',
  setup({ client, informers }, enqueue) {
    const namespaces = informers.informer(namespaceKind);
    const accounts = informers.informer(serviceaccounts);
    const resource = client.resource(serviceaccounts);
    namespaces.addHandlers({ added: ({ metadata }) => enqueue(metadata.name), updated: ({ metadata }) => enqueue(metadata.name) });
    accounts.addHandlers({
      deleted({ metadata }) {
        if (metadata.name === name) enqueue(metadata.namespace ?? '');
      },
    });
    return {
      async reconcile(namespace) {
        const found = namespaces.get('', namespace);
        if (!found || found.metadata.deletionTimestamp || found.status?.phase === 'Terminating' || accounts.get(namespace, name)) return;
        try {
          await resource.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
        } catch (error) {
          if (!isAlreadyExists(error) && !isNamespaceTerminating(error)) throw error;
        }
      },
    };
  },
});
