import type { TokenRequest } from '../../authentication/v1/types.gen.ts';
import { ageColumn, nameColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import type { ServiceAccount } from './types.gen.ts';

const mountableSecrets = 'kubernetes.io/enforce-mountable-secrets';

/** Of a reference to a secret only the name counts. */
function keepSecretNames(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceaccounts = defineKind<ServiceAccount>({
  group: '',
  version: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  singular: 'serviceaccount',
  shortNames: ['sa'],
  namespaced: true,
  verbs: allVerbs,
  schema: 'io.k8s.api.core.v1.ServiceAccount',
  returnsDeletedObject: true,
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  warnings: (account, old) =>
    account.metadata.annotations?.[mountableSecrets] === undefined || old?.metadata.annotations?.[mountableSecrets] !== undefined
      ? []
      : [`metadata.annotations[${mountableSecrets}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`],
  columns: [nameColumn, ageColumn],
  subresources: {
    token: {
      type: 'custom',
      verbs: ['create'],
      responseKind: { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' },
      setDefaults: (body) => {
        (body as TokenRequest).spec.expirationSeconds ??= 3600;
      },
    },
  },
});
