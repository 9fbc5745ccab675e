/**
 * Answers load balancers that ask a node whether it has local endpoints of a service with `externalTrafficPolicy: Local`,
 * on the service's `healthCheckNodePort`. Body and codes as upstream's kube-proxy.
 */
import { createServer, type Server } from 'node:http';
import type { Logger } from 'pino';
import type { Service } from '../api/core/v1/types.gen.ts';
import type { EndpointSlice } from '../api/discovery/v1/types.gen.ts';
import type { NodePlace } from './endpoints.ts';

interface Check {
  server: Server;
  namespace: string;
  name: string;
  localEndpoints: number;
}

export interface HealthCheckServer {
  /** Opens, closes and updates ports so that they match the services. */
  update(services: readonly Service[], slicesOf: (service: Service) => readonly EndpointSlice[]): void;
  close(): Promise<void>;
}

export function createHealthCheckServer(node: NodePlace, log: Logger): HealthCheckServer {
  const checks = new Map<number, Check>();

  function open(port: number, namespace: string, name: string): Check {
    const check: Check = {
      namespace,
      name,
      localEndpoints: 0,
      server: createServer((_, response) => {
        response.writeHead(check.localEndpoints > 0 ? 200 : 503, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff' });
        response.end(JSON.stringify({ service: { namespace, name }, localEndpoints: check.localEndpoints, serviceProxyHealthy: true }));
      }),
    };
    check.server.on('error', (error) => log.error({ err: error, service: `${namespace}/${name}`, port }, 'health check port failed'));
    check.server.listen(port);
    return check;
  }

  return {
    update(services, slicesOf) {
      const wanted = new Map<number, Service>();
      for (const service of services) {
        const { healthCheckNodePort, externalTrafficPolicy, type } = service.spec;
        if (healthCheckNodePort && type === 'LoadBalancer' && externalTrafficPolicy === 'Local') wanted.set(healthCheckNodePort, service);
      }
      for (const [port, check] of checks) {
        if (wanted.has(port)) continue;
        check.server.close();
        checks.delete(port);
      }
      for (const [port, service] of wanted) {
        const { namespace = '', name } = service.metadata;
        const check = checks.get(port) ?? open(port, namespace, name);
        checks.set(port, check);
        const local = slicesOf(service)
          .flatMap((slice) => slice.endpoints ?? [])
          .filter((one) => one.nodeName === node.name && (one.conditions?.ready ?? true));
        check.localEndpoints = new Set(local.map((one) => one.addresses[0])).size;
      }
    },
    async close() {
      await Promise.all([...checks.values()].map(({ server }) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
