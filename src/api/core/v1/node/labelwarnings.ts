/** Labels of nodes that have a newer name. */
import type { FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { validateLabelValue } from '../../../../apimachinery/names.ts';
import { own } from '../../../../apimachinery/own.ts';
import type { NodeSelectorTerm } from '../types.gen.ts';

const deprecated: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** Why not to use the label; undefined for a good one. */
export const nodeLabelDeprecation = (label: string): string | undefined => own(deprecated, label);

/** `checkValues` where values that are none are no error. */
export const nodeTermWarnings = ({ matchExpressions = [] }: NodeSelectorTerm, checkValues: boolean, path: FieldPath): string[] =>
  matchExpressions.flatMap(({ key, values = [] }, index) => {
    const at = path.child('matchExpressions').index(index);
    const why = nodeLabelDeprecation(key);
    const warnings = why ? [`${at.child('key')}: ${key} is ${why}`] : [];
    if (!checkValues) return warnings;
    return [
      ...warnings,
      ...values.flatMap((value, position) => validateLabelValue(value).map((wrong) => `${at.child('values').index(position)}: ${value} is invalid, ${wrong}`)),
    ];
  });
