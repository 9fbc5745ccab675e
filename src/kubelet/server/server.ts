/** The kubelet's HTTPS server: logs, exec, attach and port-forward for the API server, statistics and metrics for monitors. */
import { createServer, type Server } from 'node:https';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { Informer } from '../../client/informer.ts';
import type { PodCgroups } from '../cgroups/pods.ts';
import type { KubeletContext } from '../context.ts';
import type { PodManager } from '../podworker/manager.ts';
import type { ProbeManager } from '../probes/manager.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { selfSignedCertificate } from './certificate.ts';

export interface ServerParts {
  context: KubeletContext;
  manager: PodManager;
  cgroups: PodCgroups;
  probes: ProbeManager;
  volumes: VolumeManager;
  pods: Informer<Pod>;
}

export interface KubeletServer {
  port: number;
  close(): Promise<void>;
}

export async function createKubeletServer(parts: ServerParts): Promise<KubeletServer> {
  const { options } = parts.context;
  const { server: settings, nodeName, nodeIps } = options;
  const { cert, key } = settings.cert && settings.key ? { cert: settings.cert, key: settings.key } : selfSignedCertificate(options.hostname ?? nodeName, nodeIps);
  const server: Server = createServer({ cert, key, ...(settings.clientCa ? { ca: settings.clientCa } : {}), requestCert: true, rejectUnauthorized: false }, (_request, response) => response.end('ok'));
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(settings.port, settings.address ?? '0.0.0.0', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : settings.port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
