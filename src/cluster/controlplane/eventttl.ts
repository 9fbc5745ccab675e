import { builtinKinds } from '../../api/index.ts';
import type { KindDefinition } from '../../api/kind.ts';

/** All built-in kinds; events are remembered for so long. */
export const kindsWithEventTtl = (seconds: number): readonly KindDefinition[] =>
  builtinKinds.map((definition) => (definition.plural === 'events' ? { ...definition, ttlSeconds: () => seconds } : definition));
