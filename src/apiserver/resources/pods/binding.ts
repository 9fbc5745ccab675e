/** `pods/binding`, and `bindings` by its old name: the scheduler's word on where a pod runs. */

import { bindingObstacle, bindPod, validatePodBinding } from '../../../api/core/v1/pod/binding.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { Binding, Pod } from '../../../api/core/v1/types.gen.ts';
import { badRequest, conflict, StatusError } from '../../../apimachinery/errors.ts';
import type { CustomRequest } from '../../contracts.ts';
import { rawUpdate } from '../../storage/raw.ts';
import type { Success, TargetHandler } from '../../verbs/custom.ts';
import { success } from '../../verbs/custom.ts';
import type { Target } from '../../verbs/target.ts';

async function bind({ body, namespace, name, dryRun, now }: CustomRequest<Binding>, { storage }: Target): Promise<Success> {
  const podName = name || body.metadata.name;
  if (body.metadata.name && body.metadata.name !== podName) throw badRequest('name in URL does not match name in Binding object');
  const errors = validatePodBinding(body);
  // Upstream answers with the bare list.
  if (errors.length > 0) {
    const messages = errors.map((error) => error.message());
    throw new StatusError(500, '', messages.length === 1 ? (messages[0] as string) : `[${messages.join(', ')}]`);
  }
  await rawUpdate(storage, storage.registry.of(pods), {
    namespace,
    name: podName,
    dryRun,
    uid: body.metadata.uid,
    resourceVersion: body.metadata.resourceVersion,
    change(object) {
      const pod = object as unknown as Pod;
      const obstacle = bindingObstacle(pod);
      if (obstacle) throw conflict({ group: '', resource: 'pods/binding' }, podName, obstacle);
      bindPod(pod, body, now);
    },
  });
  return success(201);
}

const of = { group: '', version: 'v1', verb: 'create', consumes: true } as const;

export const bindingHandlers: readonly TargetHandler[] = [
  { ...of, resource: 'pods', subresource: 'binding', handle: bind },
  { ...of, resource: 'bindings', subresource: '', handle: bind },
];
