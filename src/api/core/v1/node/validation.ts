/** Validation of a node. Source of the rule: upstream's `core/validation`. */

import { parseJson } from '../../../../apimachinery/codec/json.ts';
import type { FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { duplicate, FieldError, forbiddenField, internalFieldError, invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import { isIPv4Cidr, isIPv6Cidr, parseCidr } from '../../../../apimachinery/ip.ts';
import { labelName, subdomainName, validateConfigMapKey, validateLabelValue } from '../../../../apimachinery/names.ts';
import { checked, validateLabelName, validateLegacyCidrField } from '../../../../apimachinery/validation/common.ts';
import { validateResourceQuantity } from '../resourcenames.ts';
import type { ConfigMapNodeConfigSource, Node, NodeConfigSource, Taint } from '../types.gen.ts';
import { validateTaintEffect } from './taints.ts';

const meta = path('metadata');
const specPath = path('spec');
const statusPath = path('status');

/** As upstream prints its internal type. */
const asInternal = ({ key, value = '', effect, timeAdded }: Taint): unknown => ({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded ?? null });

function validateTaints(taints: readonly Taint[] | undefined, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  for (const [index, taint] of (taints ?? []).entries()) {
    const one = at.index(index);
    errors.push(...validateLabelName(taint.key ?? '', one.child('key')));
    const wrong = validateLabelValue(taint.value ?? '');
    if (wrong.length > 0) errors.push(invalidValue(one.child('value'), taint.value, wrong.join(';')));
    errors.push(...validateTaintEffect(taint.effect ?? '', false, one.child('effect')));
    const pair = `${taint.key}:${taint.effect}`;
    if (seen.has(pair)) errors.push(new FieldError('FieldValueDuplicate', one, asInternal(taint), 'taints must be unique by key and effect pair'));
    seen.add(pair);
  }
  return errors;
}

function validateResources({ status }: Node): FieldError[] {
  const errors: FieldError[] = [];
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status?.[list] ?? {})) errors.push(...validateResourceQuantity(name, amount, statusPath.child(list, name)));
  }
  return errors;
}

const avoidKey = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

/** An annotation of old, still read. */
function validateAvoidedPods({ metadata: { annotations } }: Node): FieldError[] {
  const text = annotations?.[avoidKey];
  if (!text) return [];
  const at = meta.child('annotations');
  try {
    const { preferAvoidPods = [] } = (parseJson(text) ?? {}) as { preferAvoidPods?: { podSignature?: { podController?: { controller?: boolean } } }[] };
    return preferAvoidPods.flatMap(({ podSignature }, index) => {
      const signature = at.child(avoidKey).index(index).child('PodSignature');
      const controller = podSignature?.podController;
      if (!controller) return [required(signature)];
      return controller.controller === true ? [] : [invalidValue(signature.child('PodController', 'Controller'), false, 'must point to a controller')];
    });
  } catch (error) {
    return [invalidValue(at.child('AvoidPods'), avoidKey, (error as Error).message)];
  }
}

const featurePattern = /^[A-Z][a-zA-Z0-9]*(\/[a-zA-Z][a-zA-Z0-9]*)*$/;

function validateDeclaredFeatures({ status }: Node): FieldError[] {
  const errors: FieldError[] = [];
  const at = statusPath.child('declaredFeatures');
  const features = status?.declaredFeatures ?? [];
  for (const [index, feature] of features.entries()) {
    const head = `invalid feature name ${JSON.stringify(feature)}:`;
    if (Buffer.byteLength(feature) > 253) errors.push(invalidValue(at.index(index), feature, `${head} must be no more than 253 characters`));
    else if (!featurePattern.test(feature)) {
      const rule =
        "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes";
      errors.push(invalidValue(at.index(index), feature, `${head} ${rule}`));
    }
    const next = features[index + 1];
    if (next === undefined) continue;
    if (feature === next) errors.push(duplicate(at.index(index + 1), next));
    else if (feature > next) errors.push(invalidValue(at.index(index + 1), next, 'list must be sorted alphabetically'));
  }
  return errors;
}

function validatePodCidrs({ spec }: Node): FieldError[] {
  const cidrs = spec?.podCIDRs ?? [];
  const at = specPath.child('podCIDRs');
  const errors = cidrs.flatMap((cidr, index) => validateLegacyCidrField(cidr, at.index(index)));
  if (cidrs.length < 2) return errors;
  const unknown = cidrs.findIndex((cidr) => !parseCidr(cidr));
  if (unknown >= 0) {
    const why = `invalid CIDR[${unknown}]: <nil> (invalid CIDR address: ${cidrs[unknown]})`;
    errors.push(internalFieldError(at, `invalid PodCIDRs. failed to check with dual stack with error:${why}`));
  }
  const dualStack = unknown < 0 && cidrs.some(isIPv4Cidr) && cidrs.some(isIPv6Cidr);
  if (!dualStack || cidrs.length > 2) errors.push(invalidValue(at, cidrs, 'may specify no more than one CIDR for each IP family'));
  return errors;
}

/** Everything but `metadata`, which the generic code checks. */
export function validateNode(node: Node): FieldError[] {
  const errors = validateAvoidedPods(node);
  errors.push(...validateTaints(node.spec?.taints, meta.child('taints')));
  errors.push(...validateResources(node));
  const swap = node.status?.nodeInfo?.swap?.capacity;
  if (swap !== undefined && swap <= 0) errors.push(invalidValue(meta.child('nodeSwapStatus', 'capacity'), swap, 'must be greater than zero'));
  errors.push(...validateDeclaredFeatures(node));
  errors.push(...validatePodCidrs(node));
  return errors;
}

function validateConfigMapSource(source: ConfigMapNodeConfigSource, inStatus: boolean, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['uid', 'resourceVersion'] as const) {
    if (inStatus && !source[field]) errors.push(required(at.child(field)));
    if (!inStatus && source[field]) errors.push(forbiddenField(at.child(field), `${field} must not be set in spec`));
  }
  if (!source.namespace) errors.push(required(at.child('namespace')));
  else errors.push(...checked(source.namespace, at.child('namespace'), labelName(source.namespace, false)));
  if (!source.name) errors.push(required(at.child('name')));
  else errors.push(...checked(source.name, at.child('name'), subdomainName(source.name, false)));
  if (!source.kubeletConfigKey) errors.push(required(at.child('kubeletConfigKey')));
  else errors.push(...checked(source.kubeletConfigKey, at.child('kubeletConfigKey'), validateConfigMapKey(source.kubeletConfigKey)));
  return errors;
}

function validateConfigSource(source: NodeConfigSource | undefined, inStatus: boolean, at: FieldPath): FieldError[] {
  if (!source) return [];
  if (!source.configMap) return [invalidValue(at, source, 'exactly one reference subfield must be non-nil')];
  return validateConfigMapSource(source.configMap, inStatus, at.child('configMap'));
}

function validateAddresses({ status }: Node): FieldError[] {
  const seen = new Set<string>();
  return (status?.addresses ?? []).flatMap((address, index) => {
    const key = `${address.type}/${address.address}`;
    if (seen.has(key)) return duplicate(statusPath.child('addresses').index(index), { Type: address.type, Address: address.address });
    seen.add(key);
    return [];
  });
}

/** What may change: of the spec, taints and `unschedulable`; the rest only while it is unset. */
export function validateNodeUpdate(node: Node, old: Node): FieldError[] {
  const errors = validateAvoidedPods(node);
  errors.push(...validateResources(node));
  errors.push(...validateDeclaredFeatures(node));
  errors.push(...validateAddresses(node));
  const cidrs = node.spec?.podCIDRs ?? [];
  const before = old.spec?.podCIDRs ?? [];
  const changed = before.length > 0 && (cidrs.length !== before.length || before.some((cidr, index) => cidr !== cidrs[index]));
  if (changed) errors.push(forbiddenField(specPath.child('podCIDRs'), 'node updates may not change podCIDR except from "" to valid'));
  if (old.spec?.providerID && old.spec.providerID !== node.spec?.providerID) {
    errors.push(forbiddenField(specPath.child('providerID'), 'node updates may not change providerID except from "" to valid'));
  }
  errors.push(...validateConfigSource(node.spec?.configSource, false, specPath.child('configSource')));
  for (const field of ['assigned', 'active', 'lastKnownGood'] as const) {
    errors.push(...validateConfigSource(node.status?.config?.[field], true, statusPath.child('config', field)));
  }
  errors.push(...validateTaints(node.spec?.taints, meta.child('taints')));
  if ((node.spec?.externalID ?? '') !== (old.spec?.externalID ?? '')) errors.push(forbiddenField(specPath.child('externalID'), 'may not be updated'));
  return errors;
}
