import type { Environment } from '@marcbachmann/cel-js';

/** Adds functions, types and macros to an environment. */
export type Library = (environment: Environment) => void;

type Handler = (...values: any[]) => unknown;

/** A function that never waits. */
export function define(environment: Environment, signature: string, handler: Handler): void {
  environment.registerFunction(signature, handler, { async: false });
}

/** Makes `<name>.f(…)` possible: a constant of a type of its own, whose methods are registered as `<Type>.f(…)`. */
export function namespace(environment: Environment, name: string, type: string): void {
  const holder = class {};
  environment.registerType(type, holder);
  environment.registerConstant(name, type, new holder());
}
