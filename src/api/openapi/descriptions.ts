/**
 * What types and fields mean, in upstream's words: read from the type declarations of `@kubernetes/client-node`, where that
 * package is installed. Without it documents have no texts and are otherwise the same.
 */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Descriptions {
  type: string;
  fields: ReadonlyMap<string, string>;
}

const loaded = new Map<string, Descriptions | undefined>();
let files: Promise<{ folder: string; names: ReadonlySet<string> } | undefined> | undefined;

async function listFiles(): Promise<{ folder: string; names: ReadonlySet<string> } | undefined> {
  try {
    const folder = join(dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node'))), 'gen', 'models');
    return { folder, names: new Set(await readdir(folder)) };
  } catch {
    return undefined;
  }
}

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The files that may declare a struct; names that several groups share carry their group. */
function candidates(struct: string): string[] {
  const [group = '', version = '', name = ''] = struct.split('.').slice(-3);
  const plain = `${capitalized(version)}${name}`;
  return [`${capitalized(group)}${plain}.d.ts`, `${plain}.d.ts`];
}

/** Reads what is known of these structs and of parameters, so that {@link descriptionsOf} and {@link parameterText} have it. */
export async function loadDescriptions(structs: readonly string[]): Promise<void> {
  files ??= listFiles();
  const found = await files;
  if (found) await (parameterTexts ??= loadParameterTexts(found));
  const missing = structs.filter((name) => !loaded.has(name));
  if (missing.length === 0) return;
  await Promise.all(
    missing.map(async (name) => {
      const file = found && candidates(name).find((one) => found.names.has(one));
      loaded.set(name, file ? parseDeclaration(await readFile(join(found.folder, file), 'utf8')) : undefined);
    }),
  );
}

/** The class whose methods take every parameter that there is. */
const parameterFile = join('..', 'apis', 'CoreV1Api.d.ts');
let parameterTexts: Promise<void> | undefined;
const texts = new Map<string, string>();

const entities: Readonly<Record<string, string>> = { '&#x60;': '`', '&#x3D;': '=', '&#39;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&' };

async function loadParameterTexts({ folder }: { folder: string }): Promise<void> {
  const text = await readFile(join(folder, parameterFile), 'utf8').catch(() => '');
  for (const [, name = '', words = ''] of text.matchAll(/^ +\* @param (\w+) (.+)$/gm)) {
    const parameter = name.replace(/^_/, '');
    if (texts.has(parameter)) continue;
    texts.set(parameter, words.replaceAll(/&(?:#x?\w+|\w+);/g, (entity) => entities[entity] ?? entity).replaceAll(/\\(['"])/g, '$1'));
  }
}

/** Of a parameter of paths or queries; the same words wherever it stands. */
export const parameterText = (name: string): string | undefined => texts.get(name);

export const descriptionsOf = (struct: string): Descriptions | undefined => loaded.get(struct);

const declaration = /\/\*\*\n((?:\s*\*(?!\/).*\n)*)\s*\*\/\n\s*(?:export declare class (\w+)|'([^']+)'\??:)/g;

/** Property names that are no identifiers are spelled with an underscore there. */
const jsonName = (property: string): string =>
  property.replace(/^_/, '').replace(/^x_kubernetes_(.*)$/, (_, rest: string) => `x-kubernetes-${rest.replaceAll('_', '-')}`);

export function parseDeclaration(text: string): Descriptions {
  let type = '';
  const fields = new Map<string, string>();
  for (const [, comment = '', className, property] of text.matchAll(declaration)) {
    const words = comment
      .split('\n')
      .map((line) => line.replace(/^\s*\* ?/, ''))
      .join('\n')
      .replaceAll(/\\(['"])/g, '$1')
      .trim();
    if (className !== undefined) type = words;
    else if (property !== undefined) fields.set(jsonName(property), words);
  }
  return { type, fields };
}
