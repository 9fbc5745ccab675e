/** The usages that a request may name, and what they are in a certificate. */
import type { ExtendedKeyUsage, KeyUsage } from '../../../../apimachinery/x509/certificate.ts';

const keyUsages: Readonly<Record<string, KeyUsage>> = {
  signing: 'digitalSignature',
  'digital signature': 'digitalSignature',
  'content commitment': 'contentCommitment',
  'key encipherment': 'keyEncipherment',
  'key agreement': 'keyAgreement',
  'data encipherment': 'dataEncipherment',
  'cert sign': 'keyCertSign',
  'crl sign': 'cRLSign',
  'encipher only': 'encipherOnly',
  'decipher only': 'decipherOnly',
};

const extendedUsages: Readonly<Record<string, ExtendedKeyUsage>> = {
  any: 'any',
  'server auth': 'serverAuth',
  'client auth': 'clientAuth',
  'code signing': 'codeSigning',
  'email protection': 'emailProtection',
  's/mime': 'emailProtection',
  'ipsec end system': 'ipsecEndSystem',
  'ipsec tunnel': 'ipsecTunnel',
  'ipsec user': 'ipsecUser',
  timestamping: 'timeStamping',
  'ocsp signing': 'ocspSigning',
  'microsoft sgc': 'microsoftServerGatedCrypto',
  'netscape sgc': 'netscapeServerGatedCrypto',
};

export const knownUsages: readonly string[] = [...Object.keys(keyUsages), ...Object.keys(extendedUsages)].sort();

/** @throws `Error` that names what is not known */
export function certificateUsages(usages: readonly string[]): { keyUsages: KeyUsage[]; extendedKeyUsages: ExtendedKeyUsage[] } {
  const unknown = usages.filter((usage) => !knownUsages.includes(usage));
  if (unknown.length > 0) throw new Error(`unrecognized usage values: [${unknown.map((usage) => JSON.stringify(usage)).join(' ')}]`);
  const of = <T>(table: Readonly<Record<string, T>>): T[] => [...new Set(usages.flatMap((usage) => table[usage] ?? []))];
  return { keyUsages: of(keyUsages), extendedKeyUsages: of(extendedUsages) };
}
