/** IP addresses and CIDRs. */
import { type Cidr, cidrContains, formatCidr, formatIp, type IpAddress, parseCidr, parseIp } from '../../ip.ts';
import { define, type Library, namespace } from './register.ts';

export class CelIp {
  readonly value: IpAddress;

  constructor(value: IpAddress) {
    this.value = value;
  }

  compareTo(other: unknown): number {
    return other instanceof CelIp && other.value.family === this.value.family && other.value.bits === this.value.bits ? 0 : 1;
  }
}

export class CelCidr {
  readonly value: Cidr;

  constructor(value: Cidr) {
    this.value = value;
  }

  compareTo(other: unknown): number {
    if (!(other instanceof CelCidr)) return 1;
    const { address, prefixLength } = other.value;
    return address.family === this.value.address.family && address.bits === this.value.address.bits && prefixLength === this.value.prefixLength ? 0 : 1;
  }
}

/** The strict grammar: no leading zeros, no IPv4 in IPv6, no zones. */
function strictIp(text: string): IpAddress | undefined {
  const address = parseIp(text);
  return address && !address.sloppy && !address.mapped ? address : undefined;
}

function strictCidr(text: string): Cidr | undefined {
  const cidr = parseCidr(text);
  return cidr && !cidr.sloppy && !cidr.address.mapped ? cidr : undefined;
}

function ipOf(text: string): CelIp {
  const address = strictIp(text);
  if (!address) throw new Error(`IP Address ${JSON.stringify(text)} parse error during conversion from string`);
  return new CelIp(address);
}

function cidrOf(text: string): CelCidr {
  const cidr = strictCidr(text);
  if (!cidr) throw new Error(`network address parse error during conversion from string: invalid CIDR ${JSON.stringify(text)}`);
  return new CelCidr(cidr);
}

const inRange = ({ family, bits }: IpAddress, v4: string, v6: string): boolean => {
  const cidr = parseCidr(family === 4 ? v4 : v6);
  return cidr !== undefined && cidrContains(cidr, { family, bits });
};
const isUnspecified = ({ bits }: IpAddress): boolean => bits === 0n;
const isLoopback = (address: IpAddress): boolean => inRange(address, '127.0.0.0/8', '::1/128');
const isLinkLocalMulticast = ({ family, bits }: IpAddress): boolean =>
  family === 4 ? inRange({ family, bits }, '224.0.0.0/24', '') : bits >> 120n === 0xffn && ((bits >> 112n) & 0xfn) === 2n;
const isLinkLocalUnicast = (address: IpAddress): boolean => inRange(address, '169.254.0.0/16', 'fe80::/10');
const isMulticast = (address: IpAddress): boolean => inRange(address, '224.0.0.0/4', 'ff00::/8');
const isBroadcast = ({ family, bits }: IpAddress): boolean => family === 4 && bits === 0xffffffffn;
const isGlobalUnicast = (address: IpAddress): boolean =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast, isBroadcast].some((test) => test(address));

const [ip, cidr] = ['net.IP', 'net.CIDR'];

export const addresses: Library = (environment) => {
  environment.registerType(ip, CelIp);
  environment.registerType(cidr, CelCidr);
  namespace(environment, 'ip', 'IPNamespace');
  define(environment, `ip(string): ${ip}`, ipOf);
  define(environment, 'isIP(string): bool', (text: string) => strictIp(text) !== undefined);
  define(environment, 'IPNamespace.isCanonical(string): bool', (_: unknown, text: string) => formatIp(ipOf(text).value) === text);
  define(environment, `string(${ip}): string`, ({ value }: CelIp) => formatIp(value));
  define(environment, `${ip}.family(): int`, ({ value }: CelIp) => BigInt(value.family));
  const tests = { isUnspecified, isLoopback, isLinkLocalMulticast, isLinkLocalUnicast, isGlobalUnicast };
  for (const [name, test] of Object.entries(tests)) define(environment, `${ip}.${name}(): bool`, ({ value }: CelIp) => test(value));
  environment.registerOperator(`${ip} == ${ip}`, (a: CelIp, b: CelIp) => a.compareTo(b) === 0);

  define(environment, `cidr(string): ${cidr}`, cidrOf);
  define(environment, 'isCIDR(string): bool', (text: string) => strictCidr(text) !== undefined);
  define(environment, `string(${cidr}): string`, ({ value }: CelCidr) => `${formatIp(value.address)}/${value.prefixLength}`);
  const containsIp = (a: CelCidr, b: CelIp): boolean => a.value.network.family === b.value.family && cidrContains(a.value, b.value);
  const containsCidr = (a: CelCidr, b: CelCidr): boolean =>
    a.value.network.family === b.value.network.family && a.value.prefixLength <= b.value.prefixLength && cidrContains(a.value, b.value.network);
  define(environment, `${cidr}.containsIP(${ip}): bool`, containsIp);
  define(environment, `${cidr}.containsIP(string): bool`, (a: CelCidr, b: string) => containsIp(a, ipOf(b)));
  define(environment, `${cidr}.containsCIDR(${cidr}): bool`, containsCidr);
  define(environment, `${cidr}.containsCIDR(string): bool`, (a: CelCidr, b: string) => containsCidr(a, cidrOf(b)));
  define(environment, `${cidr}.ip(): ${ip}`, ({ value }: CelCidr) => new CelIp(value.address));
  define(environment, `${cidr}.masked(): ${cidr}`, ({ value }: CelCidr) => cidrOf(formatCidr(value)));
  define(environment, `${cidr}.prefixLength(): int`, ({ value }: CelCidr) => BigInt(value.prefixLength));
  environment.registerOperator(`${cidr} == ${cidr}`, (a: CelCidr, b: CelCidr) => a.compareTo(b) === 0);
};
