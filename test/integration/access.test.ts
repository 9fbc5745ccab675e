/** Flags that say who comes in, who may do what, what is recorded, encrypted and served: on the command line, and kept by `up`. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type CommandResult, eventually, freePort, root, run } from '../e2e/cluster.ts';
import { kubectl } from '../support/kubectl.ts';
import { startServer } from '../support/server.ts';

const directory = mkdtempSync(join(tmpdir(), 'knarr-access-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const knarr = (...args: string[]): Promise<CommandResult> => run(join(root, 'knarr'), args);
async function get(url: string, token?: string): Promise<{ status: number; text: string }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(url, { headers, rejectUnauthorized: false, agent: false }, resolve).once('error', reject).end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

function good(result: CommandResult): CommandResult {
  assert.equal(result.code, 0, `${result.stdout}${result.stderr}`);
  return result;
}
const at = (name: string): string => join(directory, name);
function file(name: string, content: object | string): string {
  writeFileSync(at(name), typeof content === 'string' ? content : JSON.stringify(content));
  return at(name);
}
const configuration = (kind: string, more: object): object => ({ apiVersion: 'apiserver.config.k8s.io/v1', kind, ...more });

const key = Buffer.alloc(32, 7).toString('base64');
const encryption = (name: string): object =>
  configuration('EncryptionConfiguration', {
    resources: [{ resources: ['secrets'], providers: [{ aesgcm: { keys: [{ name, secret: key }] } }, { identity: {} }] }],
  });
const policy = file(
  'policy.yaml',
  'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules:\n- level: Metadata\n  resources: [{group: "", resources: [secrets]}]\n',
);
const tokens = file('tokens.csv', 'letmein,jane,1,viewers\n');

const flags = (name: string): string[] => [
  ...['--encryption-provider-config', file(`${name}-encryption.json`, encryption('key1'))],
  ...['--audit-policy-file', policy, '--audit-log-path', at(`${name}-audit.log`)],
  ...['--token-auth-file', tokens],
  ...[
    '--authentication-config',
    file(`${name}-authentication.json`, configuration('AuthenticationConfiguration', { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } })),
  ],
  ...[
    '--authorization-config',
    file(
      `${name}-authorization.json`,
      configuration('AuthorizationConfiguration', { authorizers: ['Node', 'RBAC'].map((type) => ({ type, name: type.toLowerCase() })) }),
    ),
  ],
  ...['--runtime-config', 'scheduling.k8s.io/v1alpha2=true'],
];

/** What the flags above bring, seen from outside. */
async function assertInForce(name: string, kubeconfig: string, store: string): Promise<void> {
  const ask = (...args: string[]): Promise<CommandResult> => kubectl(kubeconfig, args);
  good(await ask('create', 'secret', 'generic', name, '--from-literal=password=open-sesame'));
  const { stdout } = good(await ask('get', 'secret', name, '-o', 'jsonpath={.data.password}'));
  assert.equal(Buffer.from(stdout, 'base64').toString(), 'open-sesame');
  const bytes = Buffer.concat(readdirSync(store).map((one) => readFileSync(join(store, one))));
  assert.ok(bytes.includes('k8s:enc:aesgcm:v1:key1:') && !bytes.includes(Buffer.from('open-sesame').toString('base64')));
  const events = readFileSync(at(`${name}-audit.log`), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const created = events.find((event) => event.verb === 'create' && event.objectRef.name === name);
  assert.deepEqual([created.stage, created.level, created.responseStatus.code], ['ResponseComplete', 'Metadata', 201]);
  assert.match(good(await ask('api-resources', '--api-group', 'scheduling.k8s.io')).stdout, /workloads\s.*scheduling\.k8s\.io\/v1alpha2/);
}

test('a server is started with all of it', async () => {
  const dataDir = at('server');
  const server = await startServer(dataDir, flags('direct'));
  try {
    await assertInForce('direct', server.kubeconfig, join(dataDir, 'store'));
    const ask = (path: string, token?: string) => get(`https://127.0.0.1:${server.port}${path}`, token);
    assert.deepEqual([(await ask('/livez')).status, (await ask('/version')).status], [200, 401]);
    assert.match((await ask('/api/v1/namespaces/default/pods', 'letmein')).text, /User \\"jane\\" cannot list resource \\"pods\\"/);
  } finally {
    await server.stop();
  }
  // Without the keys nothing is started, and nothing is lost.
  const without = await knarr('server', '--data-dir', dataDir, '--port', String(await freePort()));
  assert.equal(without.code, 1);
  assert.match(without.stderr, /^knarr: \/registry\/core\/secrets\/.* can not be decrypted: identity transformer tried to read encrypted data\n$/m);
  const again = await startServer(dataDir, ['--encryption-provider-config', at('direct-encryption.json')]);
  assert.equal(good(await kubectl(again.kubeconfig, ['get', 'secret', 'direct', '-o', 'name'])).stdout, 'secret/direct\n');
  assert.equal(await again.stop(), 0);
});

test('a cluster keeps what it was started with, and the supervisor starts its server again with it', async () => {
  const dataDir = at('up');
  const cluster = ['--data-dir', dataDir];
  const port = String(await freePort());
  good(await knarr('up', '--control-plane-only', '--kubeconfig', 'none', '--port', port, ...cluster, ...flags('kept')));
  try {
    const kubeconfig = join(dataDir, 'admin.kubeconfig');
    await assertInForce('kept', kubeconfig, join(dataDir, 'store'));
    const serverPid = async (): Promise<number> => {
      const { processes } = JSON.parse(good(await knarr('status', '--output', 'json', ...cluster)).stdout) as { processes: { name: string; pid?: number }[] };
      return processes.find((child) => child.name === 'server')?.pid ?? 0;
    };
    const pid = await serverPid();
    process.kill(pid, 'SIGKILL');
    await eventually('the server is back', async () => {
      const now = await serverPid();
      return now !== 0 && now !== pid && (await kubectl(kubeconfig, ['get', 'secret', 'kept'])).code === 0;
    });
    assert.match(good(await kubectl(kubeconfig, ['api-resources', '--api-group', 'scheduling.k8s.io'])).stdout, /workloads/);
    const other = await knarr('up', '--kubeconfig', 'none', ...cluster, '--runtime-config', 'api/beta=true');
    assert.match(other.stderr, /^knarr: the cluster 'default' runs with another configuration of its API server/);
    // The rest stays; an empty value takes a flag back.
    good(await knarr('down', ...cluster));
    good(await knarr('up', '--kubeconfig', 'none', ...cluster, '--runtime-config', ''));
    assert.doesNotMatch(good(await kubectl(kubeconfig, ['api-resources', '--api-group', 'scheduling.k8s.io'])).stdout, /workloads/);
    good(await kubectl(kubeconfig, ['get', 'secret', 'kept']));
  } finally {
    good(await knarr('down', '--purge', ...cluster));
  }
});

test('what is wrong is said at once, with the flag, the file and the field', async () => {
  const wrong: [string[], RegExp, number?][] = [
    [
      ['--audit-policy-file', file('bad-policy.yaml', 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Some\n'), '--audit-log-path', '-'],
      /--audit-policy-file: .*bad-policy\.yaml: rules\[0\]\.level: Unsupported value: "Some"/,
    ],
    [['--authentication-config', at('none.yaml')], /--authentication-config: .*none\.yaml: ENOENT/],
    [
      ['--authorization-config', file('bad-authorization.yaml', 'kind: Other')],
      /--authorization-config: .*bad-authorization\.yaml: it is a Other of apiVersion ""/,
    ],
    [
      ['--encryption-provider-config', file('bad-encryption.json', configuration('EncryptionConfiguration', { resources: [{}] }))],
      /--encryption-provider-config: .*: \[resources\[0\]\.resources: Required value/,
    ],
    [['--runtime-config', 'example.com/v1=true'], /--runtime-config: unknown api groups example\.com\/v1/, 2],
    [['--oidc-issuer-url', 'https://example.com'], /oidc-issuer-url and oidc-client-id must be specified together/, 2],
    [['--authorization-mode', 'ABAC'], /--authorization-mode: 'ABAC' is not supported/, 2],
    [
      ['--authorization-mode', 'RBAC', '--authorization-config', at('bad-authorization.yaml')],
      /--authorization-config can not be specified when --authorization-mode/,
      2,
    ],
    [['--audit-policy-file', policy], /nothing is recorded without --audit-log-path or --audit-webhook-config-file/, 2],
    [['--anonymous-auth=maybe'], /--anonymous-auth: 'maybe' is no true or false/, 2],
    [['--service-account-signing-key-file', policy], /--service-account-signing-key-file: .*policy\.yaml: there is no PEM in it/],
  ];
  const port = String(await freePort());
  for (const [index, [args, message, code = 1]] of wrong.entries()) {
    // Both say the same; to see that, a few will do.
    for (const command of [['server'], ...(index < 3 ? [['up', '--control-plane-only', '--kubeconfig', 'none']] : [])]) {
      const result = await knarr(...command, '--data-dir', at(`wrong-${index}-${command[0]}`), '--port', port, ...args);
      assert.deepEqual([result.code, result.stderr.startsWith('knarr: ')], [code, true], `${args.join(' ')}: ${result.stdout}${result.stderr}`);
      assert.match(result.stderr, message);
    }
  }
});
