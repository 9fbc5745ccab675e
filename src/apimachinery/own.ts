/**
 * Keys that clients choose: `constructor`, `toString` and `__proto__` are keys like any other.
 *
 * Whoever imports this module may assign to `object[key]` for any key: the accessor that makes `__proto__` special is taken away
 * from all objects of the thread (as `node --disable-proto=delete` does). What remains are the methods that plain objects inherit:
 * what is looked up in them by such a key is asked for with {@link own}.
 */

Reflect.deleteProperty(Object.prototype, '__proto__');

/** What the object itself has under that key; undefined for what it merely inherits, and where there is no object. */
export const own = <T>(object: { readonly [key: string]: T } | null | undefined, key: string): T | undefined =>
  object !== null && object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
