/** Patches of all four kinds to objects that may be there. */
import { stringify } from 'yaml';
import { anyText, anyValue, jsonText, mutateBytes, mutateValue } from './mutate.ts';
import { anyObject, isConsequential } from './objects.ts';
import type { Random } from './random.ts';
import type { FuzzRequest } from './requests.ts';

/** A JSON pointer to some place in the value, now and then beside it. */
function pointerInto(random: Random, value: unknown): string {
  let path = '';
  let at: unknown = value;
  while (typeof at === 'object' && at !== null && !random.oneIn(4)) {
    const key = random.oneIn(8) ? random.pick(['-', '-1', '01', '999', '~', '~2', anyText(random)]) : random.pick(Object.keys(at));
    if (key === undefined) break;
    path += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    at = (at as Record<string, unknown>)[key];
  }
  return random.oneIn(30) ? anyText(random) : path;
}

function jsonPatch(random: Random, object: object): unknown {
  if (random.oneIn(30)) return anyValue(random);
  return Array.from({ length: 1 + random.below(4) }, () => {
    const operation: Record<string, unknown> = {
      op: random.oneIn(20) ? anyText(random) : random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test']),
      path: pointerInto(random, object),
    };
    if (random.oneIn(2)) operation['value'] = anyValue(random);
    if (random.oneIn(2)) operation['from'] = pointerInto(random, object);
    return operation;
  });
}

const directives: readonly [string, unknown][] = [
  ['$patch', 'replace'],
  ['$patch', 'delete'],
  ['$patch', 'merge'],
  ['$patch', 'other'],
  ['$patch', 1],
  ['$retainKeys', ['name']],
  ['$retainKeys', 'name'],
  ['$setElementOrder/containers', [{ name: 'main' }]],
  ['$setElementOrder/ports', [{ port: 80 }, {}]],
  ['$setElementOrder/finalizers', ['a', 1]],
  ['$deleteFromPrimitiveList/finalizers', ['a']],
  ['$deleteFromPrimitiveList/args', {}],
  ['$deleteFromPrimitiveList/', []],
];

function objectsIn(value: unknown, found: Record<string, unknown>[] = []): Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return found;
  if (!Array.isArray(value)) found.push(value as Record<string, unknown>);
  for (const item of Object.values(value)) objectsIn(item, found);
  return found;
}

export function patchRequest(random: Random): Omit<FuzzRequest, 'area'> {
  const { definition, collection, object } = anyObject(random);
  const { name } = object['metadata'] as { name: string };
  const query = new URLSearchParams();
  if (isConsequential(definition) || random.oneIn(4)) query.set('dryRun', 'All');
  if (random.oneIn(4)) query.set('fieldValidation', random.pick(['Strict', 'Warn', 'Ignore']));
  const form = random.pick(['json-patch+json', 'merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml']);
  let value: unknown = object;
  if (form === 'json-patch+json') value = jsonPatch(random, object);
  else {
    if (form === 'apply-patch+yaml') {
      query.set('fieldManager', random.pick(['one', 'two']));
      if (random.oneIn(2)) query.set('force', 'true');
    }
    if (form === 'strategic-merge-patch+json' && random.oneIn(2)) {
      const [key, directive] = structuredClone(random.pick(directives)) as [string, unknown];
      const all = objectsIn(object);
      Object.assign(random.pick(all), { [key]: directive });
    }
    if (!random.oneIn(4)) mutateValue(random, object, 1 + random.below(3));
    if (random.oneIn(40)) value = anyValue(random);
  }
  const parts = Object.keys(definition.subresources ?? {});
  const part = parts.length > 0 && random.oneIn(5) ? `/${random.pick(parts)}` : '';
  let body: Buffer = Buffer.from(jsonText(value));
  if (form === 'apply-patch+yaml' && random.oneIn(3)) {
    try {
      body = Buffer.from(stringify(JSON.parse(body.toString())));
    } catch {
      // Too deep for YAML: as JSON, then.
    }
  }
  if (random.oneIn(8)) body = mutateBytes(random, body, 1);
  const text = query.toString();
  return {
    method: 'PATCH',
    path: `${collection}/${name}${part}${text === '' ? '' : `?${text}`}`,
    headers: {
      'content-type': `application/${
        random.oneIn(50)
          ? anyText(random)
              .replaceAll(/[^\x20-\x7e]/g, '')
              .trim()
              .slice(0, 50)
          : form
      }`,
      accept: 'application/json',
    },
    body,
  };
}
