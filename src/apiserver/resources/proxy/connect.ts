/** Admission of requests that open a connection (`CONNECT`): to run something in a pod, to reach a service. */

import type { KubeObject } from '../../../apimachinery/meta.ts';
import { authorizeOrForbid } from '../../authorization/index.ts';
import type { Authorizer } from '../../contracts.ts';
import { attributesOf } from '../../pipeline.ts';
import { runAdmission } from '../../storage/admit.ts';
import type { Target } from '../../verbs/target.ts';

/** Runs both phases over the options object. */
export async function admitConnect({ context, resource, storage }: Target, options: Record<string, unknown> & { kind: string }): Promise<void> {
  const { info, user } = context;
  const attributes = {
    operation: 'CONNECT' as const,
    definition: resource.definition,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    object: options as unknown as KubeObject,
    options,
    user,
    dryRun: false,
    warn: context.warn,
    annotate: context.annotate,
  };
  await runAdmission(storage.admission, 'admit', attributes);
  await runAdmission(storage.admission, 'validate', attributes);
}

/** A WebSocket is opened with GET, yet it does what POST does: whoever may only read may not open it. */
export async function authorizeUpgrade({ context }: Target, authorize: Authorizer): Promise<void> {
  if (context.info.verb !== 'get' || !context.exchange.upgrade) return;
  await authorizeOrForbid(authorize, { ...attributesOf(context), verb: 'create' });
}
