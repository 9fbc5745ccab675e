/** Which addresses can be those of an endpoint. */

import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue } from '../../../../apimachinery/fieldpath.ts';
import type { IpAddress } from '../../../../apimachinery/ip.ts';
import { parseCidr, parseIp } from '../../../../apimachinery/ip.ts';

const inRange = (...cidrs: string[]): ((address: IpAddress) => boolean) => {
  const ranges = cidrs.map((cidr) => parseCidr(cidr)!);
  return ({ family, bits }) =>
    ranges.some(({ network, prefixLength }) => {
      const hostBits = BigInt((family === 4 ? 32 : 128) - prefixLength);
      return network.family === family && bits >> hostBits === network.bits >> hostBits;
    });
};

const isLoopback = inRange('127.0.0.0/8', '::1/128');
const isLinkLocal = inRange('169.254.0.0/16', 'fe80::/10');
/** ff02::/16 and its like: the scope is in the low four bits of the second byte. */
const isLinkLocalMulticast = (address: IpAddress): boolean =>
  address.family === 4 ? inRange('224.0.0.0/24')(address) : ((address.bits >> 112n) & 0xff0fn) === 0xff02n;

/** Of Endpoints, EndpointSlices and external IPs: no address that means something else on every node. */
export function validateEndpointIp(value: string, path: FieldPath): FieldError[] {
  const address = parseIp(value);
  if (!address) return [invalidValue(path, value, 'must be a valid IP address')];
  const errors: FieldError[] = [];
  if (address.bits === 0n) errors.push(invalidValue(path, value, `may not be unspecified (${value})`));
  if (isLoopback(address)) errors.push(invalidValue(path, value, 'may not be in the loopback range (127.0.0.0/8, ::1/128)'));
  if (isLinkLocal(address)) errors.push(invalidValue(path, value, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'));
  if (isLinkLocalMulticast(address)) {
    errors.push(invalidValue(path, value, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'));
  }
  return errors;
}
