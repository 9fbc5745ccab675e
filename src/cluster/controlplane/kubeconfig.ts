/** The administrator's kubeconfig as text. JSON is YAML, and needs no library to write. */
import type { KeyPair } from '../pki/pki.ts';

export interface KubeconfigOptions {
  server: string;
  /** PEM. */
  ca: string;
  user: string;
  credentials: KeyPair;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

export function kubeconfigText({ server, ca, user, credentials }: KubeconfigOptions): string {
  return `${[
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: knarr',
    '  cluster:',
    `    server: ${server}`,
    `    certificate-authority-data: ${base64(ca)}`,
    'users:',
    `- name: ${user}`,
    '  user:',
    `    client-certificate-data: ${base64(credentials.certificate)}`,
    `    client-key-data: ${base64(credentials.key)}`,
    'contexts:',
    '- name: knarr',
    '  context:',
    '    cluster: knarr',
    `    user: ${user}`,
    'current-context: knarr',
  ].join('\n')}\n`;
}
