import { humanDuration } from '../../../apimachinery/duration.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateRequest, validateRequestUpdate } from './certificatesigningrequest/validation.ts';
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from './types.gen.ts';

/** Times that a client left out: a condition keeps its transition time as long as its status stays. */
function completeConditions(csr: CertificateSigningRequest, old: CertificateSigningRequest, now: string): CertificateSigningRequestCondition[] | undefined {
  return csr.status?.conditions?.map((condition) => {
    const before = old.status?.conditions?.find(({ type, status }) => type === condition.type && status === condition.status);
    return {
      ...condition,
      lastUpdateTime: condition.lastUpdateTime ?? now,
      lastTransitionTime: condition.lastTransitionTime ?? before?.lastTransitionTime ?? now,
    };
  });
}

/** Approvals are none of the status writer's business: it can't change them by accident. */
function keepApprovals(csr: CertificateSigningRequest, old: CertificateSigningRequest): void {
  for (const type of ['Approved', 'Denied']) {
    const before = old.status?.conditions?.filter((condition) => condition.type === type) ?? [];
    const indices = csr.status?.conditions?.flatMap((condition, index) => (condition.type === type ? [index] : [])) ?? [];
    if (before.length !== indices.length) continue;
    indices.forEach((index, position) => {
      const condition = before[position];
      if (condition && csr.status?.conditions) csr.status.conditions[index] = condition;
    });
  }
}

function stateOf({ status }: CertificateSigningRequest): string {
  const has = (type: string): boolean => status?.conditions?.some((condition) => condition.type === type) ?? false;
  const decision = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending';
  return `${decision}${has('Failed') ? ',Failed' : ''}${status?.certificate ? ',Issued' : ''}`;
}

export const certificatesigningrequests = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  singular: 'certificatesigningrequest',
  shortNames: ['csr'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.certificates.v1.CertificateSigningRequest',
  validateName: () => [],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
  /** Who asks is what approval is decided by, so nobody says it of themselves. */
  prepareForCreate(csr, { user }) {
    const { username: _username, uid: _uid, groups: _groups, extra: _extra, ...asked } = csr.spec;
    csr.spec = {
      ...asked,
      username: user.username,
      ...(user.uid ? { uid: user.uid } : {}),
      ...(user.groups.length > 0 ? { groups: [...user.groups] } : {}),
      ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: structuredClone(user.extra) } : {}),
    };
    csr.status = {};
  },
  resetFields: ['spec', 'status'],
  validate: (csr) => validateRequest(csr),
  prepareForUpdate(csr, old) {
    csr.spec = old.spec;
  },
  validateUpdate: (csr, old) => validateRequestUpdate(csr, old, ''),
  subresources: {
    approval: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['spec', 'status.certificate'],
      prepareForUpdate(csr, old, { now }) {
        const conditions = completeConditions(csr, old, timeOf(now));
        csr.spec = old.spec;
        const { conditions: _conditions, ...rest } = old.status ?? {};
        csr.status = { ...rest, ...(conditions ? { conditions } : {}) };
      },
      validateUpdate: (csr, old) => validateRequestUpdate(csr, old, 'approval'),
    },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['spec', 'status.conditions'],
      prepareForUpdate(csr, old, { now }) {
        csr.spec = old.spec;
        keepApprovals(csr, old);
        const conditions = completeConditions(csr, old, timeOf(now));
        if (csr.status && conditions) csr.status.conditions = conditions;
      },
      validateUpdate: (csr, old) => validateRequestUpdate(csr, old, 'status'),
    },
  },
  columns: [
    nameColumn,
    ageColumn,
    textColumn('SignerName', ({ spec }) => spec.signerName || '<none>'),
    textColumn('Requestor', ({ spec }) => spec.username ?? ''),
    textColumn('RequestedDuration', ({ spec }) => (spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000))),
    textColumn('Condition', stateOf),
  ],
});
