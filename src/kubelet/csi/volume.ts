/** Volumes of storage drivers: waits for the attachment, stages once per node, publishes once per pod, and takes both back. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { secrets as secretKind } from '../../api/core/v1/secret.ts';
import type { PersistentVolume, Pod, Secret } from '../../api/core/v1/types.gen.ts';
import { csidrivers } from '../../api/storage/v1/csidriver.ts';
import type { CSIDriverSpec } from '../../api/storage/v1/types.gen.ts';
import { volumeattachments } from '../../api/storage/v1/volumeattachment.ts';
import { isNotFound } from '../../apimachinery/errors.ts';
import type { KubeletContext } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';
import type { MountedVolume, VolumePlugin, VolumeRequest } from '../volumes/plugin.ts';
import { tokenFor } from '../volumes/token.ts';
import type { AccessMode } from './client.ts';

/** What `vol_data.json` keeps beside the mount point: enough to undo it after a restart. */
interface VolumeData {
  driverName: string;
  volumeHandle: string;
  specVolID: string;
  nodeName: string;
  attachmentID: string;
  volumeLifecycleMode: 'Persistent' | 'Ephemeral';
}

interface CsiVolume {
  driver: string;
  handle: string;
  /** Name of its directory: the persistent volume's, or the volume's own in the pod. */
  name: string;
  ephemeral: boolean;
  block: boolean;
  readOnly: boolean;
  fsType: string;
  accessModes: readonly string[];
  mountOptions: readonly string[];
  attributes: Record<string, string>;
  stageSecret?: { name?: string; namespace?: string } | undefined;
  publishSecret?: { name?: string; namespace?: string } | undefined;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const dataFile = 'vol_data.json';
const attachWaitMs = 10_000;

const volumeDirectory = ({ paths }: KubeletContext, uid: string, name: string): string => paths.volume(uid, 'csi', name);
const stagingPath = ({ paths }: KubeletContext, driver: string, handle: string): string =>
  join(paths.root, 'plugins', 'kubernetes.io', 'csi', driver, sha256(handle), 'globalmount');
const attachmentName = (handle: string, driver: string, node: string): string => `csi-${sha256(handle + driver + node)}`;

function accessMode(modes: readonly string[]): AccessMode {
  if (modes.includes('ReadWriteMany')) return 'MULTI_NODE_MULTI_WRITER';
  if (modes.includes('ReadOnlyMany')) return 'MULTI_NODE_READER_ONLY';
  return 'SINGLE_NODE_WRITER';
}

async function secretData({ context, pod }: VolumeRequest, ref: CsiVolume['stageSecret']): Promise<Record<string, string>> {
  if (!ref?.name) return {};
  const namespace = ref.namespace ?? pod.metadata.namespace ?? '';
  const { data } = await context.objects.get<Secret>(secretKind, namespace, ref.name, pod.metadata.uid ?? '');
  return Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(String(value), 'base64').toString()]));
}

async function driverSpec(context: KubeletContext, name: string): Promise<CSIDriverSpec> {
  try {
    return (await context.client.resource(csidrivers).get('', name)).spec;
  } catch (error) {
    if (isNotFound(error)) return {};
    throw error;
  }
}

/** The attach controller's answer, with what the driver's controller side tells its node side. */
async function attached(context: KubeletContext, volume: CsiVolume): Promise<Record<string, string>> {
  const name = attachmentName(volume.handle, volume.driver, context.options.nodeName);
  for (const until = Date.now() + attachWaitMs; ; ) {
    const found = await context.client
      .resource(volumeattachments)
      .get('', name)
      .catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
    if (found?.status?.attached) return found.status.attachmentMetadata ?? {};
    if (found?.status?.attachError?.message) throw new Error(found.status.attachError.message);
    if (Date.now() > until || context.signal.aborted) throw new Error(`volume attachment ${name} is not attached yet`);
    await sleep(250, context.signal);
  }
}

async function podContext(context: KubeletContext, pod: Pod, spec: CSIDriverSpec, ephemeral: boolean): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const prefix = 'csi.storage.k8s.io/';
  if (spec.podInfoOnMount) {
    Object.assign(found, {
      [`${prefix}pod.name`]: pod.metadata.name,
      [`${prefix}pod.namespace`]: pod.metadata.namespace ?? '',
      [`${prefix}pod.uid`]: pod.metadata.uid ?? '',
      [`${prefix}serviceAccount.name`]: pod.spec.serviceAccountName ?? '',
      [`${prefix}ephemeral`]: String(ephemeral),
    });
  }
  if (spec.tokenRequests?.length) {
    const tokens: Record<string, { token: string; expirationTimestamp: string }> = {};
    for (const { audience, expirationSeconds } of spec.tokenRequests) {
      const { token, expiresAt } = await tokenFor(context, pod, { audience, ...(expirationSeconds === undefined ? {} : { expirationSeconds }) });
      tokens[audience] = { token, expirationTimestamp: new Date(expiresAt).toISOString() };
    }
    found[`${prefix}serviceAccount.tokens`] = JSON.stringify(tokens);
  }
  return found;
}

async function mountVolume(request: VolumeRequest, volume: CsiVolume): Promise<MountedVolume> {
  const { context, pod } = request;
  const { driver, handle, name, ephemeral, block, readOnly } = volume;
  const client = context.csi.get(driver);
  const [spec, capabilities] = await Promise.all([driverSpec(context, driver), client.capabilities()]);
  const publishContext = ephemeral || spec.attachRequired === false ? {} : await attached(context, volume);
  const fsGroup = pod.spec.securityContext?.fsGroup;
  const mountGroup = capabilities.has('VOLUME_MOUNT_GROUP') && fsGroup !== undefined ? { volumeMountGroup: String(fsGroup) } : {};
  const capability = {
    ...(block ? { block: {} } : { mount: { fsType: volume.fsType, mountFlags: [...volume.mountOptions], ...mountGroup } }),
    accessMode: { mode: accessMode(volume.accessModes) },
  };
  const directory = volumeDirectory(context, pod.metadata.uid ?? '', name);
  const target = join(directory, 'mount');
  await mkdir(directory, { recursive: true, mode: 0o750 });
  const data: VolumeData = {
    driverName: driver,
    volumeHandle: handle,
    specVolID: name,
    nodeName: context.options.nodeName,
    attachmentID: attachmentName(handle, driver, context.options.nodeName),
    volumeLifecycleMode: ephemeral ? 'Ephemeral' : 'Persistent',
  };
  await writeFile(join(directory, dataFile), JSON.stringify(data));
  const common = { volumeId: handle, publishContext, volumeCapability: capability };
  const staged = !ephemeral && capabilities.has('STAGE_UNSTAGE_VOLUME') ? stagingPath(context, driver, handle) : '';
  if (staged) {
    await mkdir(staged, { recursive: true, mode: 0o750 });
    await client.stage({ ...common, stagingTargetPath: staged, secrets: await secretData(request, volume.stageSecret), volumeContext: volume.attributes });
  }
  const volumeContext = { ...volume.attributes, ...(await podContext(context, pod, spec, ephemeral)) };
  await client.publish({
    ...common,
    stagingTargetPath: staged,
    targetPath: target,
    readonly: readOnly,
    secrets: await secretData(request, volume.publishSecret),
    volumeContext,
  });
  const policy = spec.fsGroupPolicy ?? 'ReadWriteOnceWithFSType';
  const ours = policy === 'File' || (policy === 'ReadWriteOnceWithFSType' && volume.fsType !== '' && volume.accessModes.includes('ReadWriteOnce'));
  return { path: target, readOnly, device: block, ownership: ours && !readOnly && !block && Object.keys(mountGroup).length === 0 };
}

/** A persistent volume of a driver, for the claim that it is bound to. */
export function mountPersistent(request: VolumeRequest, pv: PersistentVolume, readOnly: boolean): Promise<MountedVolume> {
  const source = pv.spec.csi;
  if (!source) throw new Error(`no volume plugin matched for persistent volume "${pv.metadata.name}"`);
  return mountVolume(request, {
    driver: source.driver,
    handle: source.volumeHandle,
    name: pv.metadata.name,
    ephemeral: false,
    block: pv.spec.volumeMode === 'Block',
    readOnly: readOnly || (source.readOnly ?? false),
    fsType: source.fsType ?? '',
    accessModes: pv.spec.accessModes ?? [],
    mountOptions: pv.spec.mountOptions ?? [],
    attributes: source.volumeAttributes ?? {},
    stageSecret: source.nodeStageSecretRef,
    publishSecret: source.nodePublishSecretRef,
  });
}

/** A volume that a driver makes for one pod. Source of the rule: KEP-596. */
export const csiInline: VolumePlugin = {
  name: 'csi',
  handles: (volume) => volume.csi !== undefined,
  setUp: (request) => {
    const { driver = '', readOnly = false, fsType = '', volumeAttributes = {}, nodePublishSecretRef } = request.volume.csi ?? {};
    const handle = `csi-${sha256(`${request.name}${request.pod.metadata.uid ?? ''}`)}`;
    return mountVolume(request, {
      driver,
      handle,
      name: request.name,
      ephemeral: true,
      block: false,
      readOnly,
      fsType,
      accessModes: ['ReadWriteOnce'],
      mountOptions: [],
      attributes: volumeAttributes,
      publishSecret: nodePublishSecretRef,
    });
  },
};

/** What drivers have mounted for the pods of this node, from disk. */
async function mountedData({ paths }: KubeletContext, uid: string): Promise<{ directory: string; data: VolumeData }[]> {
  const root = dirname(paths.volume(uid, 'csi', 'x'));
  const names = await readdir(root).catch(() => []);
  const found = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(join(root, name, dataFile), 'utf8').catch(() => undefined);
      return text === undefined ? [] : [{ directory: join(root, name), data: JSON.parse(text) as VolumeData }];
    }),
  );
  return found.flat();
}

async function allMounted(context: KubeletContext): Promise<{ uid: string; data: VolumeData }[]> {
  const uids = await readdir(context.paths.pods).catch(() => []);
  return (await Promise.all(uids.map(async (uid) => (await mountedData(context, uid)).map(({ data }) => ({ uid, data }))))).flat();
}

/** Names of attached volumes that pods of this node use, as the attach controller knows them. */
export async function volumesInUse(context: KubeletContext): Promise<string[]> {
  const mounted = await allMounted(context);
  return [
    ...new Set(
      mounted.filter(({ data }) => data.volumeLifecycleMode === 'Persistent').map(({ data }) => `kubernetes.io/csi/${data.driverName}^${data.volumeHandle}`),
    ),
  ].sort();
}

/** Takes back all volumes of drivers that the pod has; the last pod on the node ends the staging, too. */
export async function unmountDriverVolumes(context: KubeletContext, uid: string): Promise<void> {
  for (const { directory, data } of await mountedData(context, uid)) {
    const client = context.csi.get(data.driverName);
    await client.unpublish(data.volumeHandle, join(directory, 'mount'));
    const others = (await allMounted(context)).some(
      (other) => other.uid !== uid && other.data.driverName === data.driverName && other.data.volumeHandle === data.volumeHandle,
    );
    if (!others && data.volumeLifecycleMode === 'Persistent' && (await client.capabilities()).has('STAGE_UNSTAGE_VOLUME')) {
      const staged = stagingPath(context, data.driverName, data.volumeHandle);
      await client.unstage(data.volumeHandle, staged);
      await rmdir(staged).catch(() => {}); // a driver may have removed it, or left something in it
    }
    await rm(join(directory, dataFile), { force: true });
  }
}
