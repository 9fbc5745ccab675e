import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewritePage } from './links.ts';

const rewrite = (page: string): string => rewritePage(page, '/api/v1/namespaces/x/pods/p/proxy', '10.0.0.1');

test('links to the page’s own server are put behind the proxy', () => {
  assert.equal(rewrite('<a href="/rewriteme">test</a>'), '<a href="/api/v1/namespaces/x/pods/p/proxy/rewriteme">test</a>');
  assert.equal(rewrite("<p><img alt=x src='/a.png'/></p>"), "<p><img alt=x src='/api/v1/namespaces/x/pods/p/proxy/a.png'/></p>");
  assert.equal(rewrite('<a href="http://10.0.0.1/x">'), '<a href="/api/v1/namespaces/x/pods/p/proxy/x">');
});

test('other links, other attributes and text stay', () => {
  for (const page of [
    '<a href="relative">',
    '<a href="https://elsewhere.example/x">',
    '<a title="/x">',
    '<p href="/x">',
    'a < b, href="/x"',
    '<a href="#here">',
  ]) {
    assert.equal(rewrite(page), page);
  }
});
