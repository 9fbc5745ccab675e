/** Starts that can't succeed: one sentence on standard error and an exit code, no stack trace, and nothing changed. */
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type CommandResult, freePort, ok, root, run } from '../e2e/cluster.ts';
import { makeDisk } from '../support/disk.ts';
import { kubectl } from '../support/kubectl.ts';
import { startServer } from '../support/server.ts';

let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'knarr-startup-'));
});
after(() => rmSync(directory, { recursive: true, force: true }));

const knarr = (...args: string[]): Promise<CommandResult> => run(join(root, 'knarr'), args, { timeoutMs: 30_000 });

function assertRefused({ code, stdout, stderr }: CommandResult, expected: RegExp, exitCode = 1): void {
  assert.match(stderr, expected);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.deepEqual([code, stdout], [exitCode, '']);
}

test('a port in use', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const { port } = holder.address() as AddressInfo;
  try {
    assertRefused(
      await knarr('server', '--data-dir', join(directory, 'port'), '--port', String(port)),
      new RegExp(`^knarr: port ${port} is in use; --port names another\n$`),
    );
    assertRefused(
      await knarr('up', '--control-plane-only', '--kubeconfig', 'none', '--data-dir', join(directory, 'port-up'), '--port', String(port)),
      new RegExp(`^knarr: port ${port} is in use on this machine; --port names another\n$`),
    );
    assert.equal(existsSync(join(directory, 'port-up/cluster.json')), false);
  } finally {
    holder.close();
  }
});

test('a data directory that another server uses', async () => {
  const dataDir = join(directory, 'taken');
  const server = await startServer(dataDir);
  try {
    assertRefused(
      await knarr('server', '--data-dir', dataDir, '--port', String(await freePort())),
      /^knarr: the store in .*taken\/store is in use by another process\n$/,
    );
  } finally {
    assert.equal(await server.stop(), 0);
  }
});

test('a data directory of a newer knarr, or one whose description is damaged', async () => {
  const newer = join(directory, 'newer');
  mkdirSync(newer);
  writeFileSync(join(newer, 'VERSION'), '99\n');
  assertRefused(
    await knarr('server', '--data-dir', newer),
    /^knarr: the data directory .*newer was written by a newer knarr \(format 99, this one knows \d+\); it was left as it is\n$/,
  );
  assert.deepEqual(readdirSync(newer), ['VERSION']);
  const damaged = join(directory, 'damaged');
  mkdirSync(damaged);
  writeFileSync(join(damaged, 'VERSION'), '1\n');
  writeFileSync(join(damaged, 'cluster.json'), '{"name":');
  assertRefused(await knarr('server', '--data-dir', damaged), /^knarr: .*damaged\/cluster\.json is damaged: /);
});

test('a data directory below a file', async () => {
  writeFileSync(join(directory, 'file'), '');
  assertRefused(
    await knarr('server', '--data-dir', join(directory, 'file/data')),
    /^knarr: can't write to the data directory .*: a part of its path is a file\n$/,
  );
});

test('a data directory without write permission', async () => {
  const locked = join(directory, 'locked');
  mkdirSync(locked);
  chmodSync(locked, 0o555);
  // Root may write anywhere, but for this capability.
  const bound = '--bounding-set=-dac_override,-dac_read_search';
  const confined = await run('setpriv', [bound, join(root, 'knarr'), 'server', '--data-dir', join(locked, 'data')]);
  assertRefused(confined, /^knarr: can't write to the data directory .*: you may not write there\n$/);
});

test('a read-only file system, and one without space', async () => {
  const mounted = join(directory, 'mounted');
  mkdirSync(mounted);
  await ok('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', mounted]);
  try {
    await ok('mount', ['-o', 'remount,ro', mounted]);
    assertRefused(await knarr('server', '--data-dir', join(mounted, 'data')), /^knarr: can't write to the data directory .*: its file system is read-only\n$/);
    await ok('mount', ['-o', 'remount,rw', mounted]);
    await run('sh', ['-c', `cat /dev/zero >${mounted}/filler`]);
    assertRefused(
      await knarr('server', '--data-dir', join(mounted, 'data')),
      /^knarr: can't write to the data directory .*: there is no space left on its disk\n$/,
    );
  } finally {
    await ok('umount', [mounted]);
  }
});

test('a disk that fills up under a server: writes fail as such, reads go on, and room helps', async () => {
  await using disk = await makeDisk(64);
  const server = await startServer(join(disk.path, 'data'), ['--controllers', '', '--no-scheduler']);
  const create = (name: string): Promise<CommandResult> =>
    kubectl(server.kubeconfig, ['create', '-f', '-'], { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'a'.repeat(500_000) } });
  try {
    assert.equal((await create('fits')).code, 0);
    await run('sh', ['-c', `cat /dev/zero >${disk.path}/filler`]);
    let refused: CommandResult | undefined;
    for (let index = 0; index < 20 && refused === undefined; index++) {
      const result = await create(`more-${index}`);
      if (result.code !== 0) refused = result;
    }
    assert.match(refused?.stderr ?? '', /no space left/);
    assert.equal((await kubectl(server.kubeconfig, ['get', 'configmap', 'fits'])).code, 0);
    rmSync(join(disk.path, 'filler'));
    assert.equal((await create('fits-again')).code, 0);
  } finally {
    await server.stop();
  }
});

test('options and commands that are not there', async () => {
  assertRefused(await knarr('server', '--prot', '1'), /^error: unknown option '--prot'\n\(Did you mean --port\?\)/);
  assertRefused(await knarr('server', '--port', 'http'), /^error: option '--port <port>' argument 'http' is invalid\. must be a whole number from 1 on/);
  assertRefused(await knarr('server', '--port', '70000'), /must be a port, 1 to 65535/);
  assertRefused(await knarr('server', 'extra'), /^error: too many arguments/);
  assertRefused(await knarr('serve'), /^error: unknown command 'serve'\n\(Did you mean server\?\)/);
  assertRefused(await knarr('up', '--nodes', '0'), /must be a whole number from 1 on/);
  assertRefused(
    await knarr('server', '--store', 'mysql', '--data-dir', join(directory, 'store')),
    /^knarr: --store: 'mysql' is none of 'lmdb', 'memory' and etcd endpoints/,
    2,
  );
  assertRefused(await knarr('server', '--listen', 'here', '--data-dir', join(directory, 'listen')), /^knarr: 'here' is no IP address\n$/, 2);
  assertRefused(await knarr('up', '--wait', 'soon', '--data-dir', join(directory, 'wait')), /^knarr: 'soon' is not a duration; write 90s, 2m or 1h30m\n$/, 2);
  assertRefused(
    await knarr('server', '--controllers', 'nothing', '--data-dir', join(directory, 'controllers'), '--port', String(await freePort())),
    /^knarr: --controllers: "nothing" is not in the list of known controllers\. There are: bootstrap-signer-controller, [a-z, -]+\n$/,
    2,
  );
});
