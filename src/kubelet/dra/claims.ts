/**
 * ResourceClaims of the pods of this node: drivers prepare what is allocated before a pod's first container, and take it
 * back after its last. Kept on disk, since a driver must hear of the end of everything that it has prepared, whoever
 * restarts meanwhile. Source of the rule: KEP-4381, and upstream's `cm/dra/manager.go`.
 */

import type { Logger } from 'pino';
import { isExtendedResource } from '../../api/core/v1/resourcenames.ts';
import type { Container, Pod } from '../../api/core/v1/types.gen.ts';
import { resourceclaims } from '../../api/resource/v1/resourceclaim.ts';
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { controllerOf } from '../../apimachinery/meta.ts';
import { quantitySign } from '../../apimachinery/quantity.ts';
import type { Client } from '../../client/client.ts';
import { messageOf } from '../context.ts';
import { readCheckpoint, writeCheckpoint } from '../resources/checkpoint.ts';
import { sleep } from '../runtime/pleg.ts';
import type { DraDriver } from './drivers.ts';
import type { ClaimRequest, PreparedDevice } from './messages.ts';

export interface HeldClaim extends ClaimRequest {
  /** Pods that use it. */
  pods: string[];
  /** Drivers that have a part in it, and what they have prepared. */
  drivers: Record<string, PreparedDevice[]>;
}

export interface PodClaims {
  /** Has drivers prepare what the pod uses. Throws upstream's words. */
  prepare(pod: Pod): Promise<void>;
  /** The pod's containers have ended: what no other pod uses is given back. */
  unprepare(uid: string): Promise<void>;
  /** Names of CDI devices that the container gets. Throws what it waits with. */
  devicesOf(pod: Pod, container: Container): string[];
  /** What it has to do with, for monitors. */
  heldBy(pod: Pod, container: Container): HeldClaim[];
  /** Gives back what pods have that are no more. */
  reconcile(active: ReadonlySet<string>): Promise<string[]>;
}

export interface PodClaimsInput {
  client: Client;
  file: string;
  /** Throws when it is not there. */
  driver(name: string): DraDriver;
}

interface Wanted {
  /** Its name in the pod's spec; `''` for what stands for extended resources. */
  podClaim: string;
  name: string;
  /** Made for this pod, so it must be the pod's own. */
  own: boolean;
}

const deviceClassPrefix = 'deviceclass.resource.kubernetes.io/';

/** Claims that the pod uses; those that turned out not to be needed are left out. */
function wantedOf({ metadata, spec, status }: Pod): Wanted[] {
  const where = `pod "${metadata.namespace}/${metadata.name}"`;
  const named = (spec.resourceClaims ?? []).flatMap(({ name: podClaim, resourceClaimName, resourceClaimTemplateName }): Wanted[] => {
    if (resourceClaimName) return [{ podClaim, name: resourceClaimName, own: false }];
    if (!resourceClaimTemplateName) throw new Error(`${where}, spec.resourceClaim "${podClaim}": none of the supported fields are set`);
    const made = status?.resourceClaimStatuses?.find(({ name }) => name === podClaim);
    if (!made) throw new Error(`${where}: ResourceClaim not created yet`);
    return made.resourceClaimName ? [{ podClaim, name: made.resourceClaimName, own: true }] : [];
  });
  const extended = status?.extendedResourceClaimStatus?.resourceClaimName;
  return [...named, ...(extended ? [{ podClaim: '', name: extended, own: false }] : [])];
}

/** The requests of each claim, by its name, that a container refers to; `''` means all of them. */
function requestsOf(pod: Pod, { name: container, resources }: Container): Map<string, string[]> {
  const requests = new Map<string, string[]>();
  const add = (claim: string, request: string): void => void requests.set(claim, [...(requests.get(claim) ?? []), request]);
  for (const { podClaim, name } of resources?.claims?.length ? wantedOf(pod) : [])
    for (const claim of resources?.claims ?? []) if (claim.name === podClaim) add(name, claim.request ?? '');
  const { resourceClaimName = '', requestMappings = [] } = pod.status?.extendedResourceClaimStatus ?? {};
  for (const { containerName, resourceName, requestName } of requestMappings) {
    const counted = isExtendedResource(resourceName) || resourceName.startsWith(deviceClassPrefix);
    if (containerName === container && counted && quantitySign(resources?.requests?.[resourceName] ?? '0') > 0) add(resourceClaimName, requestName);
  }
  return requests;
}

function checkClaim(pod: Pod, claim: ResourceClaim, { name, own }: Wanted): void {
  const { metadata } = pod;
  const describe = (object: { metadata: { namespace?: string; name: string } }): string => `${object.metadata.namespace}/${object.metadata.name}`;
  if (own && controllerOf(claim)?.uid !== metadata.uid)
    throw new Error(`ResourceClaim ${describe(claim)} was not created for Pod ${describe(pod)} (Pod is not owner)`);
  if (!claim.status?.reservedFor?.some(({ resource, uid }) => resource === 'pods' && uid === metadata.uid))
    throw new Error(`pod ${metadata.name} (${metadata.uid}) is not allowed to use ResourceClaim ${name} (${claim.metadata.uid})`);
  if (!claim.status.allocation) throw new Error(`ResourceClaim ${name}: not allocated`);
}

/** Throws when what stands on disk can't be read. */
export function createPodClaims({ client, file, driver }: PodClaimsInput): PodClaims {
  const held = new Map<string, HeldClaim>((readCheckpoint<{ claims: HeldClaim[] }>(file)?.claims ?? []).map((claim) => [keyOf(claim), claim]));
  /** Since this kubelet runs: those of before are prepared once more for the next pod, which drivers take calmly. */
  const prepared = new Set<HeldClaim>();
  const resource = client.resource(resourceclaims);
  const save = (): void => writeCheckpoint(file, { claims: [...held.values()] });
  const asked = ({ namespace, uid, name }: HeldClaim): ClaimRequest => ({ namespace, uid, name });

  /** Nothing is remembered before everything has been looked at: a pod that fails here can go without any driver's help. */
  async function look(pod: Pod): Promise<HeldClaim[]> {
    const namespace = pod.metadata.namespace ?? '';
    const found: HeldClaim[] = [];
    for (const wanted of wantedOf(pod)) {
      const claim = await resource.get(namespace, wanted.name).catch((error: unknown) => {
        throw new Error(`fetch ResourceClaim ${wanted.name}: ${messageOf(error)}`, { cause: error });
      });
      checkClaim(pod, claim, wanted);
      const names = (claim.status?.allocation?.devices?.results ?? []).map((result) => result.driver);
      for (const name of names) driver(name);
      found.push({ namespace, name: wanted.name, uid: claim.metadata.uid ?? '', pods: [], drivers: Object.fromEntries(names.map((name) => [name, []])) });
    }
    return found;
  }

  /** By driver, so that each is asked once. */
  function batches(claims: readonly HeldClaim[]): [DraDriver, HeldClaim[]][] {
    const names = new Set(claims.flatMap(({ drivers }) => Object.keys(drivers)));
    return [...names].map((name) => [driver(name), claims.filter(({ drivers }) => name in drivers)]);
  }

  /** Every claim must be answered, and without an error. */
  async function ask<R extends { error: string }>(
    method: string,
    claims: readonly HeldClaim[],
    call: () => Promise<Record<string, R>>,
  ): Promise<[HeldClaim, R][]> {
    const answers = await call().catch((error: unknown) => {
      throw new Error(`${method}: ${messageOf(error)}`, { cause: error });
    });
    const given = Object.entries(answers).map(([uid, answer]): [HeldClaim, R] => {
      const claim = claims.find((one) => one.uid === uid);
      if (!claim) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
      if (answer.error) throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${answer.error}`);
      return [claim, answer];
    });
    if (given.length < claims.length) throw new Error(`${method} skipped ${claims.length - given.length} ResourceClaims`);
    return given;
  }

  async function prepare(pod: Pod): Promise<void> {
    const wanted = await look(pod);
    if (wanted.length === 0) return;
    const uid = pod.metadata.uid ?? '';
    const missing: HeldClaim[] = [];
    for (const claim of wanted) {
      const known = held.get(keyOf(claim)) ?? claim;
      if (known.uid !== claim.uid)
        throw new Error(`old ResourceClaim with same name ${claim.name} and different UID ${known.uid} still exists (previous pod force-deleted?!)`);
      if (!known.pods.includes(uid)) known.pods.push(uid);
      held.set(keyOf(known), known);
      if (!prepared.has(known)) missing.push(known);
    }
    save();
    for (const [plugin, claims] of batches(missing))
      for (const [claim, { devices }] of await ask('NodePrepareResources', claims, () => plugin.prepare(claims.map(asked))))
        claim.drivers[plugin.name] = devices;
    for (const claim of missing) prepared.add(claim);
    save();
  }

  async function unprepare(uid: string): Promise<void> {
    const own = [...held.values()].filter(({ pods }) => pods.includes(uid));
    if (own.length === 0) return;
    const over = own.filter(({ pods }) => pods.length === 1);
    for (const claim of own) if (claim.pods.length > 1) claim.pods = claim.pods.filter((one) => one !== uid);
    for (const [plugin, claims] of batches(over)) await ask('NodeUnprepareResources', claims, () => plugin.unprepare(claims.map(asked)));
    for (const claim of over) {
      held.delete(keyOf(claim));
      prepared.delete(claim);
    }
    save();
  }

  function known(pod: Pod, name: string): HeldClaim {
    const found = held.get(keyOf({ namespace: pod.metadata.namespace ?? '', name }));
    if (!found) throw new Error(`internal error: unable to get claim info for ResourceClaim ${name} in namespace ${pod.metadata.namespace}`);
    return found;
  }

  const telling = (what: string) => (error: unknown) => {
    throw new Error(`${what} dynamic resources: ${messageOf(error)}`, { cause: error });
  };

  return {
    prepare: (pod) => prepare(pod).catch(telling('prepare')),
    unprepare: (uid) => unprepare(uid).catch(telling('unprepare')),
    devicesOf: (pod, container) => {
      const names = [...requestsOf(pod, container)].flatMap(([name, requests]) => {
        const devices = Object.values(known(pod, name).drivers).flat();
        const isFor = ({ requestNames }: PreparedDevice, request: string): boolean =>
          request === '' || requestNames.length === 0 || requestNames.includes(request);
        return requests.flatMap((request) => devices.filter((device) => isFor(device, request)).flatMap(({ cdiDeviceIds }) => cdiDeviceIds));
      });
      return [...new Set(names)];
    },
    heldBy: (pod, container) => [...requestsOf(pod, container).keys()].map((name) => known(pod, name)),
    reconcile: async (active) => {
      const gone = new Set([...held.values()].flatMap(({ pods }) => pods.filter((uid) => !active.has(uid))));
      const failures: string[] = [];
      for (const uid of gone) await unprepare(uid).catch((error: unknown) => void failures.push(messageOf(error)));
      return failures;
    },
  };
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

const reconcileMs = 60_000;

/** Looks every minute for what pods have left that are no more, until the kubelet stops. `pods` are the UIDs of all that it knows. */
export async function keepReconciled(claims: PodClaims, pods: () => string[], log: Logger, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(reconcileMs, signal);
    if (signal.aborted) return;
    for (const err of await claims.reconcile(new Set(pods()))) log.info({ err }, 'what a pod had of drivers could not be given back');
  }
}
