import { nameColumn, textColumn } from '../../columns.ts';
import { defineKind } from '../../kind.ts';
import type { ComponentStatus } from './types.gen.ts';

const condition = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === 'Healthy');

export const componentstatuses = defineKind<ComponentStatus>({
  group: '',
  version: 'v1',
  kind: 'ComponentStatus',
  plural: 'componentstatuses',
  singular: 'componentstatus',
  shortNames: ['cs'],
  namespaced: false,
  verbs: ['get', 'list'],
  deprecated: 'in v1.19+',
  schema: 'io.k8s.api.core.v1.ComponentStatus',
  columns: [
    nameColumn,
    textColumn('Status', (status) => {
      const healthy = condition(status);
      return healthy ? (healthy.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
    }),
    textColumn('Message', (status) => condition(status)?.message ?? ''),
    textColumn('Error', (status) => condition(status)?.error ?? ''),
  ],
});
