/** Asks a runtime to stop and remove every pod that it runs: CNI gives the addresses back, the shims end. */
import { existsSync } from 'node:fs';
import { createCriClient } from '../../kubelet/cri/client.ts';

/** Answers at once when no runtime listens on the socket. */
export async function stopPods(socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const runtime = createCriClient(socket);
  try {
    const sandboxes = await runtime.listPodSandbox();
    const containers = await runtime.listContainers();
    await Promise.all(containers.map((container) => runtime.stopContainer(container.id as string, 1).catch(() => {})));
    await Promise.all(
      sandboxes.map(async ({ id }) => {
        await runtime.stopPodSandbox(id as string);
        await runtime.removePodSandbox(id as string);
      }),
    );
  } finally {
    runtime.close();
  }
}
