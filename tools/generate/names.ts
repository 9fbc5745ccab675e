/** From names of an OpenAPI document to places in this repository. */

/** `io.k8s.api.apps.v1.Deployment` → the file that its type is written to, and its name there. */
export function locationOf(definition: string): { path: string; group: string; version: string; name: string } {
  const parts = definition.split('.');
  const name = parts.at(-1) as string;
  const version = parts.at(-2) as string;
  const group = parts.at(-3) as string;
  if (definition.startsWith('io.k8s.apimachinery.pkg.apis.meta.')) return { path: 'src/api/meta/v1/types.gen.ts', group: 'meta', version: 'v1', name };
  if (definition.startsWith('io.k8s.apimachinery.')) return { path: 'src/api/meta/v1/types.gen.ts', group: 'meta', version: 'v1', name };
  const folder = group === 'apiserverinternal' ? 'internal' : group;
  return { path: `src/api/${folder}/${version}/types.gen.ts`, group: folder, version, name };
}
