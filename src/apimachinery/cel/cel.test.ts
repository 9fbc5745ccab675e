import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCelEnvironment } from './environment.ts';
import { CelCompileError, CelEvaluationError, compileCel } from './program.ts';
import { celValue, jsonValue } from './values.ts';

const environment = createCelEnvironment({ object: 'dyn' });
const object = celValue({
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: { replicas: 3, ratio: 0.5, containers: [{ name: 'a', image: 'i', ports: [{ port: 80 }] }, { name: 'b' }] },
});
const evaluate = (expression: string): unknown => jsonValue(compileCel(environment, expression).evaluate({ object }));

const expressions: readonly (readonly [string, unknown])[] = [
  ['object.spec.replicas <= 5 && object.metadata.name.startsWith("w")', true],
  ['object.spec.replicas == 3.0 && object.spec.ratio < 1', true],
  ['has(object.spec.paused) ? object.spec.paused : false', false],
  ['has(object.spec.containers[0].ports[0].port) && !has(object.spec.containers.filter(c, c.name == "b")[0].ports)', true],
  ['has(object.?metadata.name) && !has(object.?nothing.name)', true],
  ['object.?spec == null || format.dns1123Label().validate("a") == null', false],
  ['object.spec.?paused.orValue(true)', true],
  ['object.spec.containers.all(c, has(c.name))', true],
  ['object.spec.containers.existsOne(c, c.name == "a")', true],
  ['object.metadata.labels.exists(k, k == "app")', true],
  ['object.metadata.labels.all(k, v, k.size() > 0 && v == "web")', true],
  ['[1, 2, 3].transformList(i, v, i > 0, i * v)', [2, 6]],
  ['{"a": 1}.transformMap(k, v, v + 1)', { a: 2 }],
  ['[3, 1, 2].sortBy(x, -x)', [3, 2, 1]],
  ['optional.of(2).optMap(x, x * 2).value()', 4],
  ['dyn(optional.of(2)).value() < object.spec.replicas', true],
  ['object.?nothing.optMap(x, x.a).orValue("none")', 'none'],
  ['{"a": 1, ?"b": object.?nothing, ?"c": optional.of(3)}', { a: 1, c: 3 }],
  ['[?object.?nothing, 1, ?optional.of(2)]', [1, 2]],
  ['Object{metadata: Object.metadata{labels: {"x": "y"}}, ?spec: optional.none()}', { metadata: { labels: { x: 'y' } } }],
  ['[JSONPatch{op: "add", path: "/a", value: {"b": 1}}]', [{ op: 'add', path: '/a', value: { b: 1 } }]],
  ['"abc".matches("(?i)^A.c$")', true],
  ['matches("abc", "b")', true],
  ['"a1b22".findAll("[0-9]+")', ['1', '22']],
  ['"%s has %d of %.2f, %x".format(["web", 3, 0.5, 255])', 'web has 3 of 0.50, ff'],
  ['"a,b".split(",").join("-").upperAscii().replace("A", "z").charAt(0)', 'z'],
  ['strings.quote("a\\"b")', '"a\\"b"'],
  ['[1, 3, 2].max() + [1, 2].sum()', 6],
  ['[[1, 2], [3]].flatten().slice(1, 3)', [2, 3]],
  ['sets.contains([1, 2, 3], [2, 3.0]) && !sets.intersects([1], [2])', true],
  ['quantity("1Gi").isGreaterThan(quantity("500M")) && quantity("50k").sub(20000) == quantity("30k")', true],
  ['quantity("2").asInteger() + (isQuantity("x") ? 1 : 0)', 2],
  ['url("https://user@example.com:8080/a b?x=1&x=2").getHost()', 'example.com:8080'],
  ['url("/p?q=1").getQuery()', { q: ['1'] }],
  ['isURL("nope")', false],
  ['ip("192.168.0.1").family() == 4 && cidr("192.168.0.0/24").containsIP("192.168.0.1") && !isIP("::ffff:1.2.3.4")', true],
  ['ip.isCanonical("2001:DB8::1")', false],
  ['cidr("10.0.0.1/8").masked() == cidr("10.0.0.0/8")', true],
  ['format.dns1123Label().validate("A").hasValue() && !format.named("uuid").value().validate("123e4567-e89b-12d3-a456-426614174000").hasValue()', true],
  ['semver("1.2.3").isLessThan(semver("1.10.0")) && semver("v1.2", true).minor() == 2', true],
  ['timestamp("2024-01-01T00:00:00Z") + duration("1h")', '2024-01-01T01:00:00Z'],
  ['cel.bind(n, object.spec.replicas, n + n)', 6],
  ['object.spec.containers.map(c, c.name).isSorted()', true],
  ['"x" in object.metadata.labels || object.metadata.labels["app"] == "web"', true],
  ['{"a": [{"b": {"c": 1}}]}.a[0].b.c', 1],
  ['// a comment\nobject.spec.containers[0].ports[0].port', 80],
];

for (const [expression, expected] of expressions) test(expression, () => assert.deepEqual(evaluate(expression), expected));

test('an expression that makes no sense is refused with its place', () => {
  assert.throws(
    () => compileCel(environment, 'object.spec ||'),
    (error: Error) => error instanceof CelCompileError && /^compilation failed: ERROR: <input>:1:\d+: Syntax error: /.test(error.message),
  );
  assert.throws(() => compileCel(environment, 'nothing == 1'), /undeclared reference to 'nothing'/);
  assert.throws(() => compileCel(environment, '"a" + 1'), CelCompileError);
  assert.throws(() => compileCel(environment, '1 + 1', ['bool']), { message: 'must evaluate to bool but got int' });
});

test('what goes wrong at run time says what was missing', () => {
  assert.throws(
    () => evaluate('object.spec.nope == 1'),
    (error: Error) => error instanceof CelEvaluationError && error.message === 'no such key: nope',
  );
  assert.throws(() => evaluate('object.spec.containers[7].name'), /index out of bounds/);
  assert.equal(evaluate('object.spec.nope == 1 || true'), true);
});

test('an evaluation that takes too long is cancelled, however it is wrapped', () => {
  const environment = createCelEnvironment({ self: 'dyn' });
  const self = Array.from({ length: 725 }, () => 20n);
  const message = 'operation cancelled: actual cost limit exceeded';
  for (const expression of ['self.all(x, self.all(y, y == x))', 'self.all(x, self.all(y, y == x)) || true', 'self.map(x, self.filter(y, y == x)).size() > 0']) {
    const program = compileCel(environment, expression, ['bool']);
    assert.throws(() => program.evaluate({ self }), { message });
    assert.equal(program.evaluate({ self: [20n] }), true);
  }
});

test('several evaluations share a budget', () => {
  const program = compileCel(createCelEnvironment({ self: 'dyn' }), 'self.all(x, x > 0)');
  const budget = { remaining: 100 };
  assert.equal(program.evaluate({ self: [1n, 2n] }, budget), true);
  assert.ok(budget.remaining < 100 && budget.remaining > 80);
  assert.throws(() => program.evaluate({ self: Array.from({ length: 100 }, () => 1n) }, budget), /running out of cost budget/);
});
