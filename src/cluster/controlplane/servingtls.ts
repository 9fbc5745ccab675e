/** Versions, ciphers and further certificates of the TLS port, as flags name them. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, getCiphers, type SecureVersion } from 'node:tls';
import { UserError } from '../config.ts';
import type { flagReader } from './flagvalues.ts';

export interface ServingTls {
  minVersion?: SecureVersion;
  /** As OpenSSL names them, with colons between. */
  ciphers?: string;
  /** By the names that clients ask for; the first that matches is taken. */
  certificates?: readonly { names: readonly string[]; cert: string; key: string }[];
}

type Reader = ReturnType<typeof flagReader>;

const versions: Readonly<Record<string, SecureVersion>> = { VersionTLS10: 'TLSv1', VersionTLS11: 'TLSv1.1', VersionTLS12: 'TLSv1.2', VersionTLS13: 'TLSv1.3' };

/** Of TLS 1.3: these are always there, as in Go. */
const always = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

/** Names of IANA that Go's library knows, and OpenSSL's for them. */
const suites: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_RC4_128_SHA: 'RC4-SHA',
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: 'DES-CBC3-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_RC4_128_SHA: 'ECDHE-ECDSA-RC4-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_RC4_128_SHA: 'ECDHE-RSA-RC4-SHA',
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: 'ECDHE-RSA-DES-CBC3-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
};

function ciphersOf(reader: Reader): string | undefined {
  const names = reader.list('tls-cipher-suites');
  if (!names) return undefined;
  const there = new Set(getCiphers());
  const chosen = names
    .filter((name) => !always.includes(name))
    .map((name) => {
      const suite = suites[name];
      if (suite === undefined || !there.has(suite.toLowerCase()))
        throw new UserError(`--tls-cipher-suites: Cipher suite ${name} not supported or doesn't exist`, 2);
      return suite;
    });
  return [...always, ...chosen].join(':');
}

function minVersionOf({ text }: Reader): SecureVersion | undefined {
  const name = text('tls-min-version');
  if (name === undefined) return undefined;
  const version = versions[name];
  if (version === undefined) throw new UserError(`--tls-min-version: unknown tls version ${JSON.stringify(name)}`, 2);
  return version;
}

/** The names that a certificate is for. */
function namesOf(cert: string): string[] {
  const { subject, subjectAltName } = new X509Certificate(cert);
  const names = (subjectAltName ?? '').split(', ').flatMap((one) => (one.startsWith('DNS:') ? [one.slice(4)] : []));
  const common = /^CN=(.+)$/m.exec(subject)?.[1];
  return names.length > 0 ? names : common === undefined ? [] : [common];
}

const certificateFlag = 'tls-sni-cert-key';

function certificateOf(value: string): { names: string[]; explicit: boolean; cert: string; key: string } {
  const colon = value.indexOf(':');
  const [certFile, keyFile, ...rest] = (colon < 0 ? value : value.slice(0, colon)).split(',').map((one) => one.trim());
  if (!certFile || !keyFile || rest.length > 0)
    throw new UserError(`--${certificateFlag}: '${value}': expected comma separated certificate and key file paths`, 2);
  const names =
    colon < 0
      ? []
      : value
          .slice(colon + 1)
          .split(',')
          .map((one) => one.trim())
          .filter(Boolean);
  try {
    const [cert, key] = [certFile, keyFile].map((file) => readFileSync(file, 'utf8')) as [string, string];
    createSecureContext({ cert, key });
    return { names: names.length > 0 ? names : namesOf(cert), explicit: names.length > 0, cert, key };
  } catch (error) {
    throw new UserError(`--${certificateFlag}: failed to load SNI cert and key: ${(error as Error).message}`);
  }
}

function certificatesOf({ texts }: Reader): ServingTls['certificates'] {
  const found = texts(certificateFlag)?.map(certificateOf);
  // Names that were given go before those that certificates have.
  return found?.sort((one, other) => Number(other.explicit) - Number(one.explicit)).map(({ names, cert, key }) => ({ names, cert, key }));
}

/** @throws {UserError} */
export function servingTlsOf(reader: Reader): ServingTls {
  const [minVersion, ciphers, certificates] = [minVersionOf(reader), ciphersOf(reader), certificatesOf(reader)];
  return { ...(minVersion ? { minVersion } : {}), ...(ciphers ? { ciphers } : {}), ...(certificates ? { certificates } : {}) };
}
