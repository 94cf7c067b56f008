import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitLabel, shortName } from './label-text.ts';

const NAMES: [name: string, short: string][] = [
  ['memcpy', 'memcpy'],
  ['DB::Aggregator::execute(DB::Block const&, unsigned long) const', 'DB::Aggregator::execute'],
  [
    'void std::vector<int, std::allocator<int> >::emplace_back<int>(int&&)',
    'std::vector::emplace_back',
  ],
  ['(anonymous namespace)::parse(char const*)', '{anonymous}::parse'],
  ['operator new(unsigned long)', 'operator new'],
  ['std::operator<< <char>(std::ostream&, char)', 'std::operator<<'],
  ['Foo::operator()(int) const', 'Foo::operator()'],
  ['Foo::operator->()', 'Foo::operator->'],
  ['on_read(int)::{lambda(auto&&)#1}::operator()<R>(R&&) const', 'on_read::{lambda#1}::operator()'],
  ['std::string::append[abi:cxx11](char)', 'std::string::append'],
  ['<alloc::vec::Vec<T,A> as core::iter::Extend<T>>::extend', 'alloc::vec::Vec::extend'],
  ['<&T as core::fmt::Debug>::fmt', '&T::fmt'],
  [
    'core::ops::function::FnOnce::call_once{{vtable.shim}}',
    'core::ops::function::FnOnce::call_once{{vtable.shim}}',
  ],
  ['main.(*Server).ServeHTTP', 'main.(*Server).ServeHTTP'],
  ['java/util/HashMap.get(Ljava/lang/Object;)Ljava/lang/Object;', 'java/util/HashMap.get'],
  ['handle /srv/app/dist/server.js:12:3', 'handle server.js:12:3'],
  ['(anonymous) /srv/app.js:1:2', '(anonymous) app.js:1:2'],
  ['broken<template(', 'broken<template('],
  ['a->b<c', 'a->b<c'],
  ['', ''],
];

test('names without what tells overloads and instances apart', () => {
  for (const [name, short] of NAMES) assert.equal(shortName(name), short);
});

test('a label is the most telling form that fits', () => {
  const name = 'storage::Block::merge(unsigned long)';
  const short = shortName(name);
  assert.equal(fitLabel(name, short, 80), name);
  assert.equal(fitLabel(name, short, 21), 'storage::Block::merge');
  assert.equal(fitLabel(name, short, 20), '…Block::merge');
  assert.equal(fitLabel(name, short, 6), '…merge');
  assert.equal(fitLabel(name, short, 5), 'merg…');
  assert.equal(fitLabel(name, short, 2), '');
});

test('a cut leaves no half character', () => {
  assert.equal(fitLabel('ab🔥cdef', 'ab🔥cdef', 4), 'ab…');
});
