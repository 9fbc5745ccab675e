/** What the package exports: a Kubernetes control plane to test against. */
export { type Cluster, type StartClusterOptions, startCluster } from './cluster/start.ts';
