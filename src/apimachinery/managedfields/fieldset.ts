/**
 * Sets of fields in the form in which they are stored (`fieldsV1`): a trie whose keys are path elements. `{}` is a member;
 * a member with members below it has the key `.` besides them; a node without `.` only leads to its members.
 * The root is no member of itself. Sets are values: nothing here changes its arguments, and results share parts with them.
 */

export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A set while it is being built. */
export type FieldSetBuilder = { [element: string]: FieldSet };

/** A member without members below it; also the empty set, where it is a root. */
export const leaf: FieldSet = Object.freeze({});

export const isEmptySet = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

/** Whether the field that a node (not the root) stands for belongs to the set itself. */
export const isMember = (node: FieldSet | undefined): boolean => node !== undefined && ('.' in node || isEmptySet(node));

/** A node that is a member (or not) with these nodes below it; undefined when nothing is left. */
function nodeOf(member: boolean, below: FieldSetBuilder | undefined): FieldSet | undefined {
  if (below === undefined || isEmptySet(below)) return member ? leaf : undefined;
  return member ? { '.': leaf, ...below } : below;
}

/** The same node as a member. */
export const asMember = (node: FieldSet): FieldSet => (isMember(node) ? node : { '.': leaf, ...node });

export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  if (isEmptySet(a)) return b;
  return unionBelow(a, b);
}

function unionBelow(a: FieldSet, b: FieldSet): FieldSet {
  let result: FieldSetBuilder | undefined;
  let added = false;
  for (const key in b) {
    const left = a[key];
    const right = b[key] as FieldSet;
    const both = left === undefined ? right : key === '.' ? left : unionNode(left, right);
    if (both === left) continue;
    result ??= { ...a };
    result[key] = both;
    added ||= left === undefined;
  }
  return result === undefined ? a : added ? sortKeys(result) : result;
}

function unionNode(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmptySet(a)) return asMember(b);
  if (isEmptySet(b)) return asMember(a);
  return unionBelow(a, b);
}

export const intersection = (a: FieldSet, b: FieldSet): FieldSet => intersectBelow(a, b) ?? leaf;

function intersectBelow(a: FieldSet, b: FieldSet): FieldSetBuilder | undefined {
  let result: FieldSetBuilder | undefined;
  for (const key in a) {
    if (key === '.') continue;
    const right = b[key];
    if (right === undefined) continue;
    const left = a[key] as FieldSet;
    const both = nodeOf(isMember(left) && isMember(right), intersectBelow(left, right));
    if (both !== undefined) (result ??= {})[key] = both;
  }
  return result;
}

/** What is in `a` and not in `b`; what lies below a member of `b` stays. */
export const difference = (a: FieldSet, b: FieldSet): FieldSet => subtractBelow(a, b, false);
/** What is in `a` and neither in `b` nor below a member of it. */
export const recursiveDifference = (a: FieldSet, b: FieldSet): FieldSet => subtractBelow(a, b, true);

/** `a` itself when nothing is taken away. */
function subtractBelow(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet {
  let result: FieldSetBuilder | undefined;
  for (const key in b) {
    if (key === '.') continue;
    const left = a[key];
    if (left === undefined) continue;
    const rest = subtractNode(left, b[key] as FieldSet, recursive);
    if (rest === left) continue;
    result ??= { ...a };
    if (rest === undefined) delete result[key];
    else result[key] = rest;
  }
  return result ?? a;
}

function subtractNode(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet | undefined {
  const member = isMember(b);
  if (member && recursive) return undefined;
  const below = subtractBelow(a, b, recursive);
  if (!isMember(a)) return isEmptySet(below) ? undefined : below;
  const { '.': _, ...rest } = below;
  if (!member) return below === a ? a : isEmptySet(rest) ? leaf : below;
  return isEmptySet(rest) ? undefined : rest;
}

/** Whether the field at the path is a member. */
export function has(set: FieldSet, path: readonly string[]): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (node === undefined) return false;
  }
  return path.length > 0 && isMember(node);
}

/** Calls back with the path of every member, parents before children. The array is reused. */
export function forEachMember(set: FieldSet, visit: (path: readonly string[]) => void): void {
  const path: string[] = [];
  const walk = (node: FieldSet): void => {
    for (const key in node) {
      if (key === '.') continue;
      const child = node[key] as FieldSet;
      path.push(key);
      if (isMember(child)) visit(path);
      walk(child);
      path.pop();
    }
  };
  walk(set);
}

/** The set of these paths; each is a list of path elements. */
export function setOfPaths(paths: readonly (readonly string[])[]): FieldSet {
  let set: FieldSet = leaf;
  for (const path of paths) {
    let node: FieldSet = leaf;
    for (let index = path.length - 1; index >= 0; index--) node = { [path[index] as string]: node };
    set = union(set, node);
  }
  return set;
}

/** The same node with its keys in order, `.` first. */
function sortKeys(node: FieldSetBuilder): FieldSetBuilder {
  const sorted: FieldSetBuilder = {};
  for (const key of Object.keys(node).sort()) sorted[key] = node[key] as FieldSet;
  return sorted;
}
