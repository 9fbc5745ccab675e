/**
 * How a machine becomes a node with nothing but a server's address and a token, as kubeadm does it: the token proves the CA
 * (its signature over `kube-public/cluster-info`), then the machine (a certificate signing request that is approved by itself).
 */
import 'reflect-metadata';
import { createHmac, randomBytes, timingSafeEqual, webcrypto } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { PemConverter, Pkcs10CertificateRequestGenerator } from '@peculiar/x509';
import { parse } from 'yaml';
import { certificatesigningrequests } from '../../api/certificates/v1/certificatesigningrequest.ts';
import { configmaps } from '../../api/core/v1/configmap.ts';
import type { ConfigMap } from '../../api/core/v1/types.gen.ts';
import type { Client } from '../../client/client.ts';
import { createHttpsTransport, type HttpsTransportOptions } from '../../client/https.ts';
import { createClient } from '../../client/rest.ts';
import { UserError } from '../config.ts';
import type { KeyPair } from '../pki/pki.ts';

const tokenShape = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const approvalPatienceMs = 60_000;

const clientOf = (options: HttpsTransportOptions): Client => createClient(createHttpsTransport(options), { userAgent: 'knarr-agent' });

/** The CA of the cluster, proven by the token. */
export async function discoverCa(server: string, token: string): Promise<string> {
  const match = tokenShape.exec(token);
  if (!match) throw new UserError("that is no token; 'knarr token create' on the server prints one, such as abcdef.0123456789abcdef", 2);
  const [, id, secret] = match as unknown as [string, string, string];
  const info = await readClusterInfo(server);
  const kubeconfig = info.data?.kubeconfig;
  const signature = info.data?.[`jws-kubeconfig-${id}`];
  if (!kubeconfig || !signature) throw new UserError(`the server ${server} does not know this token, or it has expired`);
  if (!isSignedBy(secret, kubeconfig, signature))
    throw new UserError(`the server ${server} can't prove that it knows the token: it may not be the one that made it`);
  const parsed = parse(kubeconfig) as { clusters?: { cluster?: { 'certificate-authority-data'?: string } }[] };
  const data = parsed.clusters?.[0]?.cluster?.['certificate-authority-data'];
  if (!data) throw new UserError(`the server ${server} does not tell its CA`);
  return Buffer.from(data, 'base64').toString();
}

/** The one request whose answer is not trusted until its signature is checked. */
async function readClusterInfo(server: string): Promise<ConfigMap> {
  const client = clientOf({ server, insecureSkipTlsVerify: true });
  try {
    return await client.resource(configmaps).get('kube-public', 'cluster-info');
  } catch (error) {
    throw new UserError(`can't read the cluster's information from ${server}: ${(error as Error).message}`);
  } finally {
    await client.close();
  }
}

/** A JWS without its payload (RFC 7797's idea): header and HMAC-SHA-256 over `header.payload`. */
function isSignedBy(secret: string, payload: string, detached: string): boolean {
  const [header, empty, signature] = detached.split('.');
  if (header === undefined || empty !== '' || signature === undefined) return false;
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as { alg?: string };
  if (alg !== 'HS256') return false;
  const expected = createHmac('sha256', secret)
    .update(`${header}.${Buffer.from(payload).toString('base64url')}`)
    .digest();
  const given = Buffer.from(signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** A client certificate for `system:node:<node>`, asked for with a token or, to renew it, with the one before. */
export async function requestNodeCertificate(transport: HttpsTransportOptions, node: string): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: [{ O: ['system:nodes'] }, { CN: [`system:node:${node}`] }],
    keys,
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
  });
  const client = clientOf(transport);
  try {
    const resource = client.resource(certificatesigningrequests);
    const name = `node-csr-${randomBytes(16).toString('base64url').replaceAll(/[-_]/g, 'x').toLowerCase()}`;
    await resource.create({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name },
      spec: {
        request: Buffer.from(request.toString('pem')).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['digital signature', 'client auth'],
      },
    });
    const certificate = await approved(client, name);
    const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return { certificate, key };
  } finally {
    await client.close();
  }
}

async function approved(client: Client, name: string): Promise<string> {
  const deadline = Date.now() + approvalPatienceMs;
  while (Date.now() < deadline) {
    const { status } = await client.resource(certificatesigningrequests).get('', name);
    if (status?.certificate) return Buffer.from(status.certificate, 'base64').toString();
    const refused = status?.conditions?.find((one) => one.type === 'Denied' || one.type === 'Failed');
    if (refused) throw new UserError(`the cluster refused to sign this node's certificate: ${refused.message ?? refused.reason ?? refused.type}`);
    await sleep(100);
  }
  throw new UserError(`the certificate signing request ${name} was not approved in time; 'kubectl certificate approve ${name}' does it`);
}
