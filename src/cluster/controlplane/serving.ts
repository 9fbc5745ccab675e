/** How the API server serves: what its flags about load, time limits, connections and TLS come to. */
import type { ServingOptions } from '../../apiserver/serving.ts';
import { UserError } from '../config.ts';
import type { ApiServerFlag } from './apiserverflags.ts';
import { parseFeatureGates } from './featuregates.ts';
import type { flagReader } from './flagvalues.ts';
import { type ServingTls, servingTlsOf } from './servingtls.ts';

export interface Serving {
  server: ServingOptions;
  tls: ServingTls;
  /** HTTP/2 streams at a time on a connection. */
  maxStreams?: number;
  eventTtlSeconds?: number;
  featureGates: ReadonlyMap<string, boolean>;
}

type Reader = ReturnType<typeof flagReader>;

const highestGoawayChance = 0.02;
const corsHelp =
  "List of allowed origins for CORS, comma separated. An allowed origin can be a regular expression to support subdomain matching. If this list is empty CORS will not be enabled. Please ensure each expression matches the entire hostname by anchoring to the start with '^' or including the '//' prefix, and by anchoring to the end with '$' or including the ':' port separator suffix. Examples of valid expressions are '//example.com(:|$)' and '^https://example.com(:|$)'";

function chanceOf({ text }: Reader): number | undefined {
  const given = text('goaway-chance');
  if (given === undefined) return undefined;
  const chance = Number(given);
  if (given.trim() === '' || Number.isNaN(chance)) throw new UserError(`--goaway-chance: '${given}' is no number`, 2);
  if (chance < 0 || chance > highestGoawayChance) throw new UserError('--goaway-chance can not be less than 0 or greater than 0.02', 2);
  return chance;
}

function originsOf(reader: Reader): RegExp[] | undefined {
  return reader.list('cors-allowed-origins')?.map((origin) => {
    let expression: RegExp;
    try {
      expression = new RegExp(origin);
    } catch (error) {
      throw new UserError(`--cors-allowed-origins has an invalid regular expression: ${(error as Error).message}, help: ${corsHelp}`, 2);
    }
    // One that is not held at both ends would match hosts that only contain the name.
    if (/\^|\/\//.test(origin) && /[$:]/.test(origin.replace(/^\^?[\w+.-]*:\/\//, ''))) return expression;
    const why = 'regular expression does not pin to start/end of host in the origin header';
    throw new UserError(`--cors-allowed-origins has an invalid regular expression: ${why}, help: ${corsHelp}`, 2);
  });
}

function transportSecurityOf(reader: Reader): readonly string[] | undefined {
  const directives = reader.list('strict-transport-security-directives');
  for (const one of directives ?? []) {
    if (one === 'includeSubDomains' || one === 'preload' || /^max-age=[^=]*$/.test(one)) continue;
    throw new UserError(
      '--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information',
      2,
    );
  }
  return directives;
}

function flowControlOf({ count, toggle, list }: Reader): ServingOptions['flowControl'] {
  const maxReadOnly = count('max-requests-inflight');
  const maxMutating = count('max-mutating-requests-inflight');
  const enabled = toggle('enable-priority-and-fairness');
  if (enabled !== false) {
    if ((maxReadOnly ?? 1) + (maxMutating ?? 1) <= 0)
      throw new UserError('--max-requests-inflight and --max-mutating-requests-inflight: their sum must be positive with priority and fairness', 2);
    const apis = list('runtime-config') ?? [];
    for (const one of ['flowcontrol.apiserver.k8s.io/v1', 'api/ga', 'api/all']) {
      if (apis.includes(`${one}=false`)) throw new UserError(`--runtime-config=${one}=false conflicts with --enable-priority-and-fairness=true`, 2);
      if (apis.includes(`${one}=true`)) break;
    }
  }
  return given({ maxReadOnly, maxMutating, enabled });
}

/** Leaves out what is undefined, so that defaults apply. */
const given = <T extends object>(values: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

function positive(flag: ApiServerFlag, milliseconds: number | undefined): number | undefined {
  if (milliseconds === 0) throw new UserError(`--${flag}: it must be more than nothing`, 2);
  return milliseconds;
}

function gatesOf(reader: Reader): ReadonlyMap<string, boolean> {
  try {
    return parseFeatureGates(reader.list('feature-gates') ?? []);
  } catch (error) {
    throw new UserError(`--feature-gates: ${(error as Error).message}`, 2);
  }
}

/** @throws {UserError} for what no server could do, in upstream's words */
export function servingOf(reader: Reader): Serving {
  const { count, duration, toggle } = reader;
  if (count('default-watch-cache-size') === 0) throw new UserError('--default-watch-cache-size: knarr does not serve without its watch cache', 2);
  const eventTtl = positive('event-ttl', duration('event-ttl'));
  const maxStreams = count('http2-max-streams-per-connection');
  const featureGates = gatesOf(reader);
  return {
    server: given<ServingOptions>({
      flowControl: flowControlOf(reader),
      requestTimeoutMs: positive('request-timeout', duration('request-timeout')),
      minRequestTimeoutSeconds: count('min-request-timeout'),
      shutdownDelayMs: duration('shutdown-delay-duration'),
      shutdownSendRetryAfter: toggle('shutdown-send-retry-after'),
      goawayChance: chanceOf(reader),
      livezGraceMs: duration('livez-grace-period'),
      profiling: toggle('profiling'),
      corsAllowedOrigins: originsOf(reader),
      strictTransportSecurity: transportSecurityOf(reader),
      compressResponses: featureGates.get('APIResponseCompression'),
    }),
    tls: servingTlsOf(reader),
    ...(maxStreams ? { maxStreams } : {}),
    ...(eventTtl === undefined ? {} : { eventTtlSeconds: Math.max(1, Math.ceil(eventTtl / 1000)) }),
    featureGates,
  };
}
