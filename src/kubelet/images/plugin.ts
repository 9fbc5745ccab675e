/** Runs a credential provider: a request on standard input, an answer on standard output. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ProviderConfig } from './providers.ts';

export interface PluginResponse {
  cacheKeyType: 'Image' | 'Registry' | 'Global';
  /** A Go duration; the provider's default when absent. */
  cacheDuration?: string;
  auth: Record<string, { username?: string; password?: string }>;
}

export interface PluginRequest {
  image: string;
  serviceAccountToken?: string;
  serviceAccountAnnotations?: Record<string, string>;
}

const timeoutMs = 60_000;

/** Throws when the program fails, takes longer than a minute, or answers something else. */
export async function execPlugin({ name, apiVersion, args = [], env = [] }: ProviderConfig, binDir: string, request: PluginRequest): Promise<PluginResponse> {
  const child = spawn(join(binDir, name), args, {
    env: { ...process.env, ...Object.fromEntries(env.map((one) => [one.name, one.value])) },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  child.stdin.on('error', () => {}); // a program that ends without reading
  child.stdin.end(JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, ...request }));
  const ended = new Promise<number | string>((resolve, reject) => child.once('error', reject).once('close', (code, signal) => resolve(code ?? signal ?? '')));
  const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0)
    throw new Error(`error execing credential provider plugin ${name}: ${typeof code === 'number' ? `exit status ${code}` : code}: ${stderr.trim()}`);
  let answer: Partial<PluginResponse> & { kind?: string; apiVersion?: string };
  try {
    answer = JSON.parse(stdout);
  } catch (error) {
    throw new Error(`error decoding credential provider plugin response from stdout: ${(error as Error).message}`);
  }
  if (answer.kind !== 'CredentialProviderResponse') throw new Error(`failed to decode CredentialProviderResponse, unexpected Kind: "${answer.kind ?? ''}"`);
  if (answer.apiVersion !== apiVersion)
    throw new Error(`apiVersion from credential plugin response did not match expected apiVersion:${apiVersion}, actual apiVersion:${answer.apiVersion ?? ''}`);
  const { cacheKeyType, cacheDuration, auth = {} } = answer;
  if (cacheKeyType !== 'Image' && cacheKeyType !== 'Registry' && cacheKeyType !== 'Global')
    throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${cacheKeyType ?? ''}`);
  return { cacheKeyType, auth, ...(cacheDuration === undefined ? {} : { cacheDuration }) };
}
