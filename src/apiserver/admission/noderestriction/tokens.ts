/** A kubelet gets service account tokens for the pods bound to it, and for the audiences that their volumes ask for. */
import type { TokenRequest } from '../../../api/authentication/v1/types.gen.ts';
import { persistentvolumes } from '../../../api/core/v1/persistentvolume.ts';
import { persistentvolumeclaims } from '../../../api/core/v1/persistentvolumeclaim.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../api/core/v1/types.gen.ts';
import { csidrivers } from '../../../api/storage/v1/csidriver.ts';
import type { CSIDriver } from '../../../api/storage/v1/types.gen.ts';
import { notFound } from '../../../apimachinery/errors.ts';
import type { AdmissionAttributes, ObjectReader } from '../../contracts.ts';
import { objectOf, refusal } from '../attributes.ts';
import { quote, type Restriction, type RestrictionContext } from './restriction.ts';

async function driverOf(volume: Volume, pod: Pod, reader: ObjectReader): Promise<string> {
  if (volume.csi) return volume.csi.driver;
  const claimName = volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : volume.persistentVolumeClaim?.claimName;
  if (claimName === undefined) return '';
  const claim = await reader.get<PersistentVolumeClaim>(persistentvolumeclaims, pod.metadata.namespace ?? '', claimName);
  if (!claim) throw notFound({ group: '', resource: persistentvolumeclaims.plural }, claimName);
  const volumeName = claim.spec.volumeName ?? '';
  const bound = await reader.get<PersistentVolume>(persistentvolumes, '', volumeName);
  if (!bound) throw notFound({ group: '', resource: persistentvolumes.plural }, volumeName);
  return bound.spec?.csi?.driver ?? '';
}

async function volumeAsksFor(volume: Volume, pod: Pod, audience: string, reader: ObjectReader): Promise<boolean> {
  if (volume.projected?.sources?.some(({ serviceAccountToken: token }) => token && (token.audience ?? '') === audience)) return true;
  const name = await driverOf(volume, pod, reader);
  if (name === '') return false;
  const driver = await reader.get<CSIDriver>(csidrivers, '', name);
  if (!driver) throw notFound({ group: csidrivers.group, resource: csidrivers.plural }, name);
  return driver.spec.tokenRequests?.some((request) => (request.audience ?? '') === audience) ?? false;
}

async function checkAudience(attributes: AdmissionAttributes, pod: Pod, audience: string, { reader, authorize }: RestrictionContext): Promise<void> {
  const errors: string[] = [];
  for (const volume of pod.spec.volumes ?? []) {
    try {
      if (await volumeAsksFor(volume, pod, audience, reader)) return;
    } catch (error) {
      errors.push((error as Error).message);
    }
  }
  if (errors.length > 0)
    throw refusal(attributes, `error validating audience ${quote(audience)}: ${errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`}`);
  const { user, namespace, name } = attributes;
  const { decision } = await authorize({
    user,
    verb: 'request-serviceaccounts-token-audience',
    isResourceRequest: true,
    group: '',
    version: 'v1',
    resource: audience,
    subresource: '',
    namespace,
    name,
    path: '',
  });
  if (decision !== 'allow')
    throw refusal(
      attributes,
      `audience ${quote(audience)} not found in pod spec volume, ${user.username} is not authorized to request tokens for this audience`,
    );
}

export const restrictServiceAccounts: Restriction = async (node, attributes, context) => {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return;
  const { spec } = objectOf<TokenRequest>(attributes);
  const bound = spec.boundObjectRef;
  if (bound?.apiVersion !== 'v1' || bound.kind !== 'Pod' || !bound.name) throw refusal(attributes, 'node requested token not bound to a pod');
  if (!bound.uid) throw refusal(attributes, 'node requested token with a pod binding without a uid');
  const pod = await context.reader.get<Pod>(pods, attributes.namespace, bound.name);
  if (!pod) throw notFound({ group: '', resource: pods.plural }, bound.name);
  if (bound.uid !== pod.metadata.uid)
    throw refusal(
      attributes,
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  if (pod.spec.nodeName !== node) throw refusal(attributes, 'node requested token bound to a pod scheduled on a different node');
  if ((spec.audiences?.length ?? 0) > 1) throw refusal(attributes, 'node may only request 0 or 1 audiences');
  await checkAudience(attributes, pod, spec.audiences?.[0] ?? '', context);
};
