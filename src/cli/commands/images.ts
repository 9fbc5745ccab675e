/** `knarr images import|list`. */
import { existsSync } from 'node:fs';
import { type ClusterConfig, UserError } from '../../cluster/config.ts';
import { pickSnapshotter } from '../../cluster/containerd.ts';
import { importImages } from '../../cluster/images/import.ts';
import { nodeLayout } from '../../cluster/layout.ts';
import { createCriClient } from '../../kubelet/cri/client.ts';
import { type ClusterOptions, existingCluster } from '../cluster.ts';

function runningNodes(config: ClusterConfig): { name: string; socket: string; root: string }[] {
  const running = config.nodes
    .map(({ name }) => ({ name, socket: nodeLayout(config, name).containerdSocket, root: nodeLayout(config, name).containerdRoot }))
    .filter(({ socket }) => existsSync(socket));
  if (running.length === 0) throw new UserError(`no node of the cluster '${config.name}' runs on this machine`);
  return running;
}

export async function importImage(file: string, options: ClusterOptions): Promise<void> {
  if (!existsSync(file)) throw new UserError(`there is no file ${file}`);
  const nodes = runningNodes(existingCluster(options));
  const names = await Promise.all(
    nodes.map(async ({ name, socket, root }) => {
      try {
        return await importImages({ socket, snapshotter: await pickSnapshotter(root) }, file);
      } catch (error) {
        throw new UserError(`${name}: ${(error as Error).message}`);
      }
    }),
  );
  for (const name of new Set(names.flat())) console.log(name);
}

export async function listImages(options: ClusterOptions & { output: string }): Promise<void> {
  const nodes = await Promise.all(
    runningNodes(existingCluster(options)).map(async ({ name, socket }) => {
      const runtime = createCriClient(socket);
      try {
        const images = await runtime.listImages();
        return { node: name, images: images.map((image) => ({ id: image.id, names: image.repoTags ?? [], bytes: Number(image.size ?? 0) })) };
      } finally {
        runtime.close();
      }
    }),
  );
  if (options.output === 'json') {
    console.log(JSON.stringify(nodes, null, 2));
    return;
  }
  for (const { node, images } of nodes) {
    for (const image of images) console.log(`${node}  ${(image.bytes / 1e6).toFixed(1).padStart(8)} MB  ${image.names.join(', ') || image.id}`);
  }
}
