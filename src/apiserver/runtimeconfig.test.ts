import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinKinds } from '../api/index.ts';
import { parseRuntimeConfig } from './runtimeconfig.ts';
import { startTestServer } from './testing/server.ts';

const served = (text: string, version: string): string[] => {
  const enabled = parseRuntimeConfig(text, builtinKinds);
  const names = builtinKinds.filter((kind) => `${kind.group}/${kind.version}` === version && enabled(kind)).map(({ plural }) => plural);
  return [...new Set(names)].sort();
};

test('versions are off and on by stage, by version and by resource, the narrower outweighing', () => {
  assert.deepEqual(served('', 'resource.k8s.io/v1beta1'), []);
  assert.deepEqual(served('api/beta=true', 'resource.k8s.io/v1beta1'), ['deviceclasses', 'resourceclaims', 'resourceclaimtemplates', 'resourceslices']);
  assert.deepEqual(served('api/beta=true', 'scheduling.k8s.io/v1alpha2'), []);
  assert.deepEqual(served('api/all=true,api/alpha=false', 'scheduling.k8s.io/v1alpha2'), []);
  assert.deepEqual(served('api/all=true', 'scheduling.k8s.io/v1alpha2'), ['podgroups', 'workloads']);
  assert.deepEqual(served('scheduling.k8s.io/v1alpha2', 'scheduling.k8s.io/v1alpha2'), ['podgroups', 'workloads']);
  assert.deepEqual(served('scheduling.k8s.io/v1alpha2/workloads=true', 'scheduling.k8s.io/v1alpha2'), ['workloads']);
  assert.deepEqual(served('api/alpha=true,scheduling.k8s.io/v1alpha2/workloads=false', 'scheduling.k8s.io/v1alpha2'), ['podgroups']);
  assert.deepEqual(served('batch/v1=false,batch/v1/jobs=1', 'batch/v1'), ['jobs']);
  assert.ok(served('api/all=false,batch/v1=true', '/v1').includes('pods'));
});

test('what there is not, and what is no truth value, is refused', () => {
  for (const [text, message] of [
    ['api/all=false', 'invalid runtime-config with only api/all=false'],
    ['example.com/v1=true,foo/v1=true', 'unknown api groups example.com/v1,foo/v1'],
    ['apps/v7=true', 'group version apps/v7 that has not been registered'],
    ['apps/v1=maybe', 'invalid value of apps/v1: maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax'],
    ['api/beta=yes', 'invalid value api/beta=yes'],
    ['apps/v1/Deployments=true', 'invalid key apps/v1/Deployments: group/version/resource and resource is always lowercase plural, not "Deployments"'],
    ['apps', 'invalid key apps'],
  ] as const) {
    assert.throws(() => parseRuntimeConfig(text, builtinKinds), { message });
  }
});

test('what is switched on is served, discovered and described; what is switched off is gone', async () => {
  await using running = await startTestServer({ enable: parseRuntimeConfig('scheduling.k8s.io/v1alpha2=true,apps/v1=false', builtinKinds) });
  const { request } = running;
  const workload = {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'Workload',
    metadata: { name: 'w' },
    spec: { podGroupTemplates: [{ name: 'g', schedulingPolicy: { basic: {} } }] },
  };
  const created = await request('POST', '/apis/scheduling.k8s.io/v1alpha2/namespaces/default/workloads', workload);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  const { body } = await request('GET', '/apis');
  const versions = body.groups.flatMap((group: { versions: { groupVersion: string }[] }) => group.versions.map(({ groupVersion }) => groupVersion));
  assert.ok(versions.includes('scheduling.k8s.io/v1alpha2') && versions.includes('scheduling.k8s.io/v1') && !versions.includes('apps/v1'));
  const { body: index } = await request('GET', '/openapi/v3');
  assert.ok('apis/scheduling.k8s.io/v1alpha2' in index.paths && !('apis/apps/v1' in index.paths));
  assert.equal((await request('GET', '/apis/apps/v1/deployments')).status, 404);
});
