/** The admission plugins that are on by default upstream, in upstream's order; webhooks and quota come last. */

import type { GuardedWrite } from '../authorization/escalation.ts';
import type { AdmissionPlugin, Authorizer, ObjectReader } from '../contracts.ts';
import { certificateApproval, certificateSigning, certificateSubjectRestriction } from './certificates/requests.ts';
import { clusterTrustBundleAttest } from './certificates/trustbundles.ts';
import { persistentVolumeClaimResize } from './claimresize.ts';
import { defaultIngressClass } from './defaultingressclass.ts';
import { defaultStorageClass } from './defaultstorageclass.ts';
import { defaultTolerationSeconds } from './defaulttolerationseconds.ts';
import { rbacEscalation } from './escalation.ts';
import { limitRanger } from './limitranger/limitranger.ts';
import { namespaceLifecycle } from './namespacelifecycle.ts';
import { nodeRestriction } from './noderestriction/noderestriction.ts';
import { podResizeValidator } from './podresize.ts';
import { podSecurity } from './podsecurity/podsecurity.ts';
import { podTopologyLabels } from './podtopologylabels.ts';
import { priority } from './priority.ts';
import { runtimeClass } from './runtimeclass.ts';
import { serviceAccount } from './serviceaccount/serviceaccount.ts';
import { storageObjectInUseProtection } from './storageprotection.ts';
import { taintNodesByCondition } from './taintnodes.ts';

export interface AdmissionDependencies {
  reader: ObjectReader;
  authorize: Authorizer;
  /** See `authorization/index.ts`; without it anybody who may write roles may grant anything. */
  guardEscalation?(write: GuardedWrite): Promise<void>;
}

export function admissionPlugins({ reader, authorize, guardEscalation }: AdmissionDependencies): AdmissionPlugin[] {
  return [
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
    ...(guardEscalation ? [rbacEscalation(guardEscalation)] : []),
  ];
}
