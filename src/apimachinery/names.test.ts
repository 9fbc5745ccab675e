import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ip from './ip.ts';
import * as names from './names.ts';

const a = (count: number) => 'a'.repeat(count);

function table(check: (value: string) => string[], good: string[], bad: string[]) {
  for (const value of good) assert.deepEqual(check(value), [], `${value} is good`);
  for (const value of bad) assert.notDeepEqual(check(value), [], `${value} is bad`);
}

test('DNS labels', () => {
  table(names.validateDnsLabel, ['a', 'ab', '1', 'a-1', '0-a--b', a(63)], ['', 'A', '-', 'a-', '-a', 'a.b', 'a b', '_', a(64), 'a\n']);
  assert.deepEqual(names.validateDnsLabel('a.b'), ['must not contain dots']);
  assert.deepEqual(names.validateDnsLabel('A'), [
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  ]);
  table(names.validateDns1035Label, ['a', 'a1', 'a--1', a(63)], ['', '1', '1a', 'a.', 'A', a(64)]);
});

test('DNS subdomains', () => {
  table(names.validateDnsSubdomain, ['a', 'a.b', '0.0.0-a.b', a(253)], ['', '.', 'a.', '.a', 'a..b', 'A.a', 'a.-b', '_a', 'a@b', a(254)]);
  table(names.validateWildcardDnsSubdomain, ['*.example.com', '*.a.b-c.d'], ['', '*', '*.', '*.*.com', '*bar.com', 'f*.bar.com', 'a.*.com']);
  assert.deepEqual(names.validateDnsSubdomain('Foo')[0]?.includes("(e.g. 'example.com', regex used for validation is"), true);
});

test('qualified names and label values', () => {
  table(
    names.validateQualifiedName,
    ['simple', '1234', 'now.with.dots/simple', '1-num.2-num/3-num', 'example.com/Uppercase_Is_OK_123', a(63), `${a(253)}/${a(63)}`],
    ['', 'special%^=@', 'end-', '-start', 'only/one/slash', 'Example.com/abc', 'example_com/abc', 'example.com/', '/simple', a(64), `${a(254)}/abc`],
  );
  table(names.validateLabelValue, ['', 'simple', '1234', a(63)], ['%', 'Tama-nui-te-rā', '-a', 'a-', '.a', 'a.', a(64)]);
  assert.deepEqual(names.validateQualifiedName('/a'), ['prefix part must be non-empty']);
  assert.deepEqual(names.validateQualifiedName(a(64)), ['name part must be no more than 63 bytes']);
});

test('environment variables, keys, ports, percents, paths', () => {
  table(names.validateEnvVarName, ['A', '.a', '-a', 'a.b_c-1'], ['', '1a', '..', '.', '..a', 'a b', 'a=b']);
  table(names.validateRelaxedEnvVarName, ['1 a', '-', 'a:b'], ['', 'a=b', 'a\tb', 'ä']);
  table(names.validateConfigMapKey, ['a', '.a', 'A_b-1.c', a(253)], ['', '.', '..', '..a', 'a/b', a(254)]);
  table(names.validatePortName, ['telnet', 're-mail-ck', 'a', '1-a'], ['', '1', '1-1', '-a', 'a-', 'a--b', 'A', a(16), 'a_b']);
  table(names.validatePercent, ['0%', '1%', '101%'], ['', '1', '-1%', '1.0%', '%', 'a%']);
  table((text) => names.validatePortNumber(Number(text)), ['1', '65535'], ['0', '-1', '65536']);
  table(names.validatePathSegment, ['a', 'sha256:A@b', 'ñ', '..a'], ['.', '..', 'a/b', 'a%b']);
  table(names.validateCIdentifier, ['a', '_a1', 'A_b'], ['', '1', 'a-b', 'a b']);
});

test('the dash at the end of a generateName is no mistake', () => {
  assert.deepEqual(names.subdomainName('abc-', true), []);
  assert.notDeepEqual(names.subdomainName('abc-', false), []);
});

test('addresses are read leniently, and strictly in new fields', () => {
  table(
    ip.validateLegacyIp,
    ['1.2.3.4', '01.2.3.4', '::', '::1', '2001:db8::ffff', '::ffff:1.2.3.4', '0:0:0:0:0:0:0:1', '1::8:7:6:5:4:3'],
    ['', '1.2.3', '1.2.3.256', 'a.b.c.d', '1::2::3', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '::g', 'fe80::1%eth0', '1:2:3:4::5:6:7:8', ' 1.2.3.4'],
  );
  table(ip.validateIp, ['1.2.3.4', '2001:db8::1', '::1'], ['01.2.3.4', '::ffff:1.2.3.4', '2001:DB8::1', '2001:db8:0:0::1', '1.2.3.0x4']);
  assert.deepEqual(ip.validateIp('01.2.3.4'), ['must not have leading 0s']);
  assert.deepEqual(ip.validateIp('2001:db8:0::1'), ['must be in canonical form ("2001:db8::1")']);
  table(
    ip.validateLegacyCidr,
    ['1.0.0.0/8', '1.0.0.1/8', '::/0', '::ffff:1.2.3.0/120', '01.0.0.0/08'],
    ['', '1.0.0.0', '1.0.0.0/33', '::/129', '1.0.0.0/-1', '1.0.0.0/a'],
  );
  table(ip.validateCidr, ['1.0.0.0/8', '::/0', '2001:db8::/64'], ['1.0.0.1/8', '01.0.0.0/8', '1.0.0.0/08', '2001:DB8::/64']);
});

test('addresses are printed as RFC 5952 has it', () => {
  const cases = {
    '1.2.3.4': '1.2.3.4',
    '::ffff:1.2.3.4': '1.2.3.4',
    '0:0:0:0:0:0:0:0': '::',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '1:0:0:2:3:0:0:4': '1::2:3:0:0:4',
    'FE80::': 'fe80::',
    '::1.2.3.4': '::102:304',
  };
  for (const [text, expected] of Object.entries(cases)) assert.equal(ip.formatIp(ip.parseIp(text)!), expected);
  const cidr = ip.parseCidr('10.1.2.3/16')!;
  assert.equal(ip.formatCidr(cidr), '10.1.0.0/16');
  assert.equal(ip.cidrContains(cidr, ip.parseIp('10.1.255.1')!), true);
  assert.equal(ip.cidrContains(cidr, ip.parseIp('10.2.0.1')!), false);
  assert.equal(ip.cidrSize(cidr), 65536n);
  assert.deepEqual(ip.warningsForCidr('spec.a', '10.1.2.3/16'), [
    'spec.a: CIDR value "10.1.2.3/16" is ambiguous in this context (should be "10.1.0.0/16" or "10.1.2.3/32"?)',
  ]);
});
