/**
 * Who may write which part of a claim's status: what is allocated and reserved is the scheduler's, what is said of a device its
 * driver's. Source of the rule: KEP-4817.
 */
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import type { AllocatedDeviceStatus, AllocationResult, ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { deviceId } from '../../api/resource/v1/validation/status.ts';
import { semanticEqual } from '../../apimachinery/equality.ts';
import { invalid, type StatusError } from '../../apimachinery/errors.ts';
import { type FieldError, forbiddenField, path } from '../../apimachinery/fieldpath.ts';
import { nodeNameKey } from '../authentication/identities.ts';
import { forbiddenRequest } from '../authorization/forbidden.ts';
import type { AdmissionAttributes, AdmissionPlugin, AuthorizationAttributes, Authorizer } from '../contracts.ts';
import { isAbout, objectOf, oldObjectOf } from './attributes.ts';

/** Drivers with an entry that came, went or changed. */
function changedDrivers(devices: readonly AllocatedDeviceStatus[] = [], before: readonly AllocatedDeviceStatus[] = []): string[] {
  const gone = new Map(before.map((device) => [deviceId(device), device]));
  const drivers = new Set<string>();
  for (const device of devices) {
    const id = deviceId(device);
    if (!semanticEqual(gone.get(id), device)) drivers.add(device.driver);
    gone.delete(id);
  }
  for (const { driver } of gone.values()) drivers.add(driver);
  return [...drivers].sort();
}

/** The one node that an allocation is for. */
function nodeOf(allocation: AllocationResult | undefined): string | undefined {
  const [term, ...others] = allocation?.nodeSelector?.nodeSelectorTerms ?? [];
  const [field, ...more] = term?.matchFields ?? [];
  if (!field || others.length > 0 || more.length > 0 || term?.matchExpressions?.length) return undefined;
  const { key, operator, values = [] } = field;
  return key === 'metadata.name' && operator === 'In' && values.length === 1 ? values[0] : undefined;
}

/** A service account whose token is bound to a pod of that node. */
function isOn(node: string | undefined, { user }: AdmissionAttributes): boolean {
  const nodes = user.extra?.[nodeNameKey] ?? [];
  return node !== undefined && user.username.startsWith('system:serviceaccount:') && nodes.length === 1 && nodes[0] === node;
}

export function resourceClaimStatus(authorize: Authorizer): AdmissionPlugin {
  async function denial(attributes: AdmissionAttributes, question: Partial<AuthorizationAttributes>): Promise<StatusError | undefined> {
    const { user, definition } = attributes;
    const asked = { user, verb: '', isResourceRequest: true, group: definition.group, version: definition.version, path: '', ...question };
    const full = { resource: definition.plural, subresource: '', namespace: '', name: '', ...asked };
    const { decision, reason, error } = await authorize(full);
    return decision === 'allow' ? undefined : forbiddenRequest(full, [error, reason].filter((one) => one).join(': '));
  }

  async function errorsOf(attributes: AdmissionAttributes): Promise<FieldError[]> {
    const { status = {} } = objectOf<ResourceClaim>(attributes);
    const { status: before = {} } = oldObjectOf<ResourceClaim>(attributes);
    const verb = attributes.options['kind'] === 'PatchOptions' ? 'patch' : 'update';
    const errors: FieldError[] = [];
    if (!semanticEqual(status.allocation, before.allocation) || !semanticEqual(status.reservedFor, before.reservedFor)) {
      const refused = await denial(attributes, { verb, subresource: 'binding' });
      const needs = `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission`;
      if (refused) errors.push(forbiddenField(path('status', 'allocation'), `${needs}: ${refused.message}`));
    }
    if (!status.allocation) return errors;
    const verbs = [...(isOn(nodeOf(status.allocation), attributes) ? [`associated-node:${verb}`] : []), `arbitrary-node:${verb}`];
    for (const name of changedDrivers(status.devices, before.devices)) {
      const question = { subresource: 'driver', namespace: attributes.namespace, name };
      let first: StatusError | undefined;
      let allowed = false;
      for (const one of verbs) {
        const refused = await denial(attributes, { ...question, verb: one });
        allowed ||= refused === undefined;
        first ??= refused;
      }
      const needs = `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission`;
      if (!allowed) errors.push(forbiddenField(path('status', 'devices'), `${needs}: ${first?.message}`));
    }
    return errors;
  }

  return {
    name: 'ResourceClaimStatus',
    handles: (attributes) => attributes.operation === 'UPDATE' && isAbout(attributes, resourceclaims, 'status'),
    async validate(attributes) {
      const errors = await errorsOf(attributes);
      if (errors.length > 0) throw invalid(attributes.definition, attributes.name, errors);
    },
  };
}
