/** Reading a configuration file: YAML or JSON, of one kind, without unknown or duplicate fields. */
import { readFileSync } from 'node:fs';
import { parseYamlStrict } from '../../apimachinery/codec/yaml.ts';
import { decodeObject, typeMetaOf } from '../../apimachinery/decode/object.ts';
import type { FieldError } from '../../apimachinery/fieldpath.ts';
import type { Struct } from '../../apimachinery/schema.ts';

/** What is wrong with a file that the user gave; the message names the flag, the file and the field. */
export class ConfigurationError extends Error {
  constructor(flag: string, file: string, problem: string, options?: { cause?: unknown }) {
    super(`--${flag}: ${file}: ${problem}`, options);
    this.name = 'ConfigurationError';
  }
}

export interface FileKind<T> {
  /** Whose value the file is, for messages: `authentication-config`. */
  flag: string;
  kind: string;
  /** Those that are read, all in the same form. */
  apiVersions: readonly string[];
  struct: Struct;
  setDefaults?(config: T): void;
  /** What is wrong with it, by field. */
  validate(config: T): readonly FieldError[];
}

/** @throws {ConfigurationError} */
export function readText(flag: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(flag, file, (error as Error).message, { cause: error });
  }
}

/** @throws {ConfigurationError} */
export const readConfiguration = <T>(of: FileKind<T>, file: string): T => parseConfiguration(of, file, readText(of.flag, file));

/** @throws {ConfigurationError} */
export function parseConfiguration<T>(of: FileKind<T>, file: string, text: string): T {
  const fail = (problem: string, cause?: unknown): ConfigurationError => new ConfigurationError(of.flag, file, problem, { cause });
  if (text.trim() === '') throw fail('the file is empty');
  let config: T;
  try {
    const { value, errors } = parseYamlStrict(text);
    const { apiVersion, kind } = typeMetaOf(value);
    if (kind !== of.kind || !of.apiVersions.includes(apiVersion)) {
      throw new Error(
        `it is ${kind ? `a ${kind}` : 'of no kind'} of apiVersion ${JSON.stringify(apiVersion)}, not a ${of.kind} of ${of.apiVersions.join(' or ')}`,
      );
    }
    const decoded = decodeObject<T & object>(of.struct, value, { validation: 'Strict', prior: errors });
    if (decoded.strictErrors.length > 0) throw new Error(`strict decoding error: ${decoded.strictErrors.join(', ')}`);
    config = decoded.object;
  } catch (error) {
    throw fail((error as Error).message, error);
  }
  of.setDefaults?.(config);
  const wrong = of.validate(config);
  if (wrong.length > 0) throw fail(wrong.length === 1 ? (wrong[0] as FieldError).message() : `[${wrong.map((one) => one.message()).join(', ')}]`);
  return config;
}
