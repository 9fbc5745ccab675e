import { allVerbs, defineKind } from '../../kind.ts';
import type { DaemonSet } from './types.gen.ts';

export const daemonsets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.apps.v1.DaemonSet',
  subresources: {
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
