/** Paths that are no resources: discovery, the version, and what verifies service account tokens. */
import { capitalized, groupId, groupTag, mediaTypes, type Operation, type Path, pathOf } from './operations.ts';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';

function reading(path: string, id: string, tag: string, description: string, rest: Partial<Operation>): Path {
  const get: Operation = { id, tag, description, parameters: [], consumes: mediaTypes, produces: mediaTypes, codes: [200], ...rest };
  return pathOf(path, { get }) as Path;
}

const versions = 'get available API versions';

/** `''` is the core group, which has no document of its own. */
export const groupPath = (group: string): Path =>
  reading(`/apis/${group}/`, `get${groupId(group)}APIGroup`, groupTag(group), 'get information of a group', { response: `${meta}.APIGroup` });

export function versionPath(group: string, version: string): Path {
  const path = group === '' ? `/api/${version}/` : `/apis/${group}/${version}/`;
  const id = `get${groupId(group)}${capitalized(version)}APIResources`;
  return reading(path, id, `${groupTag(group)}_${version}`, 'get available resources', { response: `${meta}.APIResourceList` });
}

/** By where the index has them. */
export const serverPaths: Readonly<Record<string, Path>> = {
  api: reading('/api/', 'getCoreAPIVersions', 'core', versions, { response: `${meta}.APIVersions` }),
  apis: reading('/apis/', 'getAPIVersions', 'apis', versions, { response: `${meta}.APIGroupList` }),
  version: reading('/version/', 'getCodeVersion', 'version', 'get the version information for this server', {
    consumes: ['application/json'],
    produces: ['application/json'],
    response: 'io.k8s.apimachinery.pkg.version.Info',
  }),
  '.well-known/openid-configuration': reading(
    '/.well-known/openid-configuration/',
    'getServiceAccountIssuerOpenIDConfiguration',
    'WellKnown',
    "get service account issuer OpenID configuration, also known as the 'OIDC discovery doc'",
    { consumes: [], produces: ['application/json'] },
  ),
  'openid/v1/jwks': reading(
    '/openid/v1/jwks/',
    'getServiceAccountIssuerOpenIDKeyset',
    'openid',
    'get service account issuer OpenID JSON Web Key Set (contains public token verification keys)',
    { consumes: [], produces: ['application/jwk-set+json'] },
  ),
};
