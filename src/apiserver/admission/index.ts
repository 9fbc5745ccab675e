/** The admission plugins that are on by default upstream, in upstream's order; policies, webhooks and quota come last. */

import { createInProcessTransport } from '../../client/inprocess.ts';
import { createClient } from '../../client/rest.ts';
import type { RequestHandler } from '../../client/transport.ts';
import type { GuardedWrite } from '../authorization/escalation.ts';
import type { AdmissionAttributes, AdmissionPlugin, Authorizer, ObjectReader } from '../contracts.ts';
import type { KindRegistry } from '../registry.ts';
import { type Dial, dialDirectly } from '../resources/proxy/dial.ts';
import { runAdmission } from '../storage/admit.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates/requests.ts';
import { clusterTrustBundleAttest } from './certificates/trustbundles.ts';
import { persistentVolumeClaimResize } from './claimresize.ts';
import { resourceClaimStatus } from './claimstatus.ts';
import { defaultIngressClass } from './defaultingressclass.ts';
import { defaultStorageClass } from './defaultstorageclass.ts';
import { defaultTolerationSeconds } from './defaulttolerationseconds.ts';
import { deviceAdminAccess } from './deviceadmin.ts';
import { rbacEscalation } from './escalation.ts';
import { limitRanger } from './limitranger/limitranger.ts';
import { namespaceLifecycle } from './namespacelifecycle.ts';
import { nodeRestriction } from './noderestriction/noderestriction.ts';
import { podResizeValidator } from './podresize.ts';
import { podSecurity } from './podsecurity/podsecurity.ts';
import { podTopologyLabels } from './podtopologylabels.ts';
import { mutatingPolicies } from './policy/mutating.ts';
import { validatingPolicies } from './policy/validating.ts';
import { priority } from './priority.ts';
import { resourceQuota } from './resourcequota/resourcequota.ts';
import { runtimeClass } from './runtimeclass.ts';
import { serviceAccount } from './serviceaccount/serviceaccount.ts';
import { storageObjectInUseProtection } from './storageprotection.ts';
import { taintNodesByCondition } from './taintnodes.ts';
import { createWebhookTransport } from './webhook/call.ts';
import { mutatingWebhooks } from './webhook/mutating.ts';
import { validatingWebhooks } from './webhook/validating.ts';

export interface AdmissionDependencies {
  reader: ObjectReader;
  authorize: Authorizer;
  /** What is served: which versions a resource has, how they convert, and what they look like. */
  registry: KindRegistry;
  /** How webhooks are reached. Default: directly. */
  dial?: Dial;
  /** The server itself, for plugins that write. */
  handle: RequestHandler;
  /** See `authorization/index.ts`; without it anybody who may write roles may grant anything. */
  guardEscalation?(write: GuardedWrite): Promise<void>;
}

const serverIdentity = { username: 'system:apiserver', groups: ['system:masters'] };

export function admissionPlugins({ reader, registry, handle, authorize, guardEscalation, dial = dialDirectly }: AdmissionDependencies): AdmissionPlugin[] {
  const client = createClient(createInProcessTransport(handle, serverIdentity), { userAgent: 'kube-apiserver' });
  const builtIn: AdmissionPlugin[] = [
    namespaceLifecycle(reader),
    limitRanger(reader),
    serviceAccount(reader),
    nodeRestriction({ reader, authorize }),
    taintNodesByCondition,
    podSecurity(reader),
    priority(reader),
    defaultTolerationSeconds(),
    defaultStorageClass(reader),
    storageObjectInUseProtection,
    persistentVolumeClaimResize(reader),
    runtimeClass(reader),
    certificateApproval(authorize),
    certificateSigning(authorize),
    clusterTrustBundleAttest(authorize),
    certificateSubjectRestriction,
    defaultIngressClass(reader),
    podTopologyLabels(reader),
    podResizeValidator(reader),
    deviceAdminAccess(reader),
    resourceClaimStatus(authorize),
  ];
  const webhooks = { reader, registry, authorize, transport: createWebhookTransport(reader, dial) };
  const reinvoke = async (attributes: AdmissionAttributes): Promise<void> => void (await runAdmission(builtIn, 'admit', attributes));
  return [
    ...builtIn,
    mutatingPolicies({ ...webhooks, reinvoke }),
    mutatingWebhooks({ ...webhooks, reinvoke }),
    ...(guardEscalation ? [rbacEscalation(guardEscalation)] : []),
    validatingPolicies(webhooks),
    validatingWebhooks(webhooks),
    resourceQuota({ reader, client, now: () => new Date() }),
  ];
}
