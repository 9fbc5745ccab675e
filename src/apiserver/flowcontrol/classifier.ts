/**
 * Which schema a request belongs to. What a user's requests can match at all is found out once: for most users
 * that is a single schema, and then nothing has to be looked at any more.
 */
import type { PolicyRulesWithSubjects } from '../../api/flowcontrol/v1/types.gen.ts';
import type { UserInfo } from '../../api/kind.ts';
import type { RequestInfo } from '../contracts.ts';
import type { SchemaConfig } from './config.ts';
import { matchesEverything, matchesRequest, matchesSubject } from './matching.ts';

interface Candidate<S> {
  schema: S;
  rules: readonly PolicyRulesWithSubjects[];
  /** Whatever the user asks for, this is it. */
  everything: boolean;
}

interface Known<S> {
  groups: readonly string[];
  resources: readonly Candidate<S>[];
  paths: readonly Candidate<S>[];
}

const mostUsers = 10_000;

const sameGroups = (one: readonly string[], other: readonly string[]): boolean =>
  one === other || (one.length === other.length && one.every((group, index) => group === other[index]));

export class Classifier<S extends { readonly config: SchemaConfig }> {
  readonly #schemas: readonly S[];
  readonly #fallback: S;
  readonly #users = new Map<string, Known<S>>();

  /** `schemas` in the order in which they are tried. */
  constructor(schemas: readonly S[], fallback: S) {
    this.#schemas = schemas;
    this.#fallback = fallback;
  }

  classify(user: UserInfo, info: RequestInfo): S {
    let known = this.#users.get(user.username);
    if (known === undefined || !sameGroups(known.groups, user.groups)) known = this.#learn(user);
    for (const candidate of info.isResourceRequest ? known.resources : known.paths) {
      if (candidate.everything || candidate.rules.some((rules) => matchesRequest(rules, info))) return candidate.schema;
    }
    return this.#fallback;
  }

  #learn(user: UserInfo): Known<S> {
    if (this.#users.size >= mostUsers) this.#users.clear();
    const known = { groups: user.groups, resources: this.#candidates(user, true), paths: this.#candidates(user, false) };
    this.#users.set(user.username, known);
    return known;
  }

  /** Up to the first that takes everything. */
  #candidates(user: UserInfo, resources: boolean): Candidate<S>[] {
    const candidates: Candidate<S>[] = [];
    for (const schema of this.#schemas) {
      const rules = schema.config.rules.filter(
        (one) => one.subjects.some((subject) => matchesSubject(user, subject)) && (resources ? one.resourceRules : one.nonResourceRules)?.length,
      );
      if (rules.length === 0) continue;
      const everything = rules.some((one) => matchesEverything(one, resources));
      candidates.push({ schema, rules, everything });
      if (everything) break;
    }
    return candidates;
  }
}
