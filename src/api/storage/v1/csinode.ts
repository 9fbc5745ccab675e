import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { duplicate, invalidValue, path, required } from '../../../apimachinery/fieldpath.ts';
import { validateImmutable, validateNonNegative, validateQualifiedNameField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, countColumn, nameColumn } from '../../columns.ts';
import { validateCsiDriverName } from '../../core/v1/podtemplate/validation/networkdisks.ts';
import { internalValue } from '../../internalvalue.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { CSINode } from './types.gen.ts';

const driversPath = path('spec', 'drivers');
const longestNodeId = 256;

function validateCsiNode({ spec }: CSINode): FieldError[] {
  const names = new Set<string>();
  return (spec?.drivers ?? []).flatMap((driver, index) => {
    const at = driversPath.index(index);
    const { name = '', nodeID = '', topologyKeys = [], allocatable } = driver;
    const errors = validateCsiDriverName(name, at.child('name'));
    if (nodeID === '') errors.push(required(at.child('nodeID')));
    if (Buffer.byteLength(nodeID) > longestNodeId) errors.push(invalidValue(at.child('nodeID'), nodeID, `must be ${longestNodeId} characters or less`));
    errors.push(...validateNonNegative(allocatable?.count, at.child('allocatable', 'count')));
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    for (const [position, key] of topologyKeys.entries()) {
      if (key === '') errors.push(required(at));
      if (topologyKeys.indexOf(key) < position) errors.push(duplicate(at, key));
      errors.push(...validateQualifiedNameField(key, at));
    }
    return errors;
  });
}

/** A driver that stays may only change how many volumes it can attach. */
function validateDriversUpdate({ spec }: CSINode, old: CSINode): FieldError[] {
  return (old.spec?.drivers ?? []).flatMap(({ allocatable: _before, ...before }) => {
    const own = (spec?.drivers ?? []).filter(({ name }) => name === before.name);
    return own.flatMap(({ allocatable: _now, ...now }) =>
      validateImmutable(now, before, driversPath, (driver) => internalValue('io.k8s.api.storage.v1.CSINodeDriver', driver)),
    );
  });
}

export const csinodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  plural: 'csinodes',
  singular: 'csinode',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSINode',
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  validate: validateCsiNode,
  validateUpdate: (node, old) => [...validateCsiNode(node), ...validateDriversUpdate(node, old)],
  columns: [nameColumn, countColumn('Drivers', ({ spec }) => spec?.drivers?.length), ageColumn],
});
