import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from './json.ts';
import { jsonSyntaxError } from './jsonerror.ts';

const expected: Record<string, string> = {
  '': 'unexpected end of JSON input',
  '{"a":"b': 'unexpected end of JSON input',
  hello: "invalid character 'h' looking for beginning of value",
  '{a:1}': "invalid character 'a' looking for beginning of object key string",
  '{"a" 1}': "invalid character '1' after object key",
  '{"a":1 "b":2}': `invalid character '"' after object key:value pair`,
  '[1 2]': "invalid character '2' after array element",
  '{} x': "invalid character 'x' after top-level value",
  '"a\nb"': "invalid character '\\n' in string literal",
  '"\\q"': "invalid character 'q' in string escape code",
  '"\\u12g4"': "invalid character 'g' in \\u hexadecimal character escape",
  trux: "invalid character 'x' in literal true (expecting 'e')",
  '-x': "invalid character 'x' in numeric literal",
  '1.x': "invalid character 'x' after decimal point in numeric literal",
  '1e': 'unexpected end of JSON input',
  '01': "invalid character '1' after top-level value",
  "'a'": "invalid character '\\'' looking for beginning of value",
};

test('a text that is no JSON is refused in the words of Go’s decoder', () => {
  for (const [text, message] of Object.entries(expected)) {
    assert.equal(jsonSyntaxError(text), message, text);
    assert.throws(() => parseJson(text), { name: 'SyntaxError', message });
  }
});

test('what is JSON has no error', () => {
  for (const text of ['{}', '[]', ' {"a":[1,-0.5e+3,true,null,"\\u00e9 é"],"b":{"c":{}}} ', '0']) assert.equal(jsonSyntaxError(text), undefined, text);
});
