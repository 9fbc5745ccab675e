/** Real kubectl 1.36 with a kubeconfig. */
import { join } from 'node:path';
import { type CommandResult, root, run } from '../e2e/cluster.ts';

const program = join(root, '.cache/tools/kubectl');

/** With its exit code; standard output and error in one text as well, as a user sees them. */
export async function kubectl(
  kubeconfig: string,
  args: readonly string[],
  input?: string | object,
  env: NodeJS.ProcessEnv = {},
): Promise<CommandResult & { said: string }> {
  const text = typeof input === 'object' ? JSON.stringify(input) : input;
  const result = await run(program, ['--kubeconfig', kubeconfig, ...args], {
    ...(text === undefined ? {} : { input: text }),
    // Discovery of one test's server is not to be remembered for the next one on the same port.
    env: { KUBECACHEDIR: `${kubeconfig}.cache`, KUBE_EDITOR: 'false', ...env },
  });
  return { ...result, said: `${result.stdout}${result.stderr}` };
}
