/** Not a plugin of upstream's, where storage does it: nobody grants more than they hold. Runs when nothing changes the object any more. */

import type { GuardedWrite } from '../authorization/escalation.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import { objectOf } from './attributes.ts';

export const rbacEscalation = (guard: (write: GuardedWrite) => Promise<void>): AdmissionPlugin => ({
  name: 'RBACEscalation',
  handles: ({ definition, operation, subresource }) =>
    definition.group === 'rbac.authorization.k8s.io' && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  admit: (attributes) =>
    guard({
      resource: attributes.definition.plural,
      user: attributes.user,
      namespace: attributes.namespace,
      name: attributes.name,
      object: objectOf(attributes),
      ...(attributes.oldObject ? { old: attributes.oldObject } : {}),
    }),
});
