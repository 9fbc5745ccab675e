/** The rules of VolumeAttributesClass, whose versions are the same but for the name. */
import { semanticEqual } from '../../../apimachinery/equality.ts';
import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { forbiddenField, path } from '../../../apimachinery/fieldpath.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import type { Column } from '../../kind.ts';
import { validateParameters, validateProvisioner } from './parameters.ts';

interface AttributesClass extends KubeObject {
  driverName: string;
  parameters?: Record<string, string>;
}

export const validateAttributesClass = ({ driverName, parameters }: AttributesClass): FieldError[] => [
  ...validateProvisioner(driverName, path('driverName')),
  ...validateParameters(parameters, false, path('parameters')),
];

export const validateAttributesClassUpdate = (now: AttributesClass, old: AttributesClass): FieldError[] => [
  ...(now.driverName === old.driverName ? [] : [forbiddenField('driverName', 'updates to driverName are forbidden.')]),
  ...(semanticEqual(now.parameters, old.parameters) ? [] : [forbiddenField('parameters', 'updates to parameters are forbidden.')]),
  ...validateAttributesClass(now),
];

export const attributesClassColumns: readonly Column<AttributesClass>[] = [nameColumn, textColumn('DriverName', ({ driverName }) => driverName), ageColumn];
