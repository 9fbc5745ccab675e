/** `AdmissionRequest` of admission.k8s.io/v1: what webhooks are sent, and what expressions call `request`. */
import { apiVersionOf } from '../../../apimachinery/meta.ts';
import type { AdmissionAttributes } from '../../contracts.ts';
import type { VersionedRequest } from './versions.ts';

const optionsKind = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions', DELETE: 'DeleteOptions', CONNECT: '' } as const;

/** With the kind that a client of the API would write. */
function typedOptions({ operation, options }: AdmissionAttributes): Record<string, unknown> {
  return options['kind'] !== undefined || operation === 'CONNECT'
    ? options
    : { kind: optionsKind[operation], apiVersion: apiVersionOf('meta.k8s.io', 'v1'), ...options };
}

/** Without the objects. */
export function admissionRequest(
  attributes: AdmissionAttributes,
  { kind, definition }: VersionedRequest,
  requested: VersionedRequest,
): Record<string, unknown> {
  const { user, subresource, name, namespace, operation, dryRun } = attributes;
  const resourceOf = ({ definition: { group, version, plural } }: Pick<VersionedRequest, 'definition'>): Record<string, string> => ({
    group,
    version,
    resource: plural,
  });
  return {
    kind: { ...kind },
    resource: resourceOf({ definition }),
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: { ...requested.kind },
    requestResource: resourceOf(requested),
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid ? { uid: user.uid } : {}),
      groups: user.groups,
      ...(user.extra && Object.keys(user.extra).length > 0 ? { extra: user.extra } : {}),
    },
    dryRun,
    options: typedOptions(attributes),
  };
}
