/**
 * The CEL environment of Kubernetes: the language's own functions, and the libraries that upstream 1.36 has in every expression.
 * Source of the rule: apiserver `pkg/cel/environment`. What evaluations may cost is bounded in `meter.ts`, more roughly than upstream does.
 */
import { Environment } from '@marcbachmann/cel-js';
import { addresses } from './library/addresses.ts';
import { formats } from './library/formats.ts';
import { lists } from './library/lists.ts';
import { literals } from './library/literals.ts';
import { macros } from './library/macros.ts';
import { quantities } from './library/quantities.ts';
import { regex } from './library/regex.ts';
import type { Library } from './library/register.ts';
import { strings } from './library/strings.ts';
import { urls } from './library/urls.ts';
import { versions } from './library/versions.ts';

export type { Library } from './library/register.ts';

const libraries: readonly Library[] = [literals, macros, strings, regex, lists, urls, quantities, addresses, formats, versions];

let base: Environment | undefined;

/** Made once, when the first expression is compiled. */
function baseEnvironment(): Environment {
  if (base) return base;
  base = new Environment({ enableOptionalTypes: true, homogeneousAggregateLiterals: false });
  for (const library of libraries) library(base);
  return base;
}

export interface CelEnvironment {
  readonly environment: Environment;
}

/**
 * An environment with these variables, by type: `dyn`, `string`, `list<dyn>`, … or a type of one of the libraries.
 * Making one is expensive; keep it.
 */
export function createCelEnvironment(variables: Readonly<Record<string, string>>, more: readonly Library[] = []): CelEnvironment {
  const environment = baseEnvironment().clone();
  for (const library of more) library(environment);
  for (const [name, type] of Object.entries(variables)) environment.registerVariable(name, type);
  return { environment };
}
