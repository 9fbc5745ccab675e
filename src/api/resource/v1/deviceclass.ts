import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, path } from '../../../apimachinery/fieldpath.ts';
import { ageColumn, nameColumn } from '../../columns.ts';
import { isExtendedResource } from '../../core/v1/resourcenames.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { DeviceClass } from './types.gen.ts';
import { maxConfigurations } from './validation/claim.ts';
import { validateList } from './validation/collections.ts';
import { validateConfiguration, validateSelectors } from './validation/common.ts';

/** What did not change is not judged again by rules that came later. */
function validateClass({ spec }: DeviceClass, old?: DeviceClass): FieldError[] {
  const at = path('spec');
  const same = (field: 'selectors' | 'config'): boolean => old !== undefined && semanticEqual(spec[field], old.spec[field]);
  const { extendedResourceName: name } = spec;
  return [
    ...(same('selectors') ? [] : validateSelectors(spec.selectors, at.child('selectors'))),
    ...(same('config') ? [] : validateList(spec.config, maxConfigurations, validateConfiguration, at.child('config'))),
    ...(name === undefined || isExtendedResource(name) ? [] : [invalidValue(at.child('extendedResourceName'), name, 'must be a valid extended resource name')]),
  ];
}

export const deviceclasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  plural: 'deviceclasses',
  singular: 'deviceclass',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.resource.v1.DeviceClass',
  returnsDeletedObject: true,
  hasGeneration: true,
  validate: (deviceClass) => validateClass(deviceClass),
  validateUpdate: validateClass,
  columns: [nameColumn, ageColumn],
});
