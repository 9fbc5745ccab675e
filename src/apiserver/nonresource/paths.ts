/** Small answers by path. */
import { apiVersionOf } from '../../apimachinery/meta.ts';
import type { Reply } from '../exchange.ts';
import { textReply } from '../exchange.ts';
import type { KindRegistry } from '../registry.ts';
import type { PathHandler } from '../route.ts';

const jsonReply = (value: unknown): Reply => ({
  status: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-cache, private' },
  body: Buffer.from(JSON.stringify(value, null, 2)),
});

/** Answers one path with a fixed value. */
export function jsonPath(path: string, value: unknown): PathHandler {
  return ({ info }) => {
    if (info.path !== path && info.path !== `${path}/`) return undefined;
    return info.verb === 'get' ? jsonReply(value) : textReply(405, 'Method Not Allowed\n');
  };
}

/** `/`: the paths that there are. */
export function rootPath(registry: KindRegistry): PathHandler {
  return ({ info }) => {
    if (info.path !== '/') return undefined;
    const paths = new Set([
      '/.well-known/openid-configuration',
      '/api',
      '/apis',
      '/apis/',
      '/healthz',
      '/livez',
      '/metrics',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
    ]);
    for (const { definition } of registry.all()) {
      if (definition.group === '') paths.add(`/api/${definition.version}`);
      else paths.add(`/apis/${definition.group}`).add(`/apis/${apiVersionOf(definition.group, definition.version)}`);
    }
    return jsonReply({ paths: [...paths].sort() });
  };
}
