/** OCI runtimes that a machine has besides runc: containerd offers each as a handler, which a RuntimeClass names. */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { UserError } from './config.ts';

export interface RuntimeHandler {
  /** What a RuntimeClass says as `handler`. */
  name: string;
  /** Of containerd's shim. */
  type: string;
  /** The program that the shim of runc runs instead of runc. */
  binary?: string;
}

const runcShim = 'io.containerd.runc.v2';

/** Handlers by the program whose presence says that the machine has them; names and shims as the runtimes' own documentation gives them. */
const known: readonly { program: string; name: string; type: string }[] = [
  { program: 'crun', name: 'crun', type: runcShim },
  { program: 'youki', name: 'youki', type: runcShim },
  { program: 'containerd-shim-runsc-v1', name: 'runsc', type: 'io.containerd.runsc.v1' },
  { program: 'containerd-shim-kata-v2', name: 'kata', type: 'io.containerd.kata.v2' },
];

/** Of what is found in the directories of `path`. */
export function foundRuntimes(path = process.env['PATH'] ?? ''): RuntimeHandler[] {
  const directories = path.split(':').filter((one) => one !== '');
  return known.flatMap(({ program, name, type }) => {
    const binary = directories.map((directory) => join(directory, program)).find(isProgram);
    return binary ? [{ name, type, ...(type === runcShim ? { binary } : {}) }] : [];
  });
}

/** Fails with a {@link UserError} unless containers can be run by the runtime of that name. */
export function requireRuntime(name: string, found = foundRuntimes()): string {
  const names = ['runc', ...found.map((one) => one.name)];
  if (!names.includes(name)) throw new UserError(`--default-runtime: '${name}' is not among the runtimes of this machine: ${names.join(', ')}`, 2);
  return name;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
