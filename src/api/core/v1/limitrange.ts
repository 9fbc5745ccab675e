/** The declaration of LimitRange; its rules are in `limitrange/`. */

import { randomUUID } from 'node:crypto';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateLimitRange } from './limitrange/validation.ts';
import { setResourceListDefaults } from './podtemplate/resourcelist.ts';
import type { LimitRange, LimitRangeItem } from './types.gen.ts';

/** What a container gets when it says nothing: as its limit the most, as its request the limit, or else the least. */
function setContainerDefaults(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  const limits = { ...item.max, ...item.default };
  const requests = { ...item.min, ...limits, ...item.defaultRequest };
  if (Object.keys(limits).length > 0) item.default = limits;
  if (Object.keys(requests).length > 0) item.defaultRequest = requests;
}

export const limitranges = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.LimitRange',
  allowCreateOnUpdate: true,
  setDefaults({ spec }) {
    for (const item of spec?.limits ?? []) {
      setContainerDefaults(item);
      for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio]) setResourceListDefaults(list);
    }
  },
  prepareForCreate({ metadata }) {
    metadata.name ||= randomUUID();
  },
  validate: validateLimitRange,
  validateUpdate: validateLimitRange,
});
