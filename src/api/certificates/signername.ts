/** Names of signers, such as `kubernetes.io/kubelet-serving`. Source of the rule: upstream's `core/validation/names.go`. */

import type { FieldError, FieldPath } from '../../apimachinery/fieldpath.ts';
import { invalidValue, required, tooLong } from '../../apimachinery/fieldpath.ts';
import { validateDnsLabel, validateDnsSubdomain } from '../../apimachinery/names.ts';

const longestDomain = 253;
const longestName = 571;

/** Reserved for the Kubernetes project. */
export function isKubernetesSigner(name: string): boolean {
  const host = name.split('/', 1)[0]!;
  return host === 'kubernetes.io' || host.endsWith('.kubernetes.io');
}

/** The errors of the first label that has any. */
function labelErrors(text: string, validate: (label: string) => string[], path: FieldPath): FieldError[] {
  for (const label of text.split('.')) {
    const wrong = validate(label);
    if (wrong.length > 0) return wrong.map((why) => invalidValue(path, text, `validating label ${JSON.stringify(label)}: ${why}`));
  }
  return [];
}

/** A domain of at least two labels, a slash, and a dotted path. */
export function validateSignerName(name: string, path: FieldPath): FieldError[] {
  if (name === '') return [required(path)];
  const [domain, rest, ...more] = name.split('/') as [string, string?, ...string[]];
  if (rest === undefined || more.length > 0) {
    return [invalidValue(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  }
  const errors: FieldError[] = [];
  if (Buffer.byteLength(domain) > longestDomain) errors.push(tooLong(path, longestDomain));
  errors.push(...labelErrors(domain, validateDnsLabel, path));
  if (!domain.includes('.')) errors.push(invalidValue(path, domain, 'should be a domain with at least two segments separated by dots'));
  errors.push(...labelErrors(rest, validateDnsSubdomain, path));
  if (Buffer.byteLength(name) > longestName) errors.push(tooLong(path, longestName));
  return errors;
}
