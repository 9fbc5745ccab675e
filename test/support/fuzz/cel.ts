/** CEL: expressions of every sort in policies and in the rules of custom resources, compiled, and evaluated on objects. */
import { anyText, anyValue, jsonText, mutateBytes } from './mutate.ts';
import { namespace } from './objects.ts';
import type { Random } from './random.ts';
import type { FuzzRequest } from './requests.ts';

const atoms = [
  'object',
  'oldObject',
  'request',
  'params',
  'self',
  'oldSelf',
  'authorizer',
  'namespaceObject',
  'variables',
  'variables.a',
  'object.metadata.name',
  'object.data',
  'object.data.constructor',
  'object.data["__proto__"]',
  'object.metadata.labels',
  '{"toString": 1}',
  'request.userInfo.groups',
  'true',
  'false',
  'null',
  '0',
  '1',
  '-1',
  '1u',
  '1.5',
  '1e400',
  '9223372036854775807',
  '9223372036854775808',
  '""',
  '"a"',
  "'a'",
  'r"a"',
  'b"a"',
  '"""a"""',
  '[]',
  '[1, 2]',
  '{}',
  '{"a": 1}',
  '["a"]',
  'type(1)',
  'x',
  'duration("1s")',
  'timestamp("2026-01-01T00:00:00Z")',
];
const methods = [
  'size()',
  'startsWith("a")',
  'endsWith("a")',
  'contains("a")',
  'matches("a+")',
  'matches("(a+)+$")',
  'matches("[")',
  'split(",")',
  'replace("a", "b")',
  'substring(1, 0)',
  'charAt(-1)',
  'indexOf("a")',
  'join(",")',
  'sum()',
  'min()',
  'isSorted()',
  'lowerAscii()',
  'trim()',
  'all(x, x > 0)',
  'exists(x, x == 1)',
  'exists_one(x, true)',
  'map(x, x)',
  'filter(x, x != null)',
  'map(x, x > 0, x * 2)',
  'all(i, x, x > i)',
  'find("a")',
  'findAll("a", -1)',
  'getHours()',
  'asInteger()',
  'compareTo(quantity("1"))',
  'family()',
  'getHost()',
  'group("a")',
  'a',
  '?a',
  'format(["a", 1])',
];
const functions = [
  'size',
  'has',
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'bytes',
  'type',
  'dyn',
  'duration',
  'timestamp',
  'quantity',
  'isQuantity',
  'url',
  'isURL',
  'ip',
  'cidr',
  'isIP',
  'semver',
  'isSemver',
  'format.named',
  'matches',
  'optional.of',
  'cel.bind',
  'lists.range',
  'sets.contains',
];
const operators = ['+', '-', '*', '/', '%', '==', '!=', '<', '<=', '>', '>=', '&&', '||', 'in', '=', '.', ',', '<<'];

export function celExpression(random: Random, depth = 0): string {
  if (depth > 5 || random.oneIn(3)) return random.oneIn(12) ? JSON.stringify(anyText(random).slice(0, 300)) : random.pick(atoms);
  const inner = (): string => celExpression(random, depth + 1);
  switch (random.below(8)) {
    case 0:
      return `${inner()}.${random.pick(methods)}`;
    case 1:
      return `${random.pick(functions)}(${Array.from({ length: 1 + random.below(2) }, inner).join(', ')})`;
    case 2:
      return `${inner()} ? ${inner()} : ${inner()}`;
    case 3:
      return `${inner()}[${inner()}]`;
    case 4:
      return `${random.pick(['!', '-', '--', '!!'])}${inner()}`;
    case 5:
      return `(${inner()})`;
    default:
      return `${inner()} ${random.pick(operators)} ${inner()}`;
  }
}

function anyExpression(random: Random): string {
  if (random.oneIn(100)) return random.pick(['('.repeat(3000), '!'.repeat(3000), '[1].map(x, '.repeat(50), 'a.'.repeat(3000), '1+'.repeat(3000)]);
  const text = celExpression(random);
  return random.oneIn(4) ? mutateBytes(random, Buffer.from(text), 1).toString('utf8') : text;
}

export const widgets = { group: 'fuzz.example.com', plural: 'widgets' };

/** A custom resource whose rules look at everything that a widget may hold. */
export const widgetDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.fuzz.example.com' },
  spec: {
    group: widgets.group,
    scope: 'Namespaced',
    names: { plural: widgets.plural, singular: 'widget', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  text: { type: 'string', maxLength: 200, default: 'a' },
                  number: { type: 'integer' },
                  either: { 'x-kubernetes-int-or-string': true },
                  list: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 50 } },
                  map: { type: 'object', maxProperties: 20, additionalProperties: { type: 'integer' } },
                  constructor: { type: 'string', maxLength: 20 },
                  toString: { type: 'string', default: 'a' },
                  open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
                'x-kubernetes-validations': [
                  { rule: '!has(self.number) || 100 / self.number < 1000', messageExpression: '"number is " + string(self.number)' },
                  { rule: '!has(self.text) || self.text.matches("^[a-z]*$") || self.text.size() < 300' },
                  { rule: '!has(self.constructor) || self.constructor != "b"' },
                  { rule: '!has(self.list) || self.list.all(x, x.size() < 40)' },
                  { rule: '!has(oldSelf.text) || !has(self.text) || self.text.startsWith(oldSelf.text.substring(0, 1))' },
                ],
              },
            },
          },
        },
      },
    ],
  },
};

const widgetFields = ['constructor', 'toString', '__proto__', 'text', 'number', 'either', 'list', 'map', 'open', 'other'];

/** A policy that looks at the fuzzer's config maps alone, and lets them pass. */
export const policyName = 'fuzz';
const policy = (expressions: readonly string[]): object => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: policyName },
  spec: {
    failurePolicy: 'Ignore',
    matchConstraints: { resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['*'] }] },
    variables: [{ name: 'a', expression: expressions[0] }],
    validations: [{ expression: expressions[1], messageExpression: expressions[2] }],
  },
});
export const initialPolicy = policy(['1', 'true', '"a"']);

export function celRequest(random: Random): Omit<FuzzRequest, 'area'> {
  const request = (method: string, path: string, value: unknown): Omit<FuzzRequest, 'area'> => ({
    method,
    path,
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: Buffer.from(jsonText(value)),
  });
  const expressions = [anyExpression(random), anyExpression(random), anyExpression(random)];
  switch (random.below(4)) {
    case 0:
      return request('PUT', `/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/${policyName}`, policy(expressions));
    case 1: {
      const definition = structuredClone(widgetDefinition);
      const { spec } = (definition.spec.versions[0] as (typeof definition.spec.versions)[0]).schema.openAPIV3Schema.properties;
      spec['x-kubernetes-validations'] = [{ rule: expressions[0] as string, messageExpression: expressions[1] as string }];
      definition.metadata.name = 'others.fuzz.example.com';
      definition.spec.names = { plural: 'others', singular: 'other', kind: 'Other' };
      return request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions?dryRun=All', definition);
    }
    case 2: {
      const spec = Object.fromEntries(Array.from({ length: 3 }, () => [random.pick(widgetFields), anyValue(random)]));
      const widget = { apiVersion: `${widgets.group}/v1`, kind: 'Widget', metadata: { name: 'a' }, spec };
      const base = `/apis/${widgets.group}/v1/namespaces/${namespace}/${widgets.plural}`;
      return random.oneIn(2) ? request('POST', base, widget) : request('PUT', `${base}/a`, widget);
    }
    default:
      return request('POST', `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'cel' },
        data: { [anyText(random).replaceAll(/[^a-z]/g, '') || 'a']: anyText(random) },
      });
  }
}
