import { canonicalQuantity } from '../../../../apimachinery/quantity.ts';
import { ageColumn, nameColumn, textColumn, wideColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { PersistentVolume, PersistentVolumeClaim } from '../types.gen.ts';

const shortModes: readonly (readonly [string, string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];

const modesCell = (modes: readonly string[] = []): string =>
  shortModes
    .filter(([mode]) => modes.includes(mode))
    .map(([, short]) => short)
    .join(',');

const phaseCell = ({ metadata, status }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '');

/** The annotation is older than the field. */
const classCell = ({ metadata, spec }: PersistentVolume | PersistentVolumeClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '';

const attributesCell = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec?.volumeAttributesClassName ?? '<unset>';
const modeCell = ({ spec }: PersistentVolume | PersistentVolumeClaim): string => spec?.volumeMode ?? '<unset>';
const sizeCell = (capacity: Readonly<Record<string, string | number>> | undefined): string => canonicalQuantity(capacity?.['storage'] ?? '0');

export const volumeColumns: readonly Column<PersistentVolume>[] = [
  nameColumn,
  textColumn('Capacity', ({ spec }) => sizeCell(spec?.capacity)),
  textColumn('Access Modes', ({ spec }) => modesCell(spec?.accessModes)),
  textColumn('Reclaim Policy', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
  textColumn('Status', phaseCell),
  textColumn('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : '')),
  textColumn('StorageClass', classCell),
  textColumn('VolumeAttributesClass', attributesCell),
  textColumn('Reason', ({ status }) => status?.reason ?? ''),
  ageColumn,
  wideColumn('VolumeMode', modeCell),
];

export const claimColumns: readonly Column<PersistentVolumeClaim>[] = [
  nameColumn,
  textColumn('Status', phaseCell),
  textColumn('Volume', ({ spec }) => spec?.volumeName ?? ''),
  textColumn('Capacity', ({ spec, status }) => (spec?.volumeName ? sizeCell(status?.capacity) : '')),
  textColumn('Access Modes', ({ spec, status }) => (spec?.volumeName ? modesCell(status?.accessModes) : '')),
  textColumn('StorageClass', classCell),
  textColumn('VolumeAttributesClass', attributesCell),
  ageColumn,
  wideColumn('VolumeMode', modeCell),
];
