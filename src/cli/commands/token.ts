/** `knarr token create`. */
import { secrets } from '../../api/core/v1/secret.ts';
import { createJoinToken, joinTokenSecret } from '../../cluster/bootstrap/token.ts';
import { adminClient, type ClusterOptions, existingCluster, parseDuration } from '../cluster.ts';

export async function createToken(options: ClusterOptions & { ttl: string; output: string }): Promise<void> {
  const expires = new Date(Date.now() + parseDuration(options.ttl));
  const client = await adminClient(existingCluster(options));
  try {
    const token = createJoinToken();
    await client.resource(secrets).create(joinTokenSecret(token, { expires, description: "made by 'knarr token create'" }));
    console.log(options.output === 'json' ? JSON.stringify({ token, expires: expires.toISOString() }) : token);
  } finally {
    await client.close();
  }
}
