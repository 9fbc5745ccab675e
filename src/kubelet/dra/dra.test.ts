import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import type { Pod, PodSpec, PodStatus } from '../../api/core/v1/types.gen.ts';
import type { ResourceClaim } from '../../api/resource/v1/types.gen.ts';
import { notFound } from '../../apimachinery/errors.ts';
import type { Client } from '../../client/client.ts';
import { createCsiDrivers } from '../csi/drivers.ts';
import { startDriver as startTestDriver, type TestDriver } from '../testing/dradriver.ts';
import { container, pod } from '../testing/pods.ts';
import { createPodClaims } from './claims.ts';
import { createDraDrivers } from './drivers.ts';

const name = 'gpu.example.com';
const log = pino({ enabled: false });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dra-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

async function startDriver(t: TestContext, directory: string, supportedVersions?: string[]): Promise<TestDriver> {
  const driver = await startTestDriver({
    name,
    socket: join(directory, 'dra.sock'),
    announce: join(directory, 'plugins_registry', 'dra.sock'),
    ...(supportedVersions ? { supportedVersions } : {}),
    devices: [
      { requestNames: ['one'], poolName: 'n1', deviceName: 'd0', cdiDeviceIds: ['gpu.example.com/gpu=0'] },
      { requestNames: ['two'], poolName: 'n1', deviceName: 'd1', cdiDeviceIds: ['gpu.example.com/gpu=1'], shareId: 's' },
    ],
  });
  t.after(driver.stop);
  return driver;
}

const claimOf = (claim: string, more: Partial<ResourceClaim['metadata']> = {}, users = ['uid-1', 'uid-2'], drivers = [name]): ResourceClaim => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name: claim, namespace: 'default', uid: `claim-${claim}`, ...more },
  spec: {},
  status: {
    reservedFor: users.map((uid) => ({ resource: 'pods', name: 'web', uid })),
    allocation: { devices: { results: drivers.map((driver) => ({ driver, device: 'd0', pool: 'n1', request: 'one' })) } },
  },
});

/** A kubelet's side of it, for claims as the API has them. */
function node(t: TestContext, directory: string, claims: ResourceClaim[] = [], wipeMs = 60_000) {
  const over = new AbortController();
  const wiped: string[] = [];
  const csiNode = { metadata: { name: 'n1' }, spec: { drivers: [] } };
  const client = {
    resource: ({ plural }: { plural: string }) => ({
      get: async (_: string, wanted: string) => {
        if (plural === 'csinodes') return csiNode;
        const found = claims.find(({ metadata }) => metadata.name === wanted);
        if (!found) throw notFound({ group: 'resource.k8s.io', resource: plural }, wanted);
        return found;
      },
      deleteCollection: async (_: string, { fieldSelector }: { fieldSelector: string }) => void wiped.push(fieldSelector),
    }),
  } as unknown as Client;
  const drivers = createDraDrivers({ client, nodeName: 'n1', log, signal: over.signal, wipeMs });
  t.after(() => {
    over.abort();
    drivers.stop();
  });
  const watch = () => createCsiDrivers(directory, 'n1', client, log, over.signal, [drivers]).start(() => 'uid');
  return { drivers, wiped, watch, claims: createPodClaims({ client, file: join(directory, 'dra_manager_state'), driver: drivers.get }) };
}

const user = (spec: Partial<PodSpec>, status: PodStatus = {}, uid = 'uid-1'): Pod => ({ ...pod(spec, { uid }), status });
const using = (...requests: (string | undefined)[]) =>
  container('main', { resources: { claims: requests.map((request) => ({ name: 'gpu', ...(request ? { request } : {}) })) } });

test('what is allocated is prepared once for all of its pods, and taken back after the last', async (t) => {
  const directory = await place(t);
  const { calls } = await startDriver(t, directory);
  const first = node(t, directory, [claimOf('shared')]);
  await first.watch();
  const spec = { resourceClaims: [{ name: 'gpu', resourceClaimName: 'shared' }] };
  await first.claims.prepare(user(spec));
  await first.claims.prepare(user(spec, {}, 'uid-2'));
  assert.deepEqual(calls, ['v1.DRAPlugin prepare shared']);
  assert.deepEqual(first.claims.devicesOf(user(spec), using(undefined)), ['gpu.example.com/gpu=0', 'gpu.example.com/gpu=1']);
  assert.deepEqual(first.claims.devicesOf(user(spec), using('two')), ['gpu.example.com/gpu=1']);
  assert.deepEqual(first.claims.devicesOf(user(spec), container('other')), []);
  assert.deepEqual(first.claims.heldBy(user(spec), using('one'))[0]?.drivers[name]?.[1]?.shareId, 's');
  await first.claims.unprepare('uid-1');
  assert.equal(calls.length, 1);

  const next = node(t, directory, [claimOf('shared')]);
  await next.watch();
  assert.deepEqual(next.claims.devicesOf(user(spec, {}, 'uid-2'), using('one')), ['gpu.example.com/gpu=0'], 'a kubelet that starts knows what there was');
  assert.deepEqual(await next.claims.reconcile(new Set(['uid-1', 'uid-2'])), []);
  assert.equal(calls.length, 1);
  assert.deepEqual(await next.claims.reconcile(new Set()), []);
  assert.deepEqual(calls.slice(1), ['v1.DRAPlugin unprepare shared']);
});

test('claims of templates and for extended resources reach the containers that ask for them', async (t) => {
  const directory = await place(t);
  const { calls } = await startDriver(t, directory, ['v1beta1.DRAPlugin']);
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: 'uid-1', controller: true };
  const { claims, watch } = node(t, directory, [claimOf('made', { ownerReferences: [owner] }), claimOf('extended')]);
  await watch();
  const status: PodStatus = {
    resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'made' }, { name: 'none' }],
    extendedResourceClaimStatus: {
      resourceClaimName: 'extended',
      requestMappings: [{ containerName: 'main', resourceName: 'example.com/gpu', requestName: 'two' }],
    },
  };
  const resourceClaims = ['gpu', 'none'].map((one) => ({ name: one, resourceClaimTemplateName: 'template' }));
  const own = user({ resourceClaims }, status);
  await claims.prepare(own);
  assert.deepEqual(calls, ['v1beta1.DRAPlugin prepare made,extended']);
  assert.deepEqual(claims.devicesOf(own, using('one')), ['gpu.example.com/gpu=0']);
  const counted = container('main', { resources: { requests: { 'example.com/gpu': '1' } } });
  assert.deepEqual(claims.devicesOf(own, counted), ['gpu.example.com/gpu=1']);
  assert.deepEqual(claims.devicesOf(own, { ...counted, name: 'other' }), []);
});

test('a pod waits in the words of upstream', async (t) => {
  const directory = await place(t);
  const { calls, state } = await startDriver(t, directory);
  const unallocated = claimOf('early');
  delete unallocated.status?.allocation;
  const away = claimOf('away', {}, ['uid-1'], ['other.example.com']);
  const { claims, watch } = node(t, directory, [claimOf('good'), claimOf('foreign', {}, ['uid-9']), unallocated, away]);
  const refused = (spec: PodSpec['resourceClaims'], why: string, status: PodStatus = {}) =>
    assert.rejects(claims.prepare(user({ resourceClaims: spec ?? [] }, status)), { message: `prepare dynamic resources: ${why}` });
  const named = (resourceClaimName: string) => [{ name: 'gpu', resourceClaimName }];
  await refused(named('good'), `DRA driver ${name} is not registered`);
  await watch();
  await refused(named('absent'), 'fetch ResourceClaim absent: resourceclaims.resource.k8s.io "absent" not found');
  await refused(named('foreign'), 'pod web (uid-1) is not allowed to use ResourceClaim foreign (claim-foreign)');
  await refused(named('early'), 'ResourceClaim early: not allocated');
  await refused(named('away'), 'DRA driver other.example.com is not registered');
  const template = [{ name: 'gpu', resourceClaimTemplateName: 'template' }];
  await refused(template, 'pod "default/web": ResourceClaim not created yet');
  await refused(template, 'ResourceClaim default/good was not created for Pod default/web (Pod is not owner)', {
    resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'good' }],
  });
  assert.deepEqual(calls, []);
  await claims.unprepare('uid-1');
  assert.deepEqual(calls, [], 'nothing has been prepared: no driver is needed');
  state.error = 'no power';
  await refused(named('good'), 'NodePrepareResources failed for ResourceClaim good: no power');
  await assert.rejects(claims.unprepare('uid-1'), { message: 'unprepare dynamic resources: NodeUnprepareResources failed for ResourceClaim good: no power' });
  state.error = '';
  await claims.unprepare('uid-1');
});

test("a driver's slices go when it does not come back, and a driver of another age is told so", async (t) => {
  const directory = await place(t);
  const driver = await startDriver(t, directory);
  const { drivers, wiped, watch } = node(t, directory, [], 1);
  await drivers.start();
  assert.deepEqual(wiped, ['spec.nodeName=n1']);
  await watch();
  await until(() => driver.state.told !== undefined);
  assert.deepEqual(driver.state.told, { pluginRegistered: true, error: '' });
  await driver.stop();
  await until(() => wiped.includes(`spec.nodeName=n1,spec.driver=${name}`));

  const elsewhere = await place(t);
  const old = await startDriver(t, elsewhere, ['v1alpha3.Node']);
  await node(t, elsewhere).watch();
  const why = 'none of services supported by the plugin (["v1alpha3.Node"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])';
  assert.equal(old.state.told?.error, `invalid supported gRPC versions of DRA driver plugin ${name} at endpoint ${join(elsewhere, 'dra.sock')}: ${why}`);
});
