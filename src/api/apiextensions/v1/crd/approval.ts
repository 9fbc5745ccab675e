/** Groups of the project need to say where their API was approved. Source of the rule: apiextensions `apihelpers`. */
import type { FieldError } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, path, required } from '../../../../apimachinery/fieldpath.ts';
import type { CustomResourceDefinition } from '../types.gen.ts';

const annotation = 'api-approved.kubernetes.io';
const proposal = 'https://github.com/kubernetes/enhancements/pull/1111';

type State = 'missing' | 'bypassed' | 'approved' | 'invalid';

const approvalOf = ({ metadata }: CustomResourceDefinition): string => metadata.annotations?.[annotation] ?? '';

function stateOf(definition: CustomResourceDefinition): State {
  const text = approvalOf(definition);
  if (text === '') return 'missing';
  if (text.startsWith('unapproved')) return 'bypassed';
  return /^[a-z][a-z0-9+.-]*:\/\/[^/\s]+/i.test(text) ? 'approved' : 'invalid';
}

export function validateApproval(definition: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  if (!/(^|\.)(k8s|kubernetes)\.io$/.test(definition.spec.group)) return [];
  const state = stateOf(definition);
  if (old && stateOf(old) === state) return [];
  const at = path('metadata', 'annotations').key(annotation);
  const rule = `protected groups must have approval annotation "${annotation}"`;
  if (state === 'missing') return [required(at, `${rule}, see ${proposal}`)];
  if (state !== 'invalid') return [];
  return [invalidValue(at, approvalOf(definition), `${rule} with either a URL or a reason starting with "unapproved", see ${proposal}`)];
}
