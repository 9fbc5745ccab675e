/** Names of properties in expressions. */

const reserved = new Set('true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '));

const escapes: Readonly<Record<string, string>> = { __: '__underscores__', '.': '__dot__', '-': '__dash__', '/': '__slash__' };

/** The name under which an expression sees a property. */
export function celName(name: string): string {
  if (reserved.has(name)) return `__${name}__`;
  return name.replace(/__|[-./]/g, (part) => escapes[part] as string);
}
