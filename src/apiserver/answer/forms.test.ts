/** Tables and bare metadata, in both versions of each, as lists and as watches, in JSON and in protobuf. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { structOfKind } from '../../api/schema.ts';
import { decodeEnvelope, decodeProtobuf } from '../../apimachinery/codec/protobuf.ts';
import type { Struct } from '../../apimachinery/schema.ts';
import { startTestServer } from '../testing/server.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const watch = `${maps}?watch=1&resourceVersion=0&timeoutSeconds=1`;
const json = 'application/json';
const protobuf = 'application/vnd.kubernetes.protobuf';
const as = (encoding: string, kind: string, version: string): { accept: string } => ({ accept: `${encoding};as=${kind};v=${version};g=meta.k8s.io` });

async function withObject() {
  const running = await startTestServer();
  await running.request('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { b: 'c' } }, data: { d: 'e' } });
  return running;
}

function decoded(bytes: Uint8Array): Record<string, any> {
  const { apiVersion, kind, raw } = decodeEnvelope(bytes);
  return { apiVersion, kind, ...decodeProtobuf(structOfKind(apiVersion, kind) as Struct, raw) };
}

for (const version of ['v1', 'v1beta1']) {
  const apiVersion = `meta.k8s.io/${version}`;

  test(`${version}: a list and a watch as tables`, async () => {
    await using running = await withObject();
    const { body } = await running.request('GET', maps, undefined, as(json, 'Table', version));
    assert.deepEqual([body.kind, body.apiVersion, body.rows[0].cells.slice(0, 2)], ['Table', apiVersion, ['a', 1]]);
    assert.equal(body.rows[0].object.apiVersion, apiVersion);
    const { bytes } = await running.request('GET', watch, undefined, as(json, 'Table', version));
    const { type, object } = JSON.parse(bytes.toString().split('\n')[0] as string);
    assert.deepEqual([type, object.kind, object.apiVersion, object.rows[0].cells[0]], ['ADDED', 'Table', apiVersion, 'a']);
  });

  test(`${version}: an object, a list and a watch as metadata alone`, async () => {
    await using running = await withObject();
    for (const encoding of [json, protobuf]) {
      const read = (bytes: Buffer): Record<string, any> => (encoding === json ? JSON.parse(bytes.toString()) : decoded(bytes));
      const one = read((await running.request('GET', `${maps}/a`, undefined, as(encoding, 'PartialObjectMetadata', version))).bytes);
      assert.deepEqual([one.kind, one.apiVersion, one.metadata.labels, one.data], ['PartialObjectMetadata', apiVersion, { b: 'c' }, undefined]);
      const list = read((await running.request('GET', maps, undefined, as(encoding, 'PartialObjectMetadataList', version))).bytes);
      assert.deepEqual([list.kind, list.apiVersion, list.items[0].metadata.name], ['PartialObjectMetadataList', apiVersion, 'a']);
      const { bytes } = await running.request('GET', watch, undefined, as(encoding, 'PartialObjectMetadata', version));
      if (encoding === json) assert.deepEqual(JSON.parse(bytes.toString().split('\n')[0] as string).object, one);
      else {
        const event = decodeProtobuf(structOfKind('v1', 'WatchEvent') as Struct, bytes.subarray(4, 4 + bytes.readUInt32BE(0)));
        assert.deepEqual([event['type'], decoded(event['object'] as Uint8Array)], ['ADDED', one]);
      }
    }
  });
}

test('a watch in protobuf is frames of events with the whole object', async () => {
  await using running = await withObject();
  const { bytes, headers } = await running.request('GET', watch, undefined, { accept: protobuf });
  assert.equal(headers['content-type'], `${protobuf};stream=watch`);
  const event = decodeProtobuf(structOfKind('v1', 'WatchEvent') as Struct, bytes.subarray(4, 4 + bytes.readUInt32BE(0)));
  const object = decoded(event['object'] as Uint8Array);
  assert.deepEqual([event['type'], object.kind, object.metadata.name, object.data], ['ADDED', 'ConfigMap', 'a', { d: 'e' }]);
});
