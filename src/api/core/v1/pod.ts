import { allVerbs, defineKind } from '../../kind.ts';
import type { Pod } from './types.gen.ts';

export const pods = defineKind<Pod>({
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.Pod',
  returnsDeletedObject: true,
  subresources: {
    attach: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodAttachOptions' } },
    binding: { type: 'custom', verbs: ['create'], responseKind: { group: '', version: 'v1', kind: 'Binding' } },
    ephemeralcontainers: { type: 'object', verbs: ['get', 'patch', 'update'] },
    eviction: { type: 'custom', verbs: ['create'], responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
    exec: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodExecOptions' } },
    log: { type: 'custom', verbs: ['get'], responseKind: { group: '', version: 'v1', kind: 'Pod' } },
    portforward: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodPortForwardOptions' } },
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'PodProxyOptions' } },
    resize: { type: 'object', verbs: ['get', 'patch', 'update'] },
    status: { type: 'object', verbs: ['get', 'patch', 'update'] },
  },
});
