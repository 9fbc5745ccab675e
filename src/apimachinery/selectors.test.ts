import assert from 'node:assert/strict';
import { test } from 'node:test';
import { path } from './fieldpath.ts';
import { labelSelectorMatcher, labelSetMatcher, parseFieldSelector, parseLabelSelector, validateLabelSelector } from './selectors.ts';

test('label selectors are read and printed', () => {
  const cases: Record<string, string> = {
    '': '',
    'x=a,y=b,z=c': 'x=a,y=b,z=c',
    'x!=a,y=b': 'x!=a,y=b',
    'x==a': 'x==a',
    'x=,z= ': 'x=,z=',
    ' x = a , y = b ': 'x=a,y=b',
    'x>1,z<5': 'x>1,z<5',
    x: 'x',
    '!x': '!x',
    'z,y,x': 'x,y,z',
    'x in (b,a)': 'x in (a,b)',
    'x notin (a)': 'x notin (a)',
    'x in ()': 'x in ()',
    'x in (,a)': 'x in (,a)',
    'x in (a,,b)': 'x in (,a,b)',
    'in in (in)': 'in in (in)',
    'notin=in': 'notin=in',
    'a.b/c=d': 'a.b/c=d',
  };
  for (const [text, printed] of Object.entries(cases)) assert.equal(parseLabelSelector(text).toString(), printed, text);
});

test('wrong label selectors are refused with upstream’s words', () => {
  const cases: Record<string, string> = {
    'x=a||y=b': `unable to parse requirement: values[0][x]: Invalid value: "a||y": a valid label must be`,
    'x==a==b': `found '==', expected: ',' or 'end of string'`,
    '!x=a': `found '=', expected: ',' or 'end of string'`,
    'x<a': `unable to parse requirement: values[0]: Invalid value: "a": for 'Gt', 'Lt' operators, the value must be an integer`,
    'x,': `found '', expected: identifier after ','`,
    ',x': `found ',', expected: !, identifier, or 'end of string'`,
    'x in a': `unable to parse requirement: found 'a' expected: '('`,
    'x in (a': `unable to parse requirement: found '', expected: ',' or ')'`,
    'x y': `unable to parse requirement: found 'y', expected: in, notin, =, ==, !=, gt, lt`,
    '-x': `unable to parse requirement: <nil>: Invalid value: "-x": name part must consist of`,
    '!': `unable to parse requirement: found '', expected: identifier`,
  };
  for (const [text, message] of Object.entries(cases)) {
    assert.throws(
      () => parseLabelSelector(text),
      (error: Error) => error.name === 'SelectorError' && error.message.startsWith(message),
      text,
    );
  }
});

test('labels match', () => {
  const cases: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['x', {}, false],
    ['x', { x: '' }, true],
    ['!x', {}, true],
    ['x=y', { x: 'y' }, true],
    ['x=y', { x: 'z' }, false],
    ['x!=y', {}, true],
    ['x=y,z=w', { x: 'y', z: 'w' }, true],
    ['x in (a,b)', { x: 'b' }, true],
    ['x in (a)', {}, false],
    ['x notin (a)', {}, true],
    ['x notin (a)', { x: 'a' }, false],
    ['x>2', { x: '3' }, true],
    ['x>2', { x: '2' }, false],
    ['x<2', { x: 'a' }, false],
    ['x<2', {}, false],
    ['x>9', { x: '9223372036854775807' }, true],
    ['toString', {}, false],
    ['constructor!=a', {}, true],
  ];
  for (const [text, labels, expected] of cases) assert.equal(parseLabelSelector(text).matches(labels), expected, `${text} ${JSON.stringify(labels)}`);
});

test('an absent LabelSelector matches nothing, an empty one everything', () => {
  assert.equal(labelSelectorMatcher(undefined).matches({ a: 'b' }), false);
  assert.equal(labelSelectorMatcher({}).matches({}), true);
  assert.equal(labelSetMatcher(undefined).matches({}), true);
  const matcher = labelSelectorMatcher({
    matchLabels: { b: '1' },
    matchExpressions: [
      { key: 'a', operator: 'In', values: ['x', 'y'] },
      { key: 'c', operator: 'DoesNotExist' },
    ],
  });
  assert.equal(matcher.toString(), 'a in (x,y),b=1,!c');
  assert.equal(matcher.matches({ a: 'y', b: '1' }), true);
  assert.equal(matcher.matches({ a: 'y', b: '1', c: '' }), false);
  assert.throws(() => labelSelectorMatcher({ matchExpressions: [{ key: 'a', operator: 'Foo' }] }), { message: '"Foo" is not a valid label selector operator' });
});

test('a LabelSelector is validated field by field', () => {
  const errors = validateLabelSelector(
    {
      matchLabels: { 'a b': 'c' },
      matchExpressions: [
        { key: 'a', operator: 'In' },
        { key: 'a', operator: 'Exists', values: ['b'] },
        { key: 'a', operator: 'in', values: ['-'] },
      ],
    },
    {},
    path('spec', 'selector'),
  );
  assert.deepEqual(
    errors.map((error) => `${error.type} ${error.field}`),
    [
      'FieldValueInvalid spec.selector.matchLabels',
      'FieldValueRequired spec.selector.matchExpressions[0].values',
      'FieldValueForbidden spec.selector.matchExpressions[1].values',
      'FieldValueInvalid spec.selector.matchExpressions[2].operator',
      'FieldValueInvalid spec.selector.matchExpressions[2].values[0]',
    ],
  );
});

test('field selectors', () => {
  const selector = parseFieldSelector('spec.nodeName=n1,status.phase!=Running');
  assert.deepEqual(selector.requirements, [
    { field: 'spec.nodeName', operator: '=', value: 'n1' },
    { field: 'status.phase', operator: '!=', value: 'Running' },
  ]);
  assert.equal(
    selector.matches((field) => (field === 'spec.nodeName' ? 'n1' : 'Pending')),
    true,
  );
  assert.equal(
    selector.matches(() => 'Running'),
    false,
  );
  assert.equal(selector.exactMatch('spec.nodeName'), 'n1');
  assert.equal(parseFieldSelector('x=a\\,b\\=c\\\\,y==').toString(), 'x=a\\,b\\=c\\\\,y=');
  assert.equal(parseFieldSelector('x=a\\,b').requirements[0]?.value, 'a,b');
  assert.equal(parseFieldSelector('').empty, true);
  assert.equal(parseFieldSelector(',,').empty, true);
  assert.throws(() => parseFieldSelector('x'), { message: "invalid selector: 'x'; can't understand 'x'" });
  assert.throws(() => parseFieldSelector('x=a=b'), { message: 'invalid field selector: unescaped character in value: 61' });
  assert.throws(() => parseFieldSelector('x=\\a'), { message: 'invalid field selector: invalid escape sequence: \\a' });
});
