/** What a path of the documents serves: neutral between the two versions of OpenAPI. */
import type { Parameter } from './parameters.ts';
import type { Json } from './schemas.ts';

export type Method = 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch';

export interface Operation {
  id: string;
  tag: string;
  description: string;
  /** Absent for what is no resource. */
  action?: string;
  gvk?: Json;
  parameters: readonly Parameter[];
  /** The name of a type in the document. */
  body?: { type: string; optional?: boolean };
  consumes: readonly string[];
  produces: readonly string[];
  /** The name of a type in the document; absent for text. */
  response?: string;
  codes: readonly number[];
}

export interface Path {
  path: string;
  /** What all operations take. */
  parameters: readonly Parameter[];
  operations: Partial<Record<Method, Operation>>;
}

const byName = (a: Parameter, b: Parameter): number => (a.name === b.name ? (a.in < b.in ? -1 : 1) : a.name < b.name ? -1 : 1);
const has = (list: readonly Parameter[], { name, in: where }: Parameter): boolean => list.some((one) => one.name === name && one.in === where);

/** A path, what its operations have in common said once; undefined without operations. */
export function pathOf(path: string, operations: Path['operations']): Path | undefined {
  const all = Object.values(operations);
  const [first] = all;
  if (!first) return undefined;
  const parameters = first.parameters.filter((one) => all.every((other) => has(other.parameters, one))).toSorted(byName);
  const own: Path['operations'] = {};
  for (const [method, operation] of Object.entries(operations) as [Method, Operation][]) {
    own[method] = { ...operation, parameters: operation.parameters.filter((one) => !has(parameters, one)).toSorted(byName) };
  }
  return { path, parameters, operations: own };
}

export const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` → `RbacAuthorization`, `''` → `Core`: as operation ids have it. */
export const groupId = (group: string): string =>
  (group === '' ? 'core' : group.replace(/\.k8s\.io$/, ''))
    .split(/[^A-Za-z0-9_]/)
    .map(capitalized)
    .join('');

/** As tags have it: `rbacAuthorization`, `core`. */
export const groupTag = (group: string): string => {
  const id = groupId(group);
  return id.charAt(0).toLowerCase() + id.slice(1);
};

export const jsonTypes = ['application/json', 'application/yaml'];
export const mediaTypes = [...jsonTypes, 'application/vnd.kubernetes.protobuf'];

/** Types that operations name. */
export function typesOf(paths: readonly Path[]): Set<string> {
  const names = new Set<string>();
  for (const { operations } of paths) {
    for (const { body, response } of Object.values(operations)) {
      if (body) names.add(body.type);
      if (response) names.add(response);
    }
  }
  return names;
}
