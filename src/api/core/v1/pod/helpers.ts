/** What the scheduler, the kubelet and controllers want to know of a pod; pure functions. */
export * from './conditions.ts';
export * from './qos.ts';
export * from './resources.ts';
export * from './restart.ts';
