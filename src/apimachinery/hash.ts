/** FNV-1a with 32 bits, the hash behind `pod-template-hash` and the names of generated objects. */

/** The hash as an unsigned number; strings are hashed as UTF-8. */
export function fnv32a(data: string | Uint8Array): number {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
