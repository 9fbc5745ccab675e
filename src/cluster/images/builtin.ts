/** The images that a cluster needs and can make by itself: the sandbox's, and a small one around the machine's static busybox. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type ImageEntry, imageArchive } from './archive.ts';
import { pauseProgram } from './pause.ts';

/** The name that upstream 1.36 gives its sandbox image. */
export const pauseImageName = 'registry.k8s.io/pause:3.10.2';

const busyboxPath = '/bin/busybox';

function busyboxEntries(): ImageEntry[] {
  const applets = execFileSync(busyboxPath, ['--list'], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name && name !== 'busybox');
  return [
    ...['bin', 'etc', 'home', 'root', 'usr', 'usr/bin', 'var'].map((path) => ({ path, type: 'directory' as const })),
    { path: 'tmp', type: 'directory', mode: 0o1777 },
    { path: 'bin/busybox', content: readFileSync(busyboxPath), mode: 0o755 },
    ...applets.map((name) => ({ path: `bin/${name}`, type: 'symlink' as const, target: 'busybox' })),
    { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n') },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nnobody:x:65534:\n') },
  ];
}

/** An archive with the sandbox image under `name`. Architectures without a program of their own get busybox's shell. */
export function pauseImage(name = pauseImageName): Promise<Buffer> {
  const program = pauseProgram(process.arch);
  if (program)
    return imageArchive({
      names: [name],
      config: { Entrypoint: ['/pause'], User: '65535:65535' },
      entries: [{ path: 'pause', content: program, mode: 0o755 }],
    });
  const loop = "trap 'exit 0' TERM INT; while :; do sleep 2147483647 & wait $!; done";
  return imageArchive({ names: [name], config: { Entrypoint: ['/bin/sh', '-c', loop], User: '65535:65535' }, entries: busyboxEntries() });
}

/** An archive with busybox and all its applets; needs Debian's `busybox-static`. */
export const busyboxImage = (name: string): Promise<Buffer> =>
  imageArchive({
    names: [name],
    config: { Cmd: ['sh'], Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'] },
    entries: busyboxEntries(),
  });
