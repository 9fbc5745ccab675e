/** Flags about how the API server serves. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { selfSigned } from '../../apiserver/testing/tls.ts';
import type { ApiServerFlags } from './apiserverflags.ts';
import { featureGates } from './featuregates.ts';
import { flagReader } from './flagvalues.ts';
import { servingOf } from './serving.ts';

const serving = (flags: ApiServerFlags) => servingOf(flagReader(flags));

test('flags have upstream’s meaning; what is not given is left to the server', () => {
  assert.deepEqual(serving({}), { server: { flowControl: {} }, tls: {}, featureGates: new Map() });
  const { server, maxStreams, eventTtlSeconds } = serving({
    'max-requests-inflight': ['10'],
    'max-mutating-requests-inflight': ['0'],
    'enable-priority-and-fairness': ['false'],
    'request-timeout': ['90s'],
    'min-request-timeout': ['60'],
    'shutdown-delay-duration': ['1m'],
    'shutdown-send-retry-after': ['true'],
    'goaway-chance': ['.001'],
    'http2-max-streams-per-connection': ['7'],
    'livez-grace-period': ['5s'],
    'event-ttl': ['30m'],
    'feature-gates': ['APIResponseCompression=false', 'kube:WatchList=true'],
    profiling: ['false'],
    'strict-transport-security-directives': ['max-age=1,preload'],
    'cors-allowed-origins': ['//example\\.com(:|$)'],
  });
  assert.deepEqual(server, {
    flowControl: { maxReadOnly: 10, maxMutating: 0, enabled: false },
    requestTimeoutMs: 90_000,
    minRequestTimeoutSeconds: 60,
    shutdownDelayMs: 60_000,
    shutdownSendRetryAfter: true,
    goawayChance: 0.001,
    livezGraceMs: 5_000,
    profiling: false,
    corsAllowedOrigins: [/\/\/example\.com(:|$)/],
    strictTransportSecurity: ['max-age=1', 'preload'],
    compressResponses: false,
  });
  assert.deepEqual([maxStreams, eventTtlSeconds], [7, 1800]);
});

test('what no server could do is refused', () => {
  const wrong: [ApiServerFlags, RegExp][] = [
    [{ 'goaway-chance': ['0.03'] }, /--goaway-chance can not be less than 0 or greater than 0.02/],
    [{ 'goaway-chance': ['often'] }, /'often' is no number/],
    [{ 'request-timeout': ['0s'] }, /more than nothing/],
    [{ 'max-requests-inflight': ['0'], 'max-mutating-requests-inflight': ['0'] }, /must be positive/],
    [{ 'runtime-config': ['api/all=false'] }, /--runtime-config=api\/all=false conflicts with --enable-priority-and-fairness=true/],
    [{ 'default-watch-cache-size': ['0'] }, /does not serve without its watch cache/],
    [{ 'cors-allowed-origins': ['example.com'] }, /does not pin to start\/end of host in the origin header/],
    [{ 'cors-allowed-origins': ['//example(.com$'] }, /invalid regular expression/],
    [{ 'strict-transport-security-directives': ['max-age'] }, /allowed values: max-age=expireTime, includeSubDomains, preload/],
    [{ 'tls-min-version': ['VersionSSL3'] }, /unknown tls version "VersionSSL3"/],
    [{ 'tls-cipher-suites': ['TLS_NONE'] }, /Cipher suite TLS_NONE not supported or doesn't exist/],
    [{ 'tls-sni-cert-key': ['only.crt'] }, /expected comma separated certificate and key file paths/],
    [{ 'tls-sni-cert-key': ['/none.crt,/none.key'] }, /failed to load SNI cert and key: ENOENT/],
  ];
  for (const [flags, message] of wrong) assert.throws(() => serving(flags), message);
});

test('feature gates are upstream’s: known, unknown, locked; what there is one way only is refused another', () => {
  const gates = (...pairs: string[]) => serving({ 'feature-gates': pairs }).featureGates;
  assert.equal(featureGates.get('WatchList')?.enabled, true);
  assert.deepEqual(
    [...gates('APIServerIdentity=true,AllAlpha=false')],
    [
      ['APIServerIdentity', true],
      ['AllAlpha', false],
    ],
  );
  assert.throws(() => gates('NoSuchThing=true'), /unrecognized feature gate: NoSuchThing/);
  assert.throws(() => gates('NoSuchThing'), /missing bool value for NoSuchThing/);
  assert.throws(() => gates('AllAlpha=maybe'), /invalid value of AllAlpha=maybe, err: strconv.ParseBool: parsing "maybe": invalid syntax/);
  assert.throws(() => gates('AuthorizeNodeWithSelectors=false'), /cannot set feature gate AuthorizeNodeWithSelectors to false, feature is locked to true/);
  assert.throws(() => gates('AllAlpha=true'), /AllAlpha is always off in knarr/);
});

test('TLS: versions and ciphers by their names, certificates by the names that clients ask for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'serving-'));
  try {
    const { cert, key } = selfSigned();
    for (const [name, text] of Object.entries({ cert, key })) writeFileSync(join(directory, name), text);
    const pair = `${directory}/cert,${directory}/key`;
    const { tls } = serving({
      'tls-min-version': ['VersionTLS13'],
      'tls-cipher-suites': ['TLS_AES_128_GCM_SHA256,TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      'tls-sni-cert-key': [pair, `${pair}:*.example.com,example.com`],
    });
    assert.equal(tls.minVersion, 'TLSv1.3');
    assert.match(tls.ciphers ?? '', /^TLS_AES_128_GCM_SHA256:.*:ECDHE-RSA-AES128-GCM-SHA256$/);
    assert.deepEqual(tls.certificates?.[0]?.names, ['*.example.com', 'example.com']);
    assert.equal(tls.certificates?.length, 2);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
