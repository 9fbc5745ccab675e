/** Tokens with which machines join: `<id>.<secret>`, as kubeadm makes them. */
import { randomBytes } from 'node:crypto';
import type { Secret } from '../../api/core/v1/types.gen.ts';
import { timeOf } from '../../apimachinery/meta.ts';
import { joiningGroup } from './roles/joining.ts';

const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

function randomText(length: number): string {
  let text = '';
  while (text.length < length) {
    // 252 is the greatest multiple of 36 in a byte: beyond it, some characters would be likelier.
    for (const byte of randomBytes(length)) if (byte < 252 && text.length < length) text += alphabet[byte % alphabet.length];
  }
  return text;
}

export const createJoinToken = (): string => `${randomText(6)}.${randomText(16)}`;

/** The Secret of kube-system that makes the token valid. Without `expires` it is valid until the Secret is deleted. */
export function joinTokenSecret(token: string, options: { expires?: Date; description?: string } = {}): Secret {
  const [id = '', secret = ''] = token.split('.');
  return {
    metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': id,
      'token-secret': secret,
      'usage-bootstrap-authentication': 'true',
      'usage-bootstrap-signing': 'true',
      'auth-extra-groups': joiningGroup,
      ...(options.expires ? { expiration: timeOf(options.expires) } : {}),
      ...(options.description ? { description: options.description } : {}),
    },
  };
}
