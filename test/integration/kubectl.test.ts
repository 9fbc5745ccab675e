/** Everyday kubectl 1.36 against a control plane: what it prints and what it does. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { eventually, root } from '../e2e/cluster.ts';
import { startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

let cluster: TestControlPlane;
before(async () => {
  cluster = await startTestControlPlane({ controllers: ['*'], scheduler: false });
});
after(() => cluster[Symbol.asyncDispose]());

/** What kubectl prints; it must succeed. */
async function says(args: readonly string[], input?: string | object): Promise<string> {
  const { code, said } = await cluster.kubectl(args, input);
  assert.equal(code, 0, `kubectl ${args.join(' ')}: ${said}`);
  return said.trimEnd();
}
const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());
const columns = (line: string | undefined): string[] => (line ?? '').split(/\s{2,}/);

const web = (image: string, replicas = 2): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image, ports: [{ containerPort: 80 }] }] } },
  },
});

/** Changes that come before the controller has looked share a revision. */
const revision = (number: string): Promise<true> =>
  eventually(`revision ${number}`, async () => {
    const said = await says(['get', 'deployment', 'web', '-o', 'jsonpath={.metadata.annotations.deployment\\.kubernetes\\.io/revision}']);
    return said === number;
  });

test('apply creates, leaves alone, shows the difference, and changes', async () => {
  assert.equal(await says(['apply', '-f', '-'], web('web:1')), 'deployment.apps/web created');
  assert.equal(await says(['apply', '-f', '-'], web('web:1')), 'deployment.apps/web unchanged');
  await revision('1');
  const diff = await cluster.kubectl(['diff', '-f', '-'], web('web:2'));
  assert.equal(diff.code, 1, diff.said);
  assert.match(diff.stdout, /^-\s+- image: web:1\n\+\s+- image: web:2$/m);
  assert.equal(await says(['apply', '-f', '-'], web('web:2')), 'deployment.apps/web configured');
  await revision('2');
  assert.equal((await cluster.kubectl(['diff', '-f', '-'], web('web:2'))).code, 0);
  assert.equal(await says(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']), 'web:2');
});

test('get prints the columns of a kind, wide ones too, and every other form', async () => {
  const wide = lines(await says(['get', 'deployments', '-o', 'wide']));
  assert.deepEqual(columns(wide[0]).slice(0, 5), ['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE']);
  assert.deepEqual(columns(wide[0]).slice(5), ['CONTAINERS', 'IMAGES', 'SELECTOR']);
  assert.deepEqual([columns(wide[1])[0], ...columns(wide[1]).slice(5)], ['web', 'main', 'web:2', 'app=web']);
  await eventually('pods are made', async () => (await says(['get', 'pods', '-l', 'app=web', '-o', 'name'])).split('\n').length >= 2);
  const pods = lines(await says(['get', 'pods', '-o', 'wide']));
  assert.deepEqual(columns(pods[0]), ['NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE', 'IP', 'NODE', 'NOMINATED NODE', 'READINESS GATES']);
  assert.deepEqual(columns(pods[1]).slice(1, 4), ['0/1', 'Pending', '0']);
  assert.match(await says(['get', 'deployment', 'web', '-o', 'yaml']), /^apiVersion: apps\/v1\nkind: Deployment\n/);
  assert.match(await says(['get', 'all']), /^service\/kubernetes +ClusterIP +10\.96\.0\.1 /m);
  assert.deepEqual(lines(await says(['get', 'deploy', '-o', 'custom-columns=N:.metadata.name,R:.spec.replicas'])), ['N     R', 'web   2']);
  assert.equal(await says(['get', 'pods', '-n', 'kube-public']), 'No resources found in kube-public namespace.');
});

test('get --watch prints what is there and each change', async () => {
  const watch = spawn(join(root, '.cache/tools/kubectl'), ['--kubeconfig', cluster.kubeconfig, 'get', 'configmaps', '--watch', '--no-headers', '-o', 'name']);
  let said = '';
  watch.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise((resolve) => watch.once('exit', resolve));
  try {
    await eventually('it lists', async () => said.includes('configmap/kube-root-ca.crt'));
    await says(['create', 'configmap', 'watched', '--from-literal=a=b']);
    await eventually('the creation', async () => said.split('configmap/watched').length === 2);
    await says(['label', 'configmap', 'watched', 'x=y']);
    await eventually('the change', async () => said.split('configmap/watched').length === 3);
    await says(['delete', 'configmap', 'watched']);
    await eventually('the deletion', async () => said.split('configmap/watched').length === 4);
  } finally {
    watch.kill();
    await ended;
  }
});

test('label, annotate, patch in its three ways, set, edit', async () => {
  await says(['create', 'configmap', 'conf', '--from-literal=a=b']);
  const field = (path: string): Promise<string> => says(['get', 'configmap', 'conf', '-o', `jsonpath={${path}}`]);
  assert.equal(await says(['label', 'configmap', 'conf', 'tier=front']), 'configmap/conf labeled');
  assert.match((await cluster.kubectl(['label', 'configmap', 'conf', 'tier=back'])).stderr, /'tier' already has a value \(front\), and --overwrite is false/);
  await says(['label', '--overwrite', 'configmap', 'conf', 'tier=back']);
  assert.equal(await says(['label', 'configmap', 'conf', 'tier-']), 'configmap/conf unlabeled');
  assert.equal(await says(['annotate', 'configmap', 'conf', 'note=some text']), 'configmap/conf annotated');
  assert.equal(await field('.metadata.annotations.note'), 'some text');
  await says(['patch', 'configmap', 'conf', '--type=merge', '-p', '{"data":{"a":"c"}}']);
  await says(['patch', 'configmap', 'conf', '--type=json', '-p', '[{"op":"add","path":"/data/d","value":"e"}]']);
  assert.equal(await field('.data'), '{"a":"c","d":"e"}');
  await says(['patch', 'deployment', 'web', '-p', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"side:1"}]}}}}']);
  const names = ['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[*].name}'];
  assert.deepEqual((await says(names)).split(' ').sort(), ['main', 'side']);
  assert.equal(await says(['set', 'image', 'deployment/web', 'main=web:3']), 'deployment.apps/web image updated');
  const editor = join(cluster.directory, 'editor');
  writeFileSync(editor, '#!/bin/sh\nsed -i "s/a: c/a: edited/" "$1"\n', { mode: 0o755 });
  const edited = await cluster.kubectl(['edit', 'configmap', 'conf'], undefined, { KUBE_EDITOR: editor });
  assert.equal(edited.stdout, 'configmap/conf edited\n', edited.said);
  assert.equal(await field('.data.a'), 'edited');
});

test('describe tells of an object, what it owns, and its events', async () => {
  const text = await says(['describe', 'deployment', 'web']);
  assert.match(text, /^Name: +web$/m);
  assert.match(text, /^Replicas: +2 desired \| /m);
  assert.match(text, /^ +Image: +web:3$/m);
  assert.match(text, /^Events:$/m);
  assert.match(text, /Normal +ScalingReplicaSet +.*deployment-controller +Scaled up replica set web-/);
  assert.match(await says(['describe', 'pods', '-l', 'app=web']), /^Status: +Pending$/m);
  assert.match(await says(['describe', 'service', 'kubernetes']), /^IP: +10\.96\.0\.1$/m);
  assert.match(await says(['describe', 'namespace', 'default']), /^Status: +Active$/m);
});

test('explain knows every field, with its type and its text', async () => {
  const container = await says(['explain', 'pod.spec.containers']);
  assert.match(container, /^KIND: +Pod\nVERSION: +v1\n\nFIELD: containers <\[\]Container>\n/);
  assert.match(container, /^ {2}image\t<string>\n {4}Container image name\. More info:$/m);
  assert.match(container, /produce the string literal "\$\(VAR_NAME\)"/);
  for (const [kind, group] of [
    ['pods', ''],
    ['deployments', 'GROUP:      apps\n'],
  ] as const) {
    const recursive = await says(['explain', kind, '--recursive']);
    assert.ok(recursive.startsWith(`${group}KIND:       `), recursive.slice(0, 80));
    assert.match(recursive, /^ +terminationGracePeriodSeconds\t<integer>$/m);
    assert.ok(recursive.split('\n').length > 500, `${recursive.split('\n').length} lines`);
  }
  assert.match((await cluster.kubectl(['explain', 'pods.spec.nothing'])).stderr, /field "nothing" does not exist/);
});

test('api-resources, api-versions, version, cluster-info', async () => {
  const resources = lines(await says(['api-resources', '--no-headers']));
  assert.ok(resources.some((line) => /^deployments +deploy +apps\/v1 +true +Deployment$/.test(line)));
  assert.ok(resources.some((line) => /^nodes +no +v1 +false +Node$/.test(line)));
  assert.ok(resources.length > 55, `${resources.length} resources`);
  assert.ok(lines(await says(['api-versions'])).includes('rbac.authorization.k8s.io/v1'));
  assert.match(await says(['version']), /^Server Version: v1\.36\./m);
  assert.match(await says(['cluster-info']), /is running at/);
});

test('auth can-i and whoami know users, groups and verbs', async () => {
  assert.equal((await cluster.kubectl(['auth', 'can-i', 'delete', 'nodes'])).stdout, 'yes\n');
  const no = await cluster.kubectl(['auth', 'can-i', 'get', 'secrets', '--as=jane']);
  assert.deepEqual([no.code, no.stdout], [1, 'no\n']);
  await says(['create', 'role', 'reader', '--verb=get,list', '--resource=pods']);
  await says(['create', 'rolebinding', 'jane-reads', '--role=reader', '--user=jane']);
  await eventually('jane may', async () => (await cluster.kubectl(['auth', 'can-i', 'list', 'pods', '--as=jane'])).stdout === 'yes\n');
  assert.match(await says(['auth', 'can-i', '--list', '--as=jane']), /^pods +\[\] +\[\] +\[get list\]$/m);
  assert.match(await says(['auth', 'whoami', '--as=jane', '--as-group=readers']), /^Username +jane$/m);
});

test('scale, autoscale, expose; rollout history, pause, undo, restart', async () => {
  assert.equal(await says(['scale', 'deployment', 'web', '--replicas=3']), 'deployment.apps/web scaled');
  await eventually('three pods', async () => (await says(['get', 'deployment', 'web', '-o', 'jsonpath={.status.replicas}'])) >= '3');
  const wrong = await cluster.kubectl(['scale', 'deployment', 'web', '--current-replicas=9', '--replicas=1']);
  assert.match(wrong.stderr, /^error: Expected replicas to be 9, was 3/);
  assert.equal(await says(['expose', 'deployment', 'web', '--port=80']), 'service/web exposed');
  const history = lines(await says(['rollout', 'history', 'deployment/web']));
  assert.deepEqual([history[0], columns(history[1])], ['deployment.apps/web', ['REVISION', 'CHANGE-CAUSE']]);
  assert.ok(history.length >= 5, history.join('\n'));
  assert.equal(await says(['rollout', 'pause', 'deployment/web']), 'deployment.apps/web paused');
  assert.equal(await says(['rollout', 'resume', 'deployment/web']), 'deployment.apps/web resumed');
  assert.equal((await cluster.kubectl(['rollout', 'undo', 'deployment/web', '--to-revision=2'])).stdout, 'deployment.apps/web rolled back\n');
  assert.equal(await says(['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[*].image}']), 'web:2');
  assert.equal(await says(['rollout', 'restart', 'deployment/web']), 'deployment.apps/web restarted');
  const status = await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=1s']);
  assert.match(status.said, /^Waiting for deployment "web" rollout to finish: .*\nerror: timed out waiting for the condition\n$/s);
});

test('server-side apply takes, refuses and forces fields, and tells whose they are', async () => {
  const object = (value: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'shared' }, data: { a: value, b: value } });
  const apply = (manager: string, value: string, ...more: string[]): ReturnType<typeof cluster.kubectl> =>
    cluster.kubectl(['apply', '--server-side', '--field-manager', manager, ...more, '-f', '-'], object(value));
  assert.equal((await apply('one', '1')).stdout, 'configmap/shared serverside-applied\n');
  const refused = await apply('two', '2');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /^error: Apply failed with 2 conflicts: conflicts with "one":\n- \.data\.a\n- \.data\.b\nPlease review the fields above--they currently have other managers\./,
  );
  assert.equal((await apply('two', '2', '--force-conflicts')).stdout, 'configmap/shared serverside-applied\n');
  assert.equal(await says(['get', 'configmap', 'shared', '-o', 'jsonpath={.metadata.managedFields[*].manager}']), 'two');
  assert.equal((await apply('three', '2')).code, 0);
  // Entries are sorted by time in whole seconds and then by manager: either order is right.
  const managers = await says(['get', 'configmap', 'shared', '-o', 'jsonpath={.metadata.managedFields[*].manager}']);
  assert.deepEqual(managers.split(' ').sort(), ['three', 'two']);
});

test('wait sees conditions, fields and deletions', async () => {
  await says(['create', 'configmap', 'waited']);
  const patched = cluster.kubectl(['wait', 'configmap/waited', '--for=jsonpath={.data.done}=yes', '--timeout=20s']);
  await says(['patch', 'configmap', 'waited', '-p', '{"data":{"done":"yes"}}']);
  assert.equal((await patched).stdout, 'configmap/waited condition met\n');
  const deleted = cluster.kubectl(['wait', 'configmap/waited', '--for=delete', '--timeout=20s']);
  await says(['delete', 'configmap', 'waited', '--wait=false']);
  assert.equal((await deleted).code, 0, (await deleted).said);
  const never = await cluster.kubectl(['wait', 'deployment/web', '--for=condition=Available', '--timeout=1s']);
  assert.deepEqual([never.code, never.stderr], [1, 'error: timed out waiting for the condition on deployments/web\n']);
});

test('delete takes dependants along, keeps them, or goes after them', async () => {
  const make = async (name: string): Promise<void> => {
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'main', image: 'a' }] } };
    await says(['apply', '-f', '-'], {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, labels },
      spec: { replicas: 2, selector: { matchLabels: labels }, template },
    });
    await eventually('its pods', async () => (await pods(name)).length === 2);
  };
  const pods = async (name: string): Promise<string[]> =>
    (await says(['get', 'pods', '-l', `app=${name}`, '-o', 'name'])).split('\n').filter((line) => line.startsWith('pod/'));
  await Promise.all(['orphaning', 'background', 'foreground'].map(make));
  assert.equal(await says(['delete', 'replicaset', 'orphaning', '--cascade=orphan']), 'replicaset.apps "orphaning" deleted from default namespace');
  await says(['delete', 'replicaset', 'background']);
  await says(['delete', 'replicaset', 'foreground', '--cascade=foreground', '--timeout=30s']);
  assert.deepEqual(await pods('foreground'), []);
  await eventually('the collector is done', async () => (await pods('background')).length === 0);
  assert.equal((await pods('orphaning')).length, 2);
  const owners = await says(['get', 'pods', '-l', 'app=orphaning', '-o', 'jsonpath={.items[*].metadata.ownerReferences}']);
  assert.equal(owners, '');
});
