import { ageColumn, nameColumn, textColumn, wideColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { Node } from '../types.gen.ts';

const rolePrefix = 'node-role.kubernetes.io/';

function statusCell({ spec, status }: Node): string {
  const ready = status?.conditions?.findLast(({ type }) => type === 'Ready');
  const parts = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
  if (spec?.unschedulable) parts.push('SchedulingDisabled');
  return parts.join(',');
}

function rolesCell({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length) || [];
    return key === 'kubernetes.io/role' && value ? value : [];
  });
  return [...new Set(roles)].sort().join(',') || '<none>';
}

const addressCell =
  (wanted: string) =>
  ({ status }: Node): string =>
    status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>';

function kernelCell({ status }: Node): string {
  const { kernelVersion = '', architecture = '' } = status?.nodeInfo ?? {};
  return `${kernelVersion || '<unknown>'}${architecture ? ` (${architecture})` : ''}`;
}

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  textColumn('Status', statusCell),
  textColumn('Roles', rolesCell),
  ageColumn,
  textColumn('Version', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
  wideColumn('Internal-IP', addressCell('InternalIP')),
  wideColumn('External-IP', addressCell('ExternalIP')),
  wideColumn('OS-Image', ({ status }) => status?.nodeInfo?.osImage || '<unknown>'),
  wideColumn('Kernel-Version', kernelCell),
  wideColumn('Container-Runtime', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
];
