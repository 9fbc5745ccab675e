import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from '../../../../../apimachinery/fieldpath.ts';
import type { JSONSchemaProps, ValidationRule } from '../../types.gen.ts';
import { validateVersionSchema } from '../schema.ts';

const wrong = (openAPIV3Schema: JSONSchemaProps): string[] =>
  validateVersionSchema({ openAPIV3Schema }, { status: false, lenient: false, unchanged: false }, path()).map((error) => error.message());

const problems = (properties: Record<string, JSONSchemaProps>, ...rules: ValidationRule[]): string[] =>
  wrong({ type: 'object', properties: { spec: { type: 'object', properties, 'x-kubernetes-validations': rules } } });

const integers: JSONSchemaProps = { type: 'array', maxItems: 1000, items: { type: 'integer' } };
const things: JSONSchemaProps = {
  type: 'array',
  maxItems: 16,
  items: { type: 'object', properties: { name: { type: 'string' }, labels: { type: 'object', maxProperties: 10, additionalProperties: { type: 'string' } } } },
};

test('rules that name what is there are taken', () => {
  for (const rule of [
    'self.x + self.y > 0',
    'self.a.isSorted() && (self.a.sum() % 2 == 0)',
    'self.a.all(x, self.a.all(y, y == x))',
    'has(self.things[0].name) && self.things.exists(t, t.name == "a" && t.labels.all(k, v, k != v))',
    'self.things.filter(t, has(t.labels)).map(t, t.name).size() < 3',
    'self.things.all(t, !("app" in t.labels) || t.labels.app == "web" || t.labels["app"] == "db")',
    'self.__for__ == 1 && self.a__dash__b == 2',
    'self.port == 80 || self.port == "http"',
    'self.?z.hasValue() || true',
    'cel.bind(t, self.things[0], t.name != "")',
  ])
    assert.deepEqual(
      problems(
        {
          x: { type: 'integer' },
          y: { type: 'integer' },
          a: integers,
          things,
          for: { type: 'integer' },
          'a-b': { type: 'integer' },
          port: { 'x-kubernetes-int-or-string': true },
        },
        { rule },
      ),
      [],
      rule,
    );
});

test('rules that name what can not be there are refused, and so is what is no expression', () => {
  const refused = (rule: string, what: RegExp): void => {
    const [first] = problems({ x: { type: 'integer' }, things }, { rule });
    assert.ok(first?.startsWith('openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value:'), first);
    assert.match(first ?? '', what);
  };
  refused('self.z == 100', /compilation failed: ERROR: <input>:1:5: undefined field 'z'/);
  refused('self.things.all(t, t.nome == "a")', /undefined field 'nome'/);
  refused('has(self.things[0].nome)', /undefined field 'nome'/);
  refused('self = 42', /Syntax error/);
  refused('other == 1', /undeclared reference to 'other'/);
  refused('self.x + 1', /must evaluate to a bool/);
});

test('rules over lists without a limit cost too much', () => {
  const inner: JSONSchemaProps = { type: 'array', items: { type: 'string' }, 'x-kubernetes-validations': [{ rule: "self.all(s, s == 'a')" }] };
  const [first, ...others] = problems({ x: { type: 'array', items: inner } });
  assert.equal(
    first,
    'openAPIV3Schema.properties[spec].properties[x].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)',
  );
  assert.equal(others.length, 2);
  assert.deepEqual(problems({ x: { type: 'array', maxItems: 10, items: { ...inner, maxItems: 10 } } }), []);
});

test('what was there before is known only of values that have an identity', () => {
  const item = (more: JSONSchemaProps): JSONSchemaProps => ({
    type: 'array',
    maxItems: 10,
    items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } }, 'x-kubernetes-validations': [{ rule: 'self.k == oldSelf.k' }] },
    ...more,
  });
  assert.match(
    problems({ x: item({}) }).join(),
    /oldSelf cannot be used on the uncorrelatable portion of the schema within openAPIV3Schema\.properties\[spec\]\.properties\[x\]/,
  );
  assert.deepEqual(problems({ x: item({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'] }) }), []);
});

test('the root of an object has a name', () => {
  const rooted = (rule: string) => wrong({ type: 'object', 'x-kubernetes-validations': [{ rule }] }).length;
  assert.equal(rooted("self.metadata.name.startsWith('a') && self.kind != ''"), 0);
  assert.equal(rooted('self.metadata.labels.size() == 0'), 1);
});
