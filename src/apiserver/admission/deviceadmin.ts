/** Access to devices that others use (monitoring, repair) is for namespaces that an administrator has marked for it. */
import { namespaces } from '../../api/core/v1/namespace.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import { resourceclaimtemplates } from '../../api/resource/v1/resourceclaimtemplate.ts';
import type { DeviceClaim, DeviceRequest, ResourceClaim, ResourceClaimTemplate } from '../../api/resource/v1/types.gen.ts';
import { invalid } from '../../apimachinery/errors.ts';
import { type FieldPath, forbiddenField, path } from '../../apimachinery/fieldpath.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../contracts.ts';
import { isAbout, objectOf, oldObjectOf } from './attributes.ts';

const label = 'resource.kubernetes.io/admin-access';

/** In v1beta1 it stands in the request itself. */
type AnyRequest = DeviceRequest & { adminAccess?: boolean };

function askedFor({ requests = [] }: DeviceClaim = {}): FieldPath | undefined {
  const index = requests.findIndex(({ exactly, adminAccess }: AnyRequest) => exactly?.adminAccess ?? adminAccess);
  return index < 0 ? undefined : path('spec', 'devices', 'requests').index(index).child('adminAccess');
}

function givenBy({ status }: ResourceClaim): FieldPath | undefined {
  const index = status?.allocation?.devices?.results?.findIndex(({ adminAccess }) => adminAccess) ?? -1;
  return index < 0 ? undefined : path('status', 'allocation', 'devices', 'results').index(index).child('adminAccess');
}

/** Where this write asks for it anew: what a claim asks for, and what it was given, does not change later. */
function asked(attributes: AdmissionAttributes): FieldPath | undefined {
  if (attributes.operation === 'CREATE') {
    if (isAbout(attributes, resourceclaims)) return askedFor(objectOf<ResourceClaim>(attributes).spec.devices);
    if (isAbout(attributes, resourceclaimtemplates)) return askedFor(objectOf<ResourceClaimTemplate>(attributes).spec.spec?.devices);
  } else if (attributes.operation === 'UPDATE' && isAbout(attributes, resourceclaims, 'status')) {
    return givenBy(oldObjectOf<ResourceClaim>(attributes)) ? undefined : givenBy(objectOf<ResourceClaim>(attributes));
  }
  return undefined;
}

export const deviceAdminAccess = (reader: ObjectReader): AdmissionPlugin => ({
  name: 'DeviceAdminAccess',
  handles: (attributes) => asked(attributes) !== undefined,
  async validate(attributes) {
    const { definition, namespace, object } = attributes;
    const at = asked(attributes);
    const labels = at && (await reader.get(namespaces, '', namespace))?.metadata.labels;
    if (!at || labels?.[label] === 'true') return;
    const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`;
    throw invalid(definition, object?.metadata.name, [forbiddenField(at, why)]);
  },
});
