/** Environment variables that tell a container where services are, as they were when it started. */
import { services } from '../../api/core/v1/service.ts';
import type { Service } from '../../api/core/v1/types.gen.ts';
import type { InformerFactory } from '../../client/informer.ts';

export interface ServiceEnvironment {
  hasSynced(): boolean;
  /** Those of the namespace when `links`, and always those of the API server's service. */
  variables(namespace: string, links: boolean): Record<string, string>;
}

const variableName = (name: string): string => name.toUpperCase().replaceAll('-', '_');
const hasIp = ({ spec }: Service): boolean => !!spec?.clusterIP && spec.clusterIP !== 'None';

export function variablesOf(service: Service): Record<string, string> {
  const ip = service.spec?.clusterIP ?? '';
  const prefix = variableName(service.metadata.name);
  const variables: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: ip };
  const host = ip.includes(':') ? `[${ip}]` : ip;
  (service.spec?.ports ?? []).forEach(({ name, port, protocol = 'TCP' }, index) => {
    const url = `${protocol.toLowerCase()}://${host}:${port}`;
    if (index === 0) Object.assign(variables, { [`${prefix}_SERVICE_PORT`]: String(port), [`${prefix}_PORT`]: url });
    if (name) variables[`${prefix}_SERVICE_PORT_${variableName(name)}`] = String(port);
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    Object.assign(variables, { [link]: url, [`${link}_PROTO`]: protocol.toLowerCase(), [`${link}_PORT`]: String(port), [`${link}_ADDR`]: ip });
  });
  return variables;
}

/** The namespace and name of the API server's own service, whose variables every pod gets. */
const master = { namespace: 'default', name: 'kubernetes' };

export function createServiceEnvironment(informers: InformerFactory): ServiceEnvironment {
  const informer = informers.informer(services);
  return {
    hasSynced: () => informer.hasSynced,
    variables: (namespace, links) => {
      const found: Record<string, string> = {};
      const kubernetes = informer.get(master.namespace, master.name);
      if (kubernetes && hasIp(kubernetes)) Object.assign(found, variablesOf(kubernetes));
      if (links) for (const service of informer.list(namespace)) if (hasIp(service)) Object.assign(found, variablesOf(service));
      return found;
    },
  };
}
