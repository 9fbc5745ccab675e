/**
 * The serving certificate that the cluster signs: asked for with a certificate signing request that somebody has to approve,
 * kept in a file, and renewed well before its end. Source of the rule: KEP-267, and upstream's `certificate_manager.go`.
 */
import { createPrivateKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { kubeletServingSigner } from '../../api/certificates/v1/certificatesigningrequest/signers.ts';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import type { CertificateSigningRequest } from '../../api/certificates/v1/types.gen.ts';
import { createCertificateRequest } from '../../apimachinery/x509/request.ts';
import { type KubeletContext, messageOf } from '../context.ts';
import { sleep } from '../runtime/pleg.ts';

export interface Pair {
  cert: string;
  key: string;
}

export interface ServingCertificate {
  /** Nothing before the first request has been signed. */
  current(): Pair | undefined;
  /** Asks and renews until the kubelet stops. */
  run(): Promise<void>;
}

/** A request that nobody has signed by then is made anew. */
const patienceMs = 15 * 60_000;
const retryMs = { first: 2_000, last: 32_000 };
/** How often it looks whether the certificate is near its end, at most. */
const lookMs = 600_000;
/** The part of its life after which it is renewed: nodes that were made together don't ask together. */
const renewAfter = (random: number): number => 0.7 + 0.2 * random;

const keyMark = '-----BEGIN PRIVATE KEY-----';

/** Nothing when there is none that could be used. */
function readPair(file: string): Pair | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    const at = text.indexOf(keyMark);
    const pair = { cert: text.slice(0, at), key: text.slice(at) };
    return new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined;
  } catch {
    return undefined; // none yet, or a torn one: another is asked for
  }
}

/** Whether it names all of the hosts. */
const covers = (certificate: X509Certificate, hosts: readonly string[]): boolean =>
  hosts.every((host) => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)) !== undefined);

/** What a request has come to; throws when it will never be signed. */
function certificateOf({ metadata, status }: CertificateSigningRequest, uid: string | undefined): string | undefined {
  if (metadata.uid !== uid) throw new Error(`certificate signing request "${metadata.name}" was made anew by somebody else`);
  const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
  if (refused)
    throw new Error(
      `certificate signing request "${metadata.name}" was ${refused.type.toLowerCase()}: ${refused.message ?? refused.reason ?? 'no reason given'}`,
    );
  return status?.certificate ? Buffer.from(status.certificate, 'base64').toString() : undefined;
}

/** `changed` is called whenever there is another certificate. `random` gives numbers from 0 to 1. */
export function createServingCertificate(context: KubeletContext, changed: () => void, random = Math.random): ServingCertificate {
  const { options, client, log, signal, now, meters } = context;
  const { nodeName: node } = options;
  const hosts = [options.hostname ?? node, ...options.nodeIps];
  const directory = join(options.rootDir, 'pki');
  const file = join(directory, 'kubelet-server-current.pem');
  const requests = client.resource(certificatesigningrequests);
  const share = renewAfter(random());
  let pair = readPair(file);

  /** When it is to be renewed, in milliseconds since 1970. */
  function deadline(): number {
    if (!pair) return 0;
    const certificate = new X509Certificate(pair.cert);
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    return covers(certificate, hosts) ? from + (to - from) * share : 0;
  }

  async function signed(request: CertificateSigningRequest): Promise<string> {
    const { name, uid } = request.metadata;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    while (!patience.aborted) {
      const seen = await requests.get('', name);
      const already = certificateOf(seen, uid);
      if (already) return already;
      const query = { fieldSelector: `metadata.name=${name}`, resourceVersion: seen.metadata.resourceVersion };
      for await (const event of requests.watch('', query, patience)) {
        if (event.type === 'DELETED') throw new Error(`certificate signing request "${name}" was deleted`);
        const certificate = event.type === 'MODIFIED' ? certificateOf(event.object, uid) : undefined;
        if (certificate) return certificate;
      }
    }
    throw new Error(`certificate signing request "${name}" was not signed in time`);
  }

  async function renew(): Promise<void> {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = createCertificateRequest({ commonName: `system:node:${node}`, organizations: ['system:nodes'] }, hosts, keys);
    const request = await requests.create({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { generateName: 'csr-' } as CertificateSigningRequest['metadata'],
      spec: { request: Buffer.from(pem).toString('base64'), signerName: kubeletServingSigner, usages: ['digital signature', 'server auth'] },
    });
    log.info({ node, csr: request.metadata.name }, 'asked for a serving certificate');
    const cert = await signed(request);
    const before = pair && new X509Certificate(pair.cert);
    const next = { cert, key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
    if (!new X509Certificate(cert).checkPrivateKey(keys.privateKey)) throw new Error('the certificate that was signed is not of the key that asked');
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, `${next.cert}${next.key}`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    pair = next;
    if (before) meters.observe('certificate_manager_server_rotation_seconds', (now().getTime() - Date.parse(before.validFrom)) / 1000);
    changed();
  }

  return {
    current: () => pair,
    async run() {
      let wait = retryMs.first;
      while (!signal.aborted) {
        const left = deadline() - now().getTime();
        if (left > 0) {
          await sleep(Math.min(left, lookMs), signal);
          continue;
        }
        try {
          await renew();
          wait = retryMs.first;
        } catch (error) {
          if (signal.aborted) return;
          meters.count('server_expiration_renew_errors');
          log.error({ node, err: messageOf(error) }, 'the serving certificate could not be renewed');
          await sleep(wait, signal);
          wait = Math.min(wait * 2, retryMs.last);
        }
      }
    },
  };
}
