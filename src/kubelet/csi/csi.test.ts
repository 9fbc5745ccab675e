/** A storage driver that registers, mounts a volume and takes it back: our side against a real gRPC server. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { notFound } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import type { Client } from '../../client/client.ts';
import { type KubeletContext, kubeletPaths } from '../context.ts';
import { pod } from '../testing/pods.ts';
import { createCsiDrivers } from './drivers.ts';
import { messages } from './messages.ts';
import { mountPersistent, unmountDriverVolumes, volumesInUse } from './volume.ts';

/** Objects by `plural/name`; enough of a client for what is under test. */
function fakeClient(objects: Map<string, KubeObject>): Client {
  const resource = ({ plural }: { plural: string }) => ({
    get: async (_namespace: string, name: string) => {
      const found = objects.get(`${plural}/${name}`);
      if (!found) throw notFound({ group: '', resource: plural }, name);
      return structuredClone(found);
    },
    create: async (object: KubeObject) => void objects.set(`${plural}/${object.metadata.name}`, object),
    update: async (object: KubeObject) => void objects.set(`${plural}/${object.metadata.name}`, object),
  });
  return { resource } as unknown as Client;
}

type Calls = { method: string; request: Record<string, unknown> }[];

/** Answers on `socket`, and writes down what it is asked. */
async function driver(socket: string, calls: Calls): Promise<grpc.Server> {
  const server = new grpc.Server();
  const serve = (service: string, answers: Record<string, object>): void => {
    const scope = service.slice(0, service.lastIndexOf('.'));
    const definition: Record<string, grpc.MethodDefinition<object, object>> = {};
    const handlers: Record<string, grpc.handleUnaryCall<object, object>> = {};
    for (const [method, { requestType, responseType }] of Object.entries(messages.lookupService(service).methods)) {
      const [request, response] = [messages.lookupType(`${scope}.${requestType}`), messages.lookupType(`${scope}.${responseType}`)];
      const encode = (value: object): Buffer => Buffer.from(response.encode(response.fromObject(value)).finish());
      const decode = (bytes: Buffer): object => request.toObject(request.decode(bytes), { enums: String });
      definition[method] = {
        path: `/${service}/${method}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: encode,
        requestDeserialize: decode,
        responseSerialize: encode,
        responseDeserialize: decode,
      };
      handlers[method] = (call, done) => {
        calls.push({ method, request: call.request as Record<string, unknown> });
        done(null, answers[method] ?? {});
      };
    }
    server.addService(definition, handlers);
  };
  serve('pluginregistration.Registration', { GetInfo: { type: 'CSIPlugin', name: 'disks.example.com', endpoint: socket, supportedVersions: ['1.0.0'] } });
  serve('csi.v1.Node', {
    NodeGetInfo: { nodeId: 'node-7', maxVolumesPerNode: 16 },
    NodeGetCapabilities: { capabilities: [{ rpc: { type: 'STAGE_UNSTAGE_VOLUME' } }] },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket}`, grpc.ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve())),
  );
  return server;
}

test('a driver registers, stages and publishes a volume, and takes it back', async () => {
  const root = await mkdtemp(join(tmpdir(), 'csi-'));
  const stop = new AbortController();
  const calls: Calls = [];
  const objects = new Map<string, KubeObject>([
    ['csidrivers/disks.example.com', { metadata: { name: 'disks.example.com' }, spec: { attachRequired: false, podInfoOnMount: true } } as KubeObject],
  ]);
  const client = fakeClient(objects);
  await mkdir(join(root, 'plugins_registry'));
  const server = await driver(join(root, 'plugins_registry', 'disks-reg.sock'), calls);
  const drivers = createCsiDrivers(root, 'n1', client, pino({ enabled: false }), stop.signal);
  try {
    await drivers.start(() => 'node-uid');
    assert.deepEqual((objects.get('csinodes/n1') as unknown as { spec: object }).spec, {
      drivers: [{ name: 'disks.example.com', nodeID: 'node-7', topologyKeys: [], allocatable: { count: 16 } }],
    });
    assert.deepEqual(calls.find(({ method }) => method === 'NotifyRegistrationStatus')?.request, { pluginRegistered: true });
    assert.throws(() => drivers.get('other'), { message: 'driver name other not found in the list of registered CSI drivers' });

    const context = {
      client,
      csi: drivers,
      options: { nodeName: 'n1' },
      paths: kubeletPaths(root, join(root, 'logs')),
      signal: stop.signal,
    } as unknown as KubeletContext;
    const pv = {
      metadata: { name: 'pv1' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        mountOptions: ['noatime'],
        csi: { driver: 'disks.example.com', volumeHandle: 'vol-1', fsType: 'ext4', volumeAttributes: { tier: 'fast' } },
      },
    };
    const request = { context, pod: pod(), volume: { name: 'data' }, name: 'data', facts: { podIps: [], hostIps: [], nodeName: 'n1' }, readOnly: false };
    const mounted = await mountPersistent(request, pv, false);
    const target = join(root, 'pods/uid-1/volumes/kubernetes.io~csi/pv1/mount');
    assert.deepEqual(mounted, { path: target, readOnly: false, device: false, ownership: true });
    const stage = calls.find(({ method }) => method === 'NodeStageVolume')?.request;
    assert.deepEqual(stage?.['volumeCapability'], { mount: { fsType: 'ext4', mountFlags: ['noatime'] }, accessMode: { mode: 'SINGLE_NODE_WRITER' } });
    const publish = calls.find(({ method }) => method === 'NodePublishVolume')?.request;
    assert.deepEqual([publish?.['targetPath'], publish?.['stagingTargetPath']], [target, stage?.['stagingTargetPath']]);
    assert.deepEqual(publish?.['volumeContext'], {
      tier: 'fast',
      'csi.storage.k8s.io/pod.name': 'web',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': 'uid-1',
      'csi.storage.k8s.io/serviceAccount.name': '',
      'csi.storage.k8s.io/ephemeral': 'false',
    });
    assert.deepEqual(await volumesInUse(context), ['kubernetes.io/csi/disks.example.com^vol-1']);

    await unmountDriverVolumes(context, 'uid-1');
    assert.deepEqual(
      calls.slice(-3).map(({ method }) => method),
      ['NodeUnpublishVolume', 'NodeGetCapabilities', 'NodeUnstageVolume'],
    );
    assert.deepEqual(await volumesInUse(context), []);
    assert.deepEqual(await readdir(join(root, 'pods/uid-1/volumes/kubernetes.io~csi/pv1')), []);
  } finally {
    stop.abort();
    drivers.stop();
    server.forceShutdown();
    await rm(root, { recursive: true });
  }
});

test('a volume that has to be attached waits for its attachment', async () => {
  const stop = new AbortController();
  stop.abort();
  const objects = new Map<string, KubeObject>([['csidrivers/disks.example.com', { metadata: { name: 'disks.example.com' }, spec: {} } as KubeObject]]);
  const csi = { get: () => ({ capabilities: async () => new Set() }) };
  const context = {
    client: fakeClient(objects),
    csi,
    options: { nodeName: 'n1' },
    paths: kubeletPaths('/nonexistent', '/nonexistent'),
    signal: stop.signal,
  } as unknown as KubeletContext;
  const pv = { metadata: { name: 'pv1' }, spec: { csi: { driver: 'disks.example.com', volumeHandle: 'vol-1' } } };
  const request = { context, pod: pod(), volume: { name: 'data' }, name: 'data', facts: { podIps: [], hostIps: [], nodeName: 'n1' }, readOnly: false };
  await assert.rejects(mountPersistent(request, pv, false), /volume attachment csi-[0-9a-f]{64} is not attached yet/);
});
