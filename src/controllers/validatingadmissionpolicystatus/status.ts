/** `validatingadmissionpolicy-status-controller`: says in a policy's status that it was seen, and what is odd about its expressions. */
import { validatingadmissionpolicies } from '../../api/admissionregistration/v1/validatingadmissionpolicy.ts';
import { keyOf } from '../../apimachinery/meta.ts';
import { defineController, enqueueSelf } from '../controller.ts';
import { checkPolicy } from './typecheck.ts';

export const validatingAdmissionPolicyStatusController = defineController({
  name: 'validatingadmissionpolicy-status-controller',
  concurrency: 1,
  setup({ client, informers }, enqueue) {
    const policies = informers.informer(validatingadmissionpolicies);
    const resource = client.resource(validatingadmissionpolicies);
    enqueueSelf(policies, enqueue, keyOf);
    return {
      async reconcile(key) {
        const policy = policies.getByKey(key);
        const { generation = 0 } = policy?.metadata ?? {};
        if (!policy || generation <= (policy.status?.observedGeneration ?? 0)) return;
        const expressionWarnings = checkPolicy(policy);
        const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
        await resource.updateStatus({ ...policy, status: { ...policy.status, observedGeneration: generation, typeChecking } });
      },
    };
  },
});
