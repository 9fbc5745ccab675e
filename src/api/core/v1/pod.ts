/** The declaration of Pod; its rules are in `pod/`, those of any pod spec in `podtemplate/`. */
import { allVerbs, defineKind } from '../../kind.ts';
import { podColumns } from './pod/columns.ts';
import { preparePodForCreate } from './pod/create.ts';
import { setPodDefaults } from './pod/defaults.ts';
import { podGracePeriodSeconds } from './pod/deletion.ts';
import { validatePodResize } from './pod/resizevalidation.ts';
import { podStatusWarnings, validatePodStatusUpdate } from './pod/statusvalidation.ts';
import { prepareEphemeralContainersForUpdate, preparePodForUpdate, preparePodStatusForUpdate, prepareResizeForUpdate } from './pod/update.ts';
import { validateEphemeralContainersUpdate, validatePodUpdate } from './pod/updatevalidation.ts';
import { podNameWarnings, validatePodCreate } from './pod/validation.ts';
import { podWarnings } from './podtemplate/warnings.ts';
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
  hasGeneration: true,
  setDefaults: setPodDefaults,
  prepareForCreate: preparePodForCreate,
  prepareForUpdate: preparePodForUpdate,
  validate: validatePodCreate,
  validateUpdate: validatePodUpdate,
  warnings: (pod, old) => (old ? [] : [...podNameWarnings(pod), ...podWarnings(pod)]),
  gracePeriodSeconds: podGracePeriodSeconds,
  columns: podColumns,
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec.nodeName ?? '',
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIPs?.[0]?.ip ?? '',
    // Upstream knows the name, and no value.
    'status.podIPs': () => '',
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  subresources: {
    attach: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodAttachOptions' } },
    binding: { type: 'custom', verbs: ['create'], responseKind: { group: '', version: 'v1', kind: 'Binding' } },
    ephemeralcontainers: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      prepareForUpdate: prepareEphemeralContainersForUpdate,
      validateUpdate: validateEphemeralContainersUpdate,
    },
    eviction: { type: 'custom', verbs: ['create'], responseKind: { group: 'policy', version: 'v1', kind: 'Eviction' } },
    exec: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodExecOptions' } },
    log: {
      type: 'custom',
      verbs: ['get'],
      responseKind: { group: '', version: 'v1', kind: 'Pod' },
      query: 'io.k8s.api.core.v1.PodLogOptions',
      producesText: true,
    },
    portforward: { type: 'custom', verbs: ['create', 'get'], responseKind: { group: '', version: 'v1', kind: 'PodPortForwardOptions' } },
    proxy: { type: 'custom', verbs: ['create', 'delete', 'get', 'patch', 'update'], responseKind: { group: '', version: 'v1', kind: 'PodProxyOptions' } },
    resize: { type: 'object', verbs: ['get', 'patch', 'update'], prepareForUpdate: prepareResizeForUpdate, validateUpdate: validatePodResize },
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
      prepareForUpdate: preparePodStatusForUpdate,
      validateUpdate: validatePodStatusUpdate,
      warnings: podStatusWarnings,
    },
  },
});
