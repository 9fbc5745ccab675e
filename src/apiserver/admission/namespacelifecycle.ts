/** Nothing is written into a namespace that does not exist, nothing is created in one that is being deleted, and some are never deleted. */
import { localsubjectaccessreviews } from '../../api/authorization/v1/localsubjectaccessreview.ts';
import { namespaces } from '../../api/core/v1/namespace.ts';
import type { Namespace } from '../../api/core/v1/types.gen.ts';
import { forbidden, notFound } from '../../apimachinery/errors.ts';
import type { AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { isAbout, refusal } from './attributes.ts';
import { eventually } from './eventually.ts';

const immortal: readonly string[] = ['default', 'kube-system', 'kube-public'];
const resource = { group: namespaces.group, resource: namespaces.plural };
/** A cache may not have seen a namespace that was made a moment ago. Milliseconds. */
const missingNamespaceWait = 50;

export function namespaceLifecycle(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    handles: ({ operation }) => operation !== 'CONNECT',
    async admit(attributes) {
      const { operation, namespace, name, definition } = attributes;
      if (definition.group === namespaces.group && definition.plural === namespaces.plural) {
        if (operation === 'DELETE' && immortal.includes(name)) throw forbidden(resource, name, 'this namespace may not be deleted');
        return;
      }
      // An answer about the namespace would tell somebody who only asks for permissions that it exists.
      if (namespace === '' || operation === 'DELETE' || isAbout(attributes, localsubjectaccessreviews)) return;
      const read = (): Promise<Namespace | undefined> => reader.get(namespaces, '', namespace);
      const found = (await read()) ?? (operation === 'CREATE' ? await eventually(read, missingNamespaceWait) : undefined);
      if (!found) throw notFound(resource, namespace);
      if (operation === 'CREATE' && found.status?.phase === 'Terminating')
        throw refusal(attributes, `unable to create new content in namespace ${namespace} because it is being terminated`, [
          { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
        ]);
    },
  };
}
