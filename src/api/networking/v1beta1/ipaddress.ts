import { allVerbs, defineKind } from '../../kind.ts';
import type { IPAddress } from './types.gen.ts';

export const ipaddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1beta1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  shortNames: ['ip'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.networking.v1beta1.IPAddress',
  offByDefault: true,
});
