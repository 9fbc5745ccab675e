/** What a service of some type has or needs; asked by defaults, validation, allocation and controllers. */
import type { Service } from '../types.gen.ts';

export const noClusterIp = 'None';

/** Without an address of its own: DNS answers with the endpoints. */
export const isHeadless = ({ spec }: Service): boolean => spec?.clusterIPs?.length === 1 && spec.clusterIPs[0] === noClusterIp;

export const needsClusterIp = ({ spec }: Service): boolean => spec?.type !== 'ExternalName';
export const needsNodePort = ({ spec }: Service): boolean => spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';

/** Traffic from outside of the cluster may come to it. */
export const isExternallyAccessible = ({ spec }: Service): boolean =>
  spec?.type === 'LoadBalancer' || spec?.type === 'NodePort' || (spec?.type === 'ClusterIP' && (spec.externalIPs?.length ?? 0) > 0);

/** A load balancer that must find out which nodes have local endpoints. */
export const needsHealthCheckNodePort = ({ spec }: Service): boolean => spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
