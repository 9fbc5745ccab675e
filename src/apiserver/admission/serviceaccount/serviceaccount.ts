/** Every pod runs as a service account, and gets its token and pull secrets. */
import { podSecretNames } from '../../../api/core/v1/pod/references.ts';
import { pods } from '../../../api/core/v1/pod.ts';
import { serviceaccounts } from '../../../api/core/v1/serviceaccount.ts';
import type { Pod, ServiceAccount } from '../../../api/core/v1/types.gen.ts';
import { notFound } from '../../../apimachinery/errors.ts';
import type { AdmissionAttributes, AdmissionPlugin, ObjectReader } from '../../contracts.ts';
import { isAbout, objectOf, refusal } from '../attributes.ts';
import { eventually } from '../eventually.ts';
import { forbiddenEphemeralReference, forbiddenReference } from './references.ts';
import { mountToken } from './tokenvolume.ts';

export const mirrorPodAnnotation = 'kubernetes.io/config.mirror';
const enforceMountable = 'kubernetes.io/enforce-mountable-secrets';
const defaultAccount = 'default';
/** A controller makes the default account soon after its namespace. Milliseconds. */
const defaultAccountWait = 2000;

/** As Go's `strconv.ParseBool` reads it. */
const isTrue = (text: string | undefined): boolean => text !== undefined && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text);

const isMirror = (pod: Pod): boolean => pod.metadata.annotations?.[mirrorPodAnnotation] !== undefined;

export function serviceAccount(reader: ObjectReader): AdmissionPlugin {
  async function accountOf(attributes: AdmissionAttributes, name: string): Promise<ServiceAccount> {
    const { namespace } = attributes;
    const read = (): Promise<ServiceAccount | undefined> => reader.get<ServiceAccount>(serviceaccounts, namespace, name);
    const found = (await read()) ?? (name === defaultAccount ? await eventually(read, defaultAccountWait) : undefined);
    if (found) return found;
    const { message } = notFound({ group: '', resource: 'serviceaccount' }, name);
    throw refusal(attributes, `error looking up service account ${namespace}/${name}: ${message}`);
  }

  function checkMirror(attributes: AdmissionAttributes, pod: Pod): void {
    if (pod.spec.serviceAccountName) throw refusal(attributes, 'a mirror pod may not reference service accounts');
    if (podSecretNames(pod).size > 0) throw refusal(attributes, 'a mirror pod may not reference secrets');
    if (pod.spec.volumes?.some(({ projected }) => projected?.sources?.some((source) => source.serviceAccountToken)))
      throw refusal(attributes, 'a mirror pod may not use ServiceAccountToken volume projections');
  }

  async function check(attributes: AdmissionAttributes, violation: (pod: Pod, account: ServiceAccount) => string | undefined): Promise<void> {
    const pod = objectOf<Pod>(attributes);
    if (!pod.spec.serviceAccountName) throw refusal(attributes, `no service account specified for pod ${attributes.namespace}/${pod.metadata.name}`);
    const account = await accountOf(attributes, pod.spec.serviceAccountName);
    if (!isTrue(account.metadata.annotations?.[enforceMountable])) return;
    const why = violation(pod, account);
    if (why) throw refusal(attributes, why);
  }

  async function validate(attributes: AdmissionAttributes): Promise<void> {
    if (attributes.operation === 'UPDATE') return check(attributes, forbiddenEphemeralReference);
    const pod = objectOf<Pod>(attributes);
    if (isMirror(pod)) checkMirror(attributes, pod);
    else await check(attributes, forbiddenReference);
  }

  return {
    name: 'ServiceAccount',
    handles: (attributes) =>
      attributes.operation === 'CREATE' ? isAbout(attributes, pods) : attributes.operation === 'UPDATE' && isAbout(attributes, pods, 'ephemeralcontainers'),
    async admit(attributes) {
      if (attributes.operation !== 'CREATE') return;
      const pod = objectOf<Pod>(attributes);
      // The kubelet would take a changed mirror pod for another one.
      if (isMirror(pod)) return validate(attributes);
      pod.spec.serviceAccountName ||= defaultAccount;
      pod.spec.serviceAccount = pod.spec.serviceAccountName;
      const account = await accountOf(attributes, pod.spec.serviceAccountName);
      if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod);
      if (!pod.spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
        pod.spec.imagePullSecrets = account.imagePullSecrets.map(({ name }) => ({ name }));
      await validate(attributes);
    },
    validate,
  };
}
