import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { changeProblems, problems } from '../../testing/validate.ts';
import { clustertrustbundles } from './clustertrustbundle.ts';

const [anchor = '', other = ''] = rootCertificates;
const bundle = (name: string, trustBundle: string, signerName?: string) => ({
  metadata: { name },
  spec: { trustBundle, ...(signerName ? { signerName } : {}) },
});

test('a bundle holds trust anchors, each once', () => {
  assert.deepEqual(problems(clustertrustbundles, bundle('roots', `${anchor}\n${other}\n`)), []);
  const at = 'spec.trustBundle: Invalid value: "<value omitted>":';
  assert.deepEqual(problems(clustertrustbundles, bundle('roots', 'text')), [`${at} at least one trust anchor must be provided`]);
  assert.deepEqual(problems(clustertrustbundles, bundle('roots', `${anchor}\n${anchor}\n`)), [`${at} duplicate trust anchor (indices [0 1])`]);
  assert.deepEqual(problems(clustertrustbundles, bundle('roots', anchor.replaceAll('CERTIFICATE', 'KEY'))), [`${at} entry 0 has bad block type: KEY`]);
});

test("a signer's bundle bears its name, and stays its", () => {
  assert.deepEqual(problems(clustertrustbundles, bundle('example.com:signer:v1', anchor, 'example.com/signer')), []);
  assert.deepEqual(problems(clustertrustbundles, bundle('v1', anchor, 'example.com/signer')), [
    'metadata.name: Invalid value: "v1": ClusterTrustBundle for signerName example.com/signer must be named with prefix example.com:signer:',
  ]);
  const change = changeProblems(clustertrustbundles, bundle('example.com:signer:v1', anchor, 'example.com/signer'), ({ spec }) => {
    spec.signerName = 'example.com/other';
  });
  assert.equal(change.at(-1), 'spec.signerName: Invalid value: "example.com/other": field is immutable');
});
