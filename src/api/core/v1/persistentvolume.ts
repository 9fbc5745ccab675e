/** The declaration of PersistentVolume; its rules are in `persistentvolume/`. */

import { timeOf } from '../../../apimachinery/meta.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { volumeColumns } from './persistentvolume/columns.ts';
import { validateVolume, validateVolumeUpdate } from './persistentvolume/validation.ts';
import { volumeWarnings } from './persistentvolume/warnings.ts';
import { setResourceListDefaults } from './podtemplate/resourcelist.ts';
import { setNetworkDiskDefaults } from './podtemplate/volumedefaults.ts';
import type { PersistentVolume } from './types.gen.ts';

export const persistentvolumes = defineKind<PersistentVolume>({
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
  singular: 'persistentvolume',
  shortNames: ['pv'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.PersistentVolume',
  returnsDeletedObject: true,
  setDefaults(volume) {
    volume.spec ??= {};
    volume.spec.persistentVolumeReclaimPolicy ||= 'Retain';
    volume.spec.volumeMode ??= 'Filesystem';
    setResourceListDefaults(volume.spec.capacity);
    setNetworkDiskDefaults(volume.spec);
    if (volume.status) volume.status.phase ||= 'Pending';
  },
  prepareForCreate(volume, { now }) {
    volume.status = { phase: 'Pending', lastPhaseTransitionTime: timeOf(now) };
  },
  validate: validateVolume,
  validateUpdate: validateVolumeUpdate,
  warnings: volumeWarnings,
  columns: volumeColumns,
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      prepareForUpdate(volume, old, { now }) {
        const { status = {} } = volume;
        const before = old.status?.lastPhaseTransitionTime;
        const moved = (status.phase ?? '') !== (old.status?.phase ?? '');
        // The client's own time counts when it set one.
        if (moved && (status.lastPhaseTransitionTime ?? before) === before) volume.status = { ...status, lastPhaseTransitionTime: timeOf(now) };
        if (!moved && !status.lastPhaseTransitionTime && before) volume.status = { ...status, lastPhaseTransitionTime: before };
      },
    },
  },
});
