/** What clients get for what they should not have sent: codes, reasons and messages as upstream's 1.36 server answers, recorded from it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Case, checkCases } from '../support/cases.ts';
import { type RequestOptions, startTestControlPlane, type TestControlPlane } from '../support/controlplane.ts';

let cluster: TestControlPlane;
before(async () => {
  cluster = await startTestControlPlane();
  await cluster.kubectl(['create', 'configmap', 'conf', '--from-literal=a=b']);
});
after(() => cluster[Symbol.asyncDispose]());

const maps = '/api/v1/namespaces/default/configmaps';
const pods = '/api/v1/namespaces/default/pods';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const configMap = (metadata: object, rest: object = {}): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata, ...rest });
const deployment = (spec: object): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec });
const misspelt = deployment({
  selector: { matchLabels: { app: 'a' } },
  template: { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'main', image: 'web:1', imagePul: 'x' }] } },
});

const check = (cases: Record<string, Case>): Promise<void> => checkCases(cluster, cases);

const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

test('an unknown or doubled field is an error, a warning or nothing, as the client wants it', async () => {
  const unknown = 'unknown field "spec.template.spec.containers[0].imagePul"';
  const strict = `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${unknown}`;
  await check({
    strict: { request: ['POST', `${deployments}?fieldValidation=Strict`, { body: misspelt }], gets: [400, 'BadRequest', strict] },
    doubled: {
      request: ['POST', `${maps}?fieldValidation=Strict`, { body: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","name":"b"},"dat":{}}' }],
      gets: [
        400,
        'BadRequest',
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "metadata.name", unknown field "dat"',
      ],
    },
    'no such mode': {
      request: ['POST', `${maps}?fieldValidation=Maybe`, { body: configMap({ name: 'a' }) }],
      gets: [
        422,
        'Invalid',
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
      ],
    },
  });
  const warned = await cluster.request('POST', `${deployments}?fieldValidation=Warn&dryRun=All`, { body: misspelt });
  assert.deepEqual([warned.status, warned.headers['warning']], [201, `299 - ${JSON.stringify(unknown)}`]);
  const ignored = await cluster.request('POST', `${deployments}?fieldValidation=Ignore&dryRun=All`, { body: misspelt });
  assert.deepEqual([ignored.status, ignored.headers['warning']], [201, undefined]);
  const refused = await cluster.kubectl(['apply', '-f', '-'], misspelt);
  assert.deepEqual([refused.code, refused.stderr], [1, `Error from server (BadRequest): error when creating "STDIN": ${strict}\n`]);
  const told = await cluster.kubectl(['apply', '--validate=warn', '--dry-run=server', '-f', '-'], misspelt);
  assert.deepEqual([told.code, told.stderr, told.stdout], [0, `Warning: ${unknown}\n`, 'deployment.apps/web created (server dry run)\n']);
});

test('a value of the wrong type is named with its field and type', async () => {
  const handled = (kind: string, why: string): [number, string, string] => [
    400,
    'BadRequest',
    `${kind} in version "v1" cannot be handled as a ${kind}: ${why}`,
  ];
  await check({
    'text for a number': {
      request: ['POST', deployments, { body: deployment({ replicas: 'three' }) }],
      gets: handled('Deployment', 'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32'),
    },
    'a number in a map of texts': {
      request: ['POST', maps, { body: configMap({ name: 'a' }, { data: { a: 1 } }) }],
      gets: handled('ConfigMap', 'json: cannot unmarshal number into Go struct field ConfigMap.data of type string'),
    },
    'a list for a map': {
      request: ['POST', maps, { body: configMap({ name: 'a' }, { data: ['a'] }) }],
      gets: handled('ConfigMap', 'json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string'),
    },
    'an object for a list': {
      request: ['POST', pods, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { containers: { name: 'a' } } } }],
      gets: handled('Pod', 'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container'),
    },
    'no quantity': {
      request: [
        'POST',
        pods,
        {
          body: {
            apiVersion: 'v1',
            kind: 'Pod',
            metadata: { name: 'a' },
            spec: { containers: [{ name: 'a', image: 'b', resources: { limits: { cpu: 'lots' } } }] },
          },
        },
      ],
      gets: handled('Pod', "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    },
  });
});

test('names, labels and places that are wrong', async () => {
  const named = await cluster.request('POST', maps, { body: configMap({ name: 'A_b' }) });
  assert.deepEqual(named.body.details, {
    name: 'A_b',
    kind: 'ConfigMap',
    causes: [{ reason: 'FieldValueInvalid', message: `Invalid value: "A_b": ${subdomain}`, field: 'metadata.name' }],
  });
  await check({
    name: {
      request: ['POST', maps, { body: configMap({ name: 'A_b' }) }],
      gets: [422, 'Invalid', `ConfigMap "A_b" is invalid: metadata.name: Invalid value: "A_b": ${subdomain}`],
    },
    'no name': {
      request: ['POST', maps, { body: configMap({}) }],
      gets: [422, 'Invalid', 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'],
    },
    labels: {
      request: ['POST', maps, { body: configMap({ name: 'a', labels: { 'a b': 'c d' } }) }],
      gets: [422, 'Invalid', /^ConfigMap "a" is invalid: \[metadata\.labels: Invalid value: "a b": name part must .*, metadata\.labels: Invalid value: "c d"/],
    },
    'another namespace': {
      request: ['POST', maps, { body: configMap({ name: 'a', namespace: 'other' }) }],
      gets: [400, 'BadRequest', 'the namespace of the provided object does not match the namespace sent on the request'],
    },
    'another name': {
      request: ['PUT', `${maps}/conf`, { body: configMap({ name: 'a' }) }],
      gets: [400, 'BadRequest', 'the name of the object (a) does not match the name on the URL (conf)'],
    },
    'no such namespace': {
      request: ['POST', '/api/v1/namespaces/nowhere/configmaps', { body: configMap({ name: 'a' }) }],
      gets: [404, 'NotFound', 'namespaces "nowhere" not found'],
    },
    'template without the selector’s labels': {
      request: [
        'POST',
        deployments,
        { body: deployment({ selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'c' } }, spec: { containers: [] } } }) },
      ],
      gets: [
        422,
        'Invalid',
        'Deployment.apps "web" is invalid: [spec.template.metadata.labels: Invalid value: {"a":"c"}: `selector` does not match template `labels`, spec.template.spec.containers: Required value]',
      ],
    },
  });
});

test('selectors, limits, revisions and continue tokens that make no sense', async () => {
  const select = (query: string): [string, string] => ['GET', `${pods}?${query}`];
  await check({
    'label selector': {
      request: select('labelSelector=a%20b%3D%3D'),
      gets: [400, 'BadRequest', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    },
    'open parenthesis': {
      request: select('labelSelector=a%20in%20(b'),
      gets: [400, 'BadRequest', "unable to parse requirement: found '', expected: ',' or ')'"],
    },
    'field selector': { request: select('fieldSelector=spec.nothing%3Da'), gets: [400, 'BadRequest', 'field label not supported: spec.nothing'] },
    'no field selector': { request: select('fieldSelector=nonsense'), gets: [400, 'BadRequest', "invalid selector: 'nonsense'; can't understand 'nonsense'"] },
    limit: { request: select('limit=abc'), gets: [400, 'BadRequest', 'strconv.ParseInt: parsing "abc": invalid syntax'] },
    'continue token': {
      request: select('limit=1&continue=abc'),
      gets: [400, 'BadRequest', "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value"],
    },
    revision: {
      request: select('resourceVersion=abc'),
      gets: [400, 'BadRequest', 'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'],
    },
    'revision to watch from': {
      request: select('watch=1&resourceVersion=abc'),
      gets: [500, undefined, 'resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": invalid syntax'],
    },
    'match without revision': {
      request: select('resourceVersionMatch=Exact'),
      gets: [
        422,
        'Invalid',
        /^ListOptions\.meta\.k8s\.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion/,
      ],
    },
    'a revision to come': {
      request: select('resourceVersion=99999999'),
      gets: [504, 'Timeout', /^Timeout: Too large resource version: 99999999, current: \d+$/],
    },
  });
});

test('a continue token whose moment is forgotten gets 410 and another token', async () => {
  for (const name of ['first', 'second', 'third']) await cluster.request('POST', maps, { body: configMap({ name }) });
  const page = await cluster.request('GET', `${maps}?limit=1`);
  await cluster.request('DELETE', `${maps}/third`);
  await cluster.store.compact(await cluster.store.currentRevision());
  const old = await cluster.request('GET', `${maps}?limit=1&continue=${page.body.metadata?.continue}`);
  assert.deepEqual([old.status, old.body.reason], [410, 'Expired']);
  assert.match(old.body.message ?? '', /^The provided continue parameter is too old to display a consistent list result\./);
  const rest = await cluster.request('GET', `${maps}?continue=${old.body.metadata?.continue}`);
  assert.deepEqual(
    rest.body.items?.map(({ metadata }) => metadata.name),
    ['first', 'second'],
  );
});

test('updates that conflict with what stands', async () => {
  const modified = 'the object has been modified; please apply your changes to the latest version and try again';
  const conflict = `Operation cannot be fulfilled on configmaps "conf": ${modified}`;
  const uid = '11111111-1111-1111-1111-111111111111';
  const patch = (type: string, body: object): RequestOptions => ({ body, headers: { 'content-type': `application/${type}` } });
  await check({
    'it is there': { request: ['POST', maps, { body: configMap({ name: 'conf' }) }], gets: [409, 'AlreadyExists', 'configmaps "conf" already exists'] },
    'an old revision': { request: ['PUT', `${maps}/conf`, { body: configMap({ name: 'conf', resourceVersion: '1' }) }], gets: [409, 'Conflict', conflict] },
    'no revision': {
      request: ['PUT', `${maps}/conf`, { body: configMap({ name: 'conf', resourceVersion: 'x' }) }],
      gets: [500, undefined, 'strconv.ParseUint: parsing "x": invalid syntax'],
    },
    'another object of that name': {
      request: ['PUT', `${maps}/conf`, { body: configMap({ name: 'conf', uid }) }],
      gets: [409, 'Conflict', new RegExp(`configmaps "conf": StorageError: .*Precondition failed: UID in precondition: ${uid}, UID in object meta: `)],
    },
    'deletion of another': {
      request: ['DELETE', `${maps}/conf`, { body: { preconditions: { uid } } }],
      gets: [
        409,
        'Conflict',
        new RegExp(`^Operation cannot be fulfilled on ConfigMap "conf": the UID in the precondition \\(${uid}\\) does not match the UID in record`),
      ],
    },
    'a patch of an old revision': {
      request: ['PATCH', `${maps}/conf`, patch('merge-patch+json', { metadata: { resourceVersion: '1' }, data: { a: 'c' } })],
      gets: [409, 'Conflict', conflict],
    },
    'a test that fails': {
      request: ['PATCH', `${maps}/conf`, patch('json-patch+json', [{ op: 'test', path: '/data/a', value: 'z' }])],
      gets: [422, 'Invalid', 'the server rejected our request due to an error in our request'],
    },
    'no list of operations': {
      request: ['PATCH', `${maps}/conf`, patch('json-patch+json', { a: 1 })],
      gets: [400, 'BadRequest', 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp'],
    },
    'a patch of no known kind': {
      request: ['PATCH', `${maps}/conf`, patch('x-other', {})],
      gets: [415, 'UnsupportedMediaType', '415: Unsupported Media Type'],
    },
  });
  const replaced = await cluster.kubectl(['replace', '-f', '-'], configMap({ name: 'conf', resourceVersion: '1' }));
  assert.equal(replaced.stderr, `Error from server (Conflict): error when replacing "STDIN": ${conflict}\n`);
});

test('bodies that are too large, cut off, or no such object', async () => {
  const unrecognized = (why: string): [number, string, string] => [
    400,
    'BadRequest',
    `the object provided is unrecognized (must be of type ConfigMap): ${why}`,
  ];
  const large = configMap({ name: 'large' }, { data: { a: 'a'.repeat(3_200_000) } });
  await check({
    'over 3 MiB': { request: ['POST', maps, { body: large }], gets: [413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728'] },
    'more than a ConfigMap holds': {
      request: ['POST', maps, { body: configMap({ name: 'large' }, { data: { a: 'a'.repeat(1_500_000) } }) }],
      gets: [422, 'Invalid', 'ConfigMap "large" is invalid: []: Too long: may not be more than 1048576 bytes'],
    },
    'cut off': {
      request: ['POST', maps, { body: '{"apiVersion":"v1","kind":"Conf' }],
      gets: unrecognized(`couldn't get version/kind; json parse error: unexpected end of JSON input ({"apiVersion":"v1","kind":"Con ...)`),
    },
    'no JSON': {
      request: ['POST', maps, { body: 'hello' }],
      gets: unrecognized("couldn't get version/kind; json parse error: invalid character 'h' looking for beginning of value (68656c6c6f)"),
    },
    empty: { request: ['POST', maps, { body: '' }], gets: unrecognized("couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)") },
    'nothing in it': { request: ['POST', maps, { body: 'null' }], gets: [422, 'Invalid', /^ConfigMap "" is invalid: metadata\.name: Required value/] },
    'a list': { request: ['POST', maps, { body: '[]' }], gets: [400, 'BadRequest', /json: cannot unmarshal array into Go value of type struct .* \(5b5d\)$/] },
    'another kind': {
      request: ['POST', maps, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } } }],
      gets: [400, 'BadRequest', 'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): unknown conversion'],
    },
    'no YAML': {
      request: ['POST', maps, { body: 'a: [', headers: { 'content-type': 'application/yaml' } }],
      gets: [400, 'BadRequest', /: yaml: line 1: .* \(613a205b\)$/],
    },
    'a type of text that is not spoken': {
      request: ['POST', maps, { body: 'x', headers: { 'content-type': 'text/plain' } }],
      gets: [
        415,
        'UnsupportedMediaType',
        'the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
      ],
    },
    'an answer in no type that is spoken': {
      request: ['GET', maps, { headers: { accept: 'image/png' } }],
      gets: [406, 'NotAcceptable', /application\/json, application\/yaml/],
    },
  });
  const refused = await cluster.kubectl(['create', '-f', '-'], large);
  assert.match(refused.stderr, /^Error from server \(RequestEntityTooLarge\): .*Request entity too large: limit is 3145728\n$/);
});

test('paths, versions and methods that are not there', async () => {
  const nowhere: [number, string, string] = [404, 'NotFound', 'the server could not find the requested resource'];
  await check({
    version: { request: ['GET', '/apis/apps/v1beta9/namespaces/default/deployments'], gets: nowhere },
    resource: { request: ['GET', '/api/v1/namespaces/default/things'], gets: nowhere },
    object: { request: ['GET', `${maps}/nothing`], gets: [404, 'NotFound', 'configmaps "nothing" not found'] },
    method: { request: ['PUT', maps, { body: {} }], gets: [405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'] },
  });
  for (const path of ['/apis/nothing.example.com/v1/things', '/nothing']) {
    const { status, text } = await cluster.request('GET', path);
    assert.deepEqual([status, text], [404, '404 page not found\n']);
  }
  const version = await cluster.kubectl(['create', '-f', '-'], { apiVersion: 'apps/v7', kind: 'Deployment', metadata: { name: 'a' } });
  assert.match(
    version.stderr,
    /^error: resource mapping not found for name: "a" namespace: "" from "STDIN": no matches for kind "Deployment" in version "apps\/v7"/,
  );
  assert.equal((await cluster.kubectl(['get', 'things'])).stderr, 'error: the server doesn\'t have a resource type "things"\n');
  assert.equal((await cluster.kubectl(['get', 'pods', 'nothing'])).stderr, 'Error from server (NotFound): pods "nothing" not found\n');
});
