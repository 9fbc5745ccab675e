import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyEncoding, negotiate, textEncodings } from './accept.ts';

test('the best of what a client accepts is chosen', () => {
  assert.equal(negotiate(undefined).encoding, 'json');
  assert.equal(negotiate('*/*').encoding, 'json');
  assert.equal(negotiate('application/yaml').encoding, 'yaml');
  assert.equal(negotiate('application/vnd.kubernetes.protobuf,application/json').encoding, 'protobuf');
  assert.equal(negotiate('application/vnd.kubernetes.protobuf,application/json', textEncodings).encoding, 'json');
  assert.equal(negotiate('application/json;q=0.5,application/yaml').encoding, 'yaml');
  const table = negotiate('application/json;as=Table;v=v1;g=meta.k8s.io,application/json');
  assert.deepEqual([table.as, table.asVersion], ['Table', 'v1']);
  // A form that is not to be had is passed over.
  assert.equal(negotiate('application/json;as=Other;v=v1;g=meta.k8s.io,application/json').as, '');
  assert.throws(() => negotiate('application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io'), { reason: 'NotAcceptable' });
  assert.throws(() => negotiate('text/html'), { reason: 'NotAcceptable' });
});

test('the encoding of a body is what its header says', () => {
  assert.equal(bodyEncoding(undefined), 'json');
  assert.equal(bodyEncoding('application/json; charset=utf-8'), 'json');
  assert.equal(bodyEncoding('application/yaml'), 'yaml');
  assert.throws(() => bodyEncoding('application/vnd.kubernetes.protobuf', textEncodings), { reason: 'UnsupportedMediaType' });
});

test('what one resource can show is not remembered for another', () => {
  assert.equal(negotiate('application/yaml', textEncodings).encoding, 'yaml');
  assert.throws(() => negotiate('application/yaml', ['json', 'protobuf'], true, true, 'collection'), /accepted: application\/json;stream=watch, application/);
});
