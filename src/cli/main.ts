/**
 * The command line. Options are declared here, light to load; what a command does is imported when it runs.
 * A `UserError` is one sentence on standard error and its exit code; anything else is a fault of knarr and shows its stack.
 */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { importDirectly } from '../cluster/imports.ts';
import { withApiServerFlags } from './apiserverflags.ts';
import { version } from './version.ts';

// Compiled code is kept for the next start, where nobody else can write; child processes and threads inherit it.
process.env['NODE_COMPILE_CACHE'] ??= join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'knarr');
enableCompileCache(process.env['NODE_COMPILE_CACHE']);
importDirectly();

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1 on');
  return value;
};
const port = (text: string): number => {
  const value = positive(text);
  if (value > 65535) throw new InvalidArgumentError('must be a port, 1 to 65535');
  return value;
};

const program = new Command('knarr')
  .description('A Kubernetes 1.36 cluster in one small program.')
  .showHelpAfterError('(knarr COMMAND --help shows the options)')
  .enablePositionalOptions();

const onCluster = (command: Command): Command =>
  command.option('--name <name>', 'which cluster', 'default').option('--data-dir <directory>', 'where the cluster keeps its data (default: by its name)');
const withOutput = (command: Command): Command => command.addOption(new Option('--output <format>', 'how to print').choices(['text', 'json']).default('text'));

withApiServerFlags(onCluster(program.command('up')), true)
  .description('start a cluster on this machine, or bring it back')
  .option('--port <port>', 'port of the API server', port)
  .option('--nodes <count>', 'how many nodes', positive)
  .option('--fake-nodes <count>', 'so many simulated nodes, whose pods run without containers; no others unless --nodes says so, so it needs no root', positive)
  .option('--fake-node-resources <list>', 'what each of them has, such as cpu=32,memory=256Gi,pods=110')
  .option('--fake-pod-start <duration>', 'how long their pods take to become ready (default: 0s)')
  .option('--fake-job-time <duration>', 'how long pods of Jobs run on them (default: 1s)')
  .option('--fake-pod-stop <duration>', 'how long their pods take to end when deleted (default: 0s)')
  .option('--control-plane-only', 'no nodes: an API server, controllers and a scheduler; needs no root')
  .option('--kubelet-config <file>', 'a KubeletConfiguration for all nodes of this machine; kept with the cluster')
  .option('--image-credential-provider-config <file>', 'a CredentialProviderConfig: programs that know credentials of registries')
  .option('--image-credential-provider-bin-dir <directory>', 'where those programs are')
  .option('--default-runtime <handler>', 'what runs pods without a RuntimeClass, such as crun where it is installed (default: runc)')
  .option('--isolated', 'no way out of the cluster and none in: no egress, no published node ports')
  .option('--dual-stack', 'IPv6 besides IPv4 for nodes, pods and services')
  .option('--kubeconfig <file>', "where to add the context 'knarr' (default: KUBECONFIG or ~/.kube/config; 'none' adds it nowhere)")
  .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration, kept with the cluster')
  .option('--wait <duration>', 'how long to wait until everything is ready', '120s')
  .addHelpText('after', "\nAll flags of the API server that 'knarr server --help' shows (--audit-policy-file, --runtime-config, …) are taken too, and kept.")
  .action(async (options) => (await import('./commands/up.ts')).up(options));

onCluster(program.command('down'))
  .description('stop the cluster and take back what it changed on this machine; its data stays')
  .option('--purge', 'delete its data as well')
  .action(async (options) => (await import('./commands/down.ts')).down(options));

withOutput(onCluster(program.command('explain-scheduling')))
  .description('show what each plugin of the scheduler says of a pod, node by node')
  .argument('<pod>')
  .option('-n, --namespace <namespace>', 'where the pod is', 'default')
  .option('--scheduler-config <file>', "what would be, with this KubeSchedulerConfiguration (default: the cluster's)")
  .action(async (pod, options) => (await import('./commands/explainscheduling.ts')).explainScheduling(pod, options));

withOutput(onCluster(program.command('status')))
  .description('show what runs')
  .action(async (options) => (await import('./commands/status.ts')).status(options));

withApiServerFlags(onCluster(program.command('server')))
  .description('run a control plane in the foreground')
  .option('--port <port>', 'port of the API server', port)
  .option('--listen <addresses>', 'addresses to listen on, separated by commas')
  .option('--advertise-address <address>', 'address under which nodes reach this server')
  .option('--store <store>', "'lmdb', 'memory', or etcd endpoints such as http://10.0.0.1:2379,http://10.0.0.2:2379")
  .option('--etcd-cafile <file>', 'CA of https etcd endpoints (default: those that the system trusts)')
  .option('--etcd-certfile <file>', 'client certificate for etcd')
  .option('--etcd-keyfile <file>', 'its key')
  .option('--leader-elect-lease-duration <duration>', 'servers on one etcd: how long the others wait for a leader that is silent', '15s')
  .option('--leader-elect-renew-deadline <duration>', 'a leader that can not renew its lease for so long steps down', '10s')
  .option('--leader-elect-retry-period <duration>', 'how often the lease is renewed, and tried for', '2s')
  .option('--controllers <list>', "as upstream's: '*' for all, 'name' for one, '-name' for all but one", '*')
  .option('--no-scheduler', 'run without the scheduler')
  .option('--dual-stack', 'IPv6 besides IPv4 for pods and services; for a new cluster')
  .option('--scheduler-config <file>', 'a KubeSchedulerConfiguration: profiles, plugins, extenders')
  .action(async (options) => (await import('./commands/server.ts')).server(options));

onCluster(program.command('agent'))
  .description('run a worker node in the foreground')
  .option('--server <url>', 'the API server to join')
  .option('--token <token>', "a token from 'knarr token create'")
  .option('--node <name>', 'name of this node (default: the host name)')
  .option('--config <file>', "a KubeletConfiguration (default: what 'up' was given)")
  .option('--pod-manifest-path <directory>', 'manifests of static pods (default: manifests in the data directory)')
  .option('--image-credential-provider-config <file>', 'a CredentialProviderConfig: programs that know credentials of registries')
  .option('--image-credential-provider-bin-dir <directory>', 'where those programs are')
  .option('--default-runtime <handler>', 'what runs pods without a RuntimeClass, such as crun where it is installed (default: runc)')
  .action(async (options) => (await import('./commands/agent.ts')).agent(options));

onCluster(program.command('fake-nodes'))
  .description("run simulated nodes in the foreground, as a part of 'up' or against any API server")
  .option('--kubeconfig <file>', 'of a user who may read nodes and pods and impersonate nodes')
  .option('--count <count>', 'make fake-1 … up to this one where they are missing; nodes labelled knarr.dev/simulated=true are simulated in any case', positive)
  .option('--taint', 'keep pods away that do not tolerate knarr.dev/simulated')
  .option('--fake-node-resources <list>', 'what each of them has, such as cpu=32,memory=256Gi,pods=110')
  .option('--fake-pod-start <duration>', 'how long their pods take to become ready (default: 0s)')
  .option('--fake-job-time <duration>', 'how long pods of Jobs run on them (default: 1s)')
  .option('--fake-pod-stop <duration>', 'how long their pods take to end when deleted (default: 0s)')
  .action(async (options) => (await import('./commands/fakenodes.ts')).fakeNodes(options));

const onElection = (command: Command): Command =>
  command
    .requiredOption('--kubeconfig <file>', 'how to reach the API server, and as whom')
    .option('--no-leader-elect', 'work without holding the lease: nobody else may')
    .option('--leader-elect-lease-duration <duration>', 'how long the others wait for a leader that is silent', '15s')
    .option('--leader-elect-renew-deadline <duration>', 'a leader that can not renew its lease for so long steps down', '10s')
    .option('--leader-elect-retry-period <duration>', 'how often the lease is renewed, and tried for', '2s');

onElection(program.command('controller-manager'))
  .description("run the controllers alone, against any API server; in upstream's place and with its options")
  .option('--controllers <list>', "'*' for all, 'name' for one, '-name' for all but one", '*')
  .option('--cluster-cidr <ranges>', 'ranges of pod addresses, of which nodes get a part each (default: they get none)')
  .option('--node-cidr-mask-size <bits>', 'how large that part is', positive)
  .option('--service-cluster-ip-range <ranges>', 'ranges of service addresses')
  .option('--root-ca-file <file>', 'the CA of the API server, published in every namespace')
  .option('--service-account-private-key-file <file>', 'signs the tokens of Secrets')
  .option('--cluster-signing-cert-file <file>', 'the CA that signs certificate signing requests')
  .option('--cluster-signing-key-file <file>', 'its key')
  .action(async (options) => (await import('./commands/components.ts')).controllerManager(options));

onElection(program.command('scheduler'))
  .description('run the scheduler alone, against any API server')
  .option('--config <file>', 'a KubeSchedulerConfiguration')
  .action(async (options) => (await import('./commands/components.ts')).scheduler(options));

const token = program.command('token').description('tokens with which nodes join');
withOutput(onCluster(token.command('create')))
  .description('make a token and print it')
  .option('--ttl <duration>', 'how long it is good for', '24h')
  .action(async (options) => (await import('./commands/token.ts')).createToken(options));

withOutput(onCluster(program.command('kubeconfig')))
  .description("print the administrator's kubeconfig")
  .action(async (options) => (await import('./commands/kubeconfig.ts')).kubeconfig(options));

const images = program.command('images').description('images on the nodes of this machine');
onCluster(images.command('import'))
  .description('bring an archive (docker save, OCI) to every node of the cluster on this machine')
  .argument('<file>', 'a tar archive')
  .action(async (file, options) => (await import('./commands/images.ts')).importImage(file, options));
withOutput(onCluster(images.command('list')))
  .description('show the images of every node')
  .action(async (options) => (await import('./commands/images.ts')).listImages(options));

onCluster(program.command('kubectl'))
  .description("run kubectl with the administrator's kubeconfig")
  .argument('[arguments...]')
  .passThroughOptions()
  .allowUnknownOption()
  .action(async (args, options) => (await import('./commands/kubectl.ts')).kubectl(args, options));

onCluster(program.command('logs'))
  .description("show a component's log: supervisor, server, NODE/agent, NODE/containerd")
  .argument('<component>')
  .option('-f, --follow', 'go on as lines are added')
  .action(async (component, options) => (await import('./commands/logs.ts')).logs(component, options));

const snapshot = program.command('snapshot').description('save and restore the whole state of a cluster');
onCluster(snapshot.command('save'))
  .argument('<file>')
  .description('write everything in the store to a file; the cluster may be running')
  .action(async (file, options) => (await import('./commands/snapshot.ts')).save(file, options));
onCluster(snapshot.command('restore'))
  .argument('<file>')
  .description('replace the store with a snapshot; the cluster must be down')
  .action(async (file, options) => (await import('./commands/snapshot.ts')).restore(file, options));

withOutput(program.command('version'))
  .description('print versions')
  .action(async (options: { output: string }) => {
    console.log(
      options.output === 'json' ? JSON.stringify(version, null, 2) : `knarr ${version.knarr} (Kubernetes ${version.kubernetes}, Node ${version.node})`,
    );
  });

program
  .command('supervise', { hidden: true })
  .requiredOption('--data-dir <directory>')
  .action(async (options) => (await import('./commands/supervise.ts')).superviseCommand(options));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Error && error.name === 'UserError') {
    console.error(`knarr: ${error.message}`);
    process.exitCode = 'exitCode' in error ? Number(error.exitCode) : 1;
  } else {
    throw error;
  }
}
