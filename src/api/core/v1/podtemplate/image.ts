/** The grammar of image references, as far as the API looks into them. Source of the rule: the distribution project's `reference` package. */

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const domainLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const domain = `(?:${domainLabel}(?:\\.${domainLabel})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`;
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const reference = new RegExp(`^((?:${domain}/)?${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(${digest}))?$`);

const longestName = 255;

/**
 * The tag of an image: `latest` when it has neither tag nor digest, `''` when it has only a digest.
 * Undefined for what is no reference at all.
 */
export function imageTag(image: string): string | undefined {
  const match = reference.exec(image);
  if (!match || match[1]!.length > longestName || /^[0-9a-f]{64}$/.test(image)) return undefined;
  return match[2] ?? (match[3] ? '' : 'latest');
}

/** `imagePullPolicy` when nobody chose one. */
export const defaultPullPolicy = (image: string | undefined): string => (imageTag(image ?? '') === 'latest' ? 'Always' : 'IfNotPresent');
