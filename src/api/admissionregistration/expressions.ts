/** The environments in which expressions of webhooks and admission policies are compiled: when they are written, and when a request comes. */
import { type CelEnvironment, createCelEnvironment } from '../../apimachinery/cel/environment.ts';
import { authorizer, authorizerType } from '../../apimachinery/cel/library/authorizer.ts';

const requestVariables = { object: 'dyn', oldObject: 'dyn', namespaceObject: 'dyn', request: 'dyn' } as const;

interface Options {
  /** The policy has a parameter kind. */
  params: boolean;
  authorizer: boolean;
  /** `variables.…`, of policies. */
  variables: boolean;
}

const made = new Map<string, CelEnvironment>();

function environment(options: Options): CelEnvironment {
  const key = JSON.stringify(options);
  let known = made.get(key);
  if (!known) {
    known = createCelEnvironment(
      { ...requestVariables, ...(options.params ? { params: 'dyn' } : {}), ...(options.variables ? { variables: 'dyn' } : {}) },
      options.authorizer ? [authorizer, (target) => target.registerVariable('authorizer', authorizerType)] : [],
    );
    made.set(key, known);
  }
  return known;
}

/** `matchConditions` of webhooks (without parameters) and policies: variables are not known yet. */
export const conditionEnvironment = (params: boolean): CelEnvironment => environment({ params, authorizer: true, variables: false });
/** Validations, mutations, variables and audit annotations. */
export const policyEnvironment = (params: boolean): CelEnvironment => environment({ params, authorizer: true, variables: true });
/** Messages are made without asking for permissions. */
export const policyMessageEnvironment = (params: boolean): CelEnvironment => environment({ params, authorizer: false, variables: true });
