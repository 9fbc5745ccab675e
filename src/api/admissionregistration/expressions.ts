/** The environments in which expressions of webhooks and admission policies are compiled: when they are written, and when a request comes. */
import { type CelEnvironment, createCelEnvironment } from '../../apimachinery/cel/environment.ts';
import { authorizer, authorizerType } from '../../apimachinery/cel/library/authorizer.ts';

const objectVariables = { object: 'dyn', oldObject: 'dyn', request: 'dyn' } as const;

interface Options {
  /** The policy has a parameter kind. */
  params: boolean;
  authorizer: boolean;
  namespaceObject: boolean;
  /** `variables.…`, of policies. */
  variables: boolean;
}

const made = new Map<string, CelEnvironment>();

function environment(options: Options): CelEnvironment {
  const key = JSON.stringify(options);
  let known = made.get(key);
  if (!known) {
    known = createCelEnvironment(
      {
        ...objectVariables,
        ...(options.params ? { params: 'dyn' } : {}),
        ...(options.namespaceObject ? { namespaceObject: 'dyn' } : {}),
        ...(options.variables ? { variables: 'dyn' } : {}),
      },
      options.authorizer ? [authorizer, (target) => target.registerVariable('authorizer', authorizerType)] : [],
    );
    made.set(key, known);
  }
  return known;
}

/** `matchConditions` of webhooks. */
export const webhookConditionEnvironment = (): CelEnvironment => environment({ params: false, authorizer: true, namespaceObject: false, variables: false });
/** `matchConditions` of policies: parameters are known, variables are not yet. */
export const policyConditionEnvironment = (params: boolean): CelEnvironment =>
  environment({ params, authorizer: true, namespaceObject: true, variables: false });
/** Validations, mutations, variables and audit annotations. */
export const policyEnvironment = (params: boolean): CelEnvironment => environment({ params, authorizer: true, namespaceObject: true, variables: true });
/** Messages and audit annotations are made without asking for permissions. */
export const policyMessageEnvironment = (params: boolean): CelEnvironment => environment({ params, authorizer: false, namespaceObject: true, variables: true });
