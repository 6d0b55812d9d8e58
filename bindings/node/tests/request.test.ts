/** From values to what is fingerprinted: the text of `JSON.stringify`, or an error. */

import vm from 'node:vm';
import { expect, test } from 'vitest';
import { canonicalize, fingerprint, type Request } from '../dist/index.mjs';

const canonical = (request: Request) => canonicalize(request).toString();

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

/** Expects a `TypeError` of which the message begins with the path. */
function expectRefused(request: unknown, path: string, why: string | RegExp): void {
  for (const refuse of [canonicalize, fingerprint]) {
    const error = thrownBy(() => refuse(request as Request));
    expect(error).toBeInstanceOf(TypeError);
    const { message } = error as Error;
    expect(message.startsWith(`the request at ${JSON.stringify(path)}: `), message).toBe(true);
    expect(message).toMatch(why);
  }
}

class Point {
  readonly #hidden: number;
  constructor(
    readonly x: number,
    hidden: number,
  ) {
    this.#hidden = hidden;
  }
  get hidden() {
    return this.#hidden;
  }
}

class Money {
  constructor(readonly cents: number) {}
  toJSON() {
    return { ...this, currency: 'CHF' };
  }
}

const shared = { x: [1] };
const bare = (members: object) => Object.assign(Object.create(null) as object, members);

const spelled: [string, object, string][] = [
  ['members in any order', { b: 1, a: { d: 2, c: 3 } }, '{"a":{"c":3,"d":2},"b":1}'],
  ['numeric names', { 10: 1, 9: 2, b: 3 }, '{"10":1,"9":2,"b":3}'],
  ['an array', [1, [], {}, null, true, false], '[1,[],{},null,true,false]'],
  [
    'numbers',
    [-0, 0.1, 1e21, 1e-7, 5e-324, 1.7976931348623157e308],
    '[0,0.1,1e+21,1e-7,5e-324,1.7976931348623157e+308]',
  ],
  [
    'big numbers',
    [2 ** 53, 2 ** 60, -(2 ** 64), 1e20],
    '[9007199254740992,1152921504606847000,-18446744073709552000,100000000000000000000]',
  ],
  [
    'strings',
    ['', 'é', '"\\/\u0000\n\u007f\u2028', '😀'],
    '["","é","\\"\\\\/\\u0000\\n\u007f\u2028","😀"]',
  ],
  [
    'names that need escapes',
    { '"': 1, '\n': 2, é: 3, '😀': 4, '': 5 },
    '{"":5,"\\n":2,"\\"":1,"é":3,"😀":4}',
  ],
  ['undefined members', { a: undefined, b: 1, c: { d: undefined } }, '{"b":1,"c":{}}'],
  ['members named by symbols', { [Symbol('s')]: 1, b: 2 }, '{"b":2}'],
  [
    'members that are not enumerable',
    Object.defineProperty({ b: 1 }, 'a', { value: 2 }),
    '{"b":1}',
  ],
  ['a Date', { at: new Date(0) }, '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['a URL', { url: new URL('https://a.example') }, '{"url":"https://a.example/"}'],
  ['a Buffer', { bytes: Buffer.from('x') }, '{"bytes":{"data":[120],"type":"Buffer"}}'],
  ['toJSON', { price: new Money(5) }, '{"price":{"cents":5,"currency":"CHF"}}'],
  ['toJSON at the top', new Money(5), '{"cents":5,"currency":"CHF"}'],
  ['toJSON that makes a primitive', [{ toJSON: () => 'a' }, { toJSON: () => null }], '["a",null]'],
  ['toJSON that makes nothing of a member', { a: { toJSON: () => undefined }, b: 1 }, '{"b":1}'],
  ['toJSON that is no function', { toJSON: 1 }, '{"toJSON":1}'],
  ['a prototype of null', bare({ a: bare({ b: 1 }) }), '{"a":{"b":1}}'],
  ['a proxy', new Proxy({ a: new Proxy([1], {}) }, {}), '{"a":[1]}'],
  [
    'a getter',
    {
      get a() {
        return [1];
      },
    },
    '{"a":[1]}',
  ],
  ['boxed primitives', [new Number(1), new String('"'), new Boolean(false)], '[1,"\\"",false]'],
  ['a subclass of Array', Array.from({ length: 2 }, (_, n) => n), '[0,1]'],
  [
    'what is there twice',
    [shared, { shared, again: shared.x }],
    '[{"x":[1]},{"again":[1],"shared":{"x":[1]}}]',
  ],
  [
    'a member called __proto__',
    JSON.parse('{"__proto__":{"a":1},"b":2}') as object,
    '{"__proto__":{"a":1},"b":2}',
  ],
  [
    'objects of another realm',
    vm.runInNewContext('({ a: [1, new Date(0), { b: new String("c") }] })') as object,
    '{"a":[1,"1970-01-01T00:00:00.000Z",{"b":"c"}]}',
  ],
  ['a toStringTag', { [Symbol.toStringTag]: 'Map', a: 1 }, '{"a":1}'],
];

test.each(spelled)('a value is what JSON.stringify makes of it: %s', (_, value, expected) => {
  expect(canonical(value)).toBe(expected);
  expect(canonical(JSON.stringify(value))).toBe(expected);
  expect(fingerprint(value)).toBe(fingerprint(JSON.stringify(value)));
  expect(fingerprint({ value })).toBe(fingerprint(JSON.stringify({ value })));
});

test('toJSON gets the name of its member', () => {
  const named = { toJSON: (name: unknown) => [typeof name, name] };
  const request = { 'a/b~c': named, list: [[], named] };
  expect(canonical(request)).toBe(canonical(JSON.stringify(request)));
  expect(canonical(named)).toBe('["string",""]');
});

test('a BigInt has the spelling that its prototype was given, and none otherwise', () => {
  const prototype = BigInt.prototype as { toJSON?: (this: bigint) => string };
  expectRefused({ seed: [1n] }, '/seed/0', 'as JSON text');
  prototype.toJSON = function () {
    return this.toString();
  };
  try {
    expect(canonical({ seed: 12345678901234567891n })).toBe('{"seed":"12345678901234567891"}');
  } finally {
    delete prototype.toJSON;
  }
});

test.skipIf(!('rawJSON' in JSON))('raw JSON keeps its digits', () => {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): object };
  expect(canonical({ seed: rawJSON('9007199254740993') })).toBe('{"seed":9007199254740993}');
  expectRefused([rawJSON('"\ud800"')], '/0', 'no JSON spelling');
});

function cyclic(): object {
  const around: { list: object[] } = { list: [{}] };
  (around.list[0] as { back: object }).back = around;
  return around;
}

function nested(levels: number): object {
  let value = {};
  for (let level = 1; level < levels; level++) value = level % 2 ? [value] : { a: value };
  return value;
}

const inherited = Object.create({ model: 'a model' }) as object;

const refused: [string, unknown, string, string | RegExp][] = [
  ['NaN', { a: [0, NaN] }, '/a/1', 'NaN has no JSON spelling'],
  ['Infinity', { 'a/b': { 'c~d': -Infinity } }, '/a~1b/c~0d', '-Infinity'],
  ['a boxed NaN', { a: new Number(NaN) }, '/a', 'NaN'],
  ['a boxed BigInt', { a: Object(1n) as unknown }, '/a', 'BigInt'],
  ['toJSON that makes NaN', { a: { toJSON: () => NaN } }, '/a', 'NaN'],
  ['toJSON that makes a BigInt', { a: { toJSON: () => 1n } }, '/a', 'BigInt'],
  ['toJSON that makes a Map', { a: { toJSON: () => new Map() } }, '/a', 'Map'],
  ['toJSON that makes a Date', { a: { toJSON: () => new Date(0) } }, '/a', 'Date'],
  ['toJSON that makes a function', { a: { toJSON: () => () => 1 } }, '/a', 'function'],
  [
    'toJSON that makes itself',
    {
      a: {
        toJSON() {
          return this;
        },
      },
    },
    '/a/toJSON',
    'function',
  ],
  [
    'toJSON that makes what is around it',
    (() => {
      const a = { b: { toJSON: (): object => a } };
      return a;
    })(),
    '/b',
    'contains itself',
  ],
  ['toJSON that makes nothing of an item', [{ toJSON: () => undefined }], '/0', 'undefined'],
  ['toJSON that makes nothing of it all', { toJSON: () => undefined }, '', 'nothing'],
  ['an invalid Date', { a: new Date(NaN) }, '/a', 'no date'],
  ['an undefined item', [1, undefined], '/1', 'undefined'],
  ['a hole in an array', { a: [1, , 3] }, '/a/1', 'undefined'],
  ['a function', { tools: [{ run() {} }] }, '/tools/0/run', 'a function'],
  ['a symbol', { a: Symbol('s') }, '/a', 'a symbol'],
  ['a cycle', cyclic(), '/list/0/back', 'contains itself'],
  ['half a surrogate pair', { a: ['\ud800'] }, '/a/0', 'surrogate'],
  ['half a surrogate pair in a name', { a: { 'x\udc00': 1 } }, '/a/x\udc00', 'surrogate'],
  ['a Map', { a: new Map([[1, 2]]) }, '/a', 'a Map'],
  ['a Set', { a: new Set([1]) }, '/a', 'a Set'],
  [
    'a Map that says it is an object',
    Object.defineProperty(new Map(), Symbol.toStringTag, { value: 'Object' }),
    '',
    'a Map',
  ],
  ['a WeakRef', { a: new WeakRef({}) }, '/a', 'a WeakRef'],
  ['a RegExp', { a: /x/ }, '/a', 'a RegExp'],
  ['an Error', { a: new Error('x') }, '/a', 'an Error'],
  ['a Promise', { a: Promise.resolve(1) }, '/a', 'a Promise'],
  ['bytes', { image: new Uint8Array(2) }, '/image', 'a Uint8Array'],
  ['an ArrayBuffer', { image: new ArrayBuffer(2) }, '/image', 'an ArrayBuffer'],
  ['a DataView', { image: new DataView(new ArrayBuffer(2)) }, '/image', 'a DataView'],
  ['Headers', { headers: new Headers({ a: 'b' }) }, '/headers', 'a Headers'],
  ['URLSearchParams', { query: new URLSearchParams('a=b') }, '/query', 'a URLSearchParams'],
  ['a generator', { a: [1].values() }, '/a', 'no JSON spelling'],
  ['an instance of a class', { at: new Point(1, 2) }, '/at', /a Point .*toJSON/],
  ['an object that inherits', inherited, '', 'no JSON spelling'],
  ['a Map of another realm', { a: vm.runInNewContext('new Map()') as unknown }, '/a', 'a Map'],
];

test.each(refused)('what JSON would lose is refused with its path: %s', (_, value, path, why) => {
  expectRefused(value, path, why);
});

test.each([
  [undefined, 'undefined'],
  [null, 'null'],
  [1, 'a number'],
  [true, 'a boolean'],
  [1n, 'a bigint'],
  [Symbol('s'), 'a symbol'],
  [() => 1, 'a function'],
])('a request is no %s', (request, what) => {
  const error = thrownBy(() => fingerprint(request as unknown as Request));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toBe(`a request is an object, JSON text or bytes, not ${what}`);
});

test('127 levels are the most that is fingerprinted', () => {
  expect(fingerprint(nested(127))).toBe(fingerprint(JSON.stringify(nested(127))));
  expect(thrownBy(() => fingerprint(nested(128)))).toMatchObject({
    kind: 'invalid_json',
    rule: 'too_deep',
  });
  let deep = {};
  for (let level = 0; level < 100_000; level++) deep = { deep };
  expectRefused(deep, `${'/deep'.repeat(40)}…`, 'more than 1,000 levels');
});

test('half a surrogate pair in JSON text is refused', () => {
  expect(() => fingerprint('{"a":"\ud800"}')).toThrow(TypeError);
  expect(() => fingerprint('{"\udc00":1}')).toThrow('half a surrogate pair');
  expect(thrownBy(() => fingerprint('"\\ud800"'))).toMatchObject({ rule: 'lone_surrogate', at: 1 });
});

test('every member is read once', () => {
  const reads: string[] = [];
  const watched = <T extends object>(object: T) =>
    new Proxy(object, {
      get(target, name, receiver) {
        if (typeof name === 'string' && name !== 'toJSON') reads.push(name);
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
  canonicalize(watched({ a: 1, b: watched(['x', 'y']), c: watched({ d: null }) }));
  expect(reads.sort()).toEqual(['0', '1', 'a', 'b', 'c', 'd', 'length']);
});

test('what a getter or toJSON says at first is what counts', () => {
  let n = 0;
  const counting = {
    get a() {
      return n++;
    },
    when: new Date(0),
  };
  expect(canonical(counting)).toBe('{"a":0,"when":"1970-01-01T00:00:00.000Z"}');
  const values: unknown[] = [1, NaN, new Map()];
  expect(
    canonical({
      get a() {
        return values.shift();
      },
    }),
  ).toBe('{"a":1}');
});

test('a request that changes while it is spelled does no harm', () => {
  const items: unknown[] = [1, { toJSON: () => ((items.length = 0), 'done') }];
  const request = {
    list: items,
    before: { a: 1 },
    after: { b: 'x'.repeat(1000) } as { b: unknown },
  };
  expect(canonical(request)).toBe(
    `{"after":{"b":"${'x'.repeat(1000)}"},"before":{"a":1},"list":[1,"done"]}`,
  );
  expect(items).toEqual([]);
  expect(() => canonical([{ toJSON: () => (request.after.b = NaN) }, request.after])).toThrow(
    'NaN',
  );
  const gone = [{ toJSON: () => ((gone.length = 1), 'done') }, 2];
  expect(() => canonical(gone)).toThrow('at "/1": undefined');
});

test('a getter and toJSON may use the library', () => {
  const [short, long] = [{ a: 1 }, { b: 'y'.repeat(200_000) }];
  const [ofShort, ofLong] = [short, long].map((request) => fingerprint(JSON.stringify(request)));
  const request = {
    get short() {
      return fingerprint(short);
    },
    long: { toJSON: () => fingerprint(long) },
    last: 'x'.repeat(100_000),
  };
  const text = JSON.stringify({ short: ofShort, long: ofLong, last: request.last });
  expect(fingerprint(request)).toBe(fingerprint(text));
});

test('what a getter or toJSON throws is thrown', () => {
  const mine = new RangeError('mine');
  const fail = () => {
    throw mine;
  };
  for (const request of [
    {
      get a() {
        return fail();
      },
    },
    { a: { toJSON: fail } },
    new Proxy({}, { ownKeys: fail }),
  ]) {
    expect(thrownBy(() => fingerprint(request))).toBe(mine);
  }
  expect(fingerprint({ a: 1 })).toBe(fingerprint('{"a":1}'));
});

test('a text of 100 MB is fingerprinted, and so is what comes after it', () => {
  const text = 'é'.repeat(50 << 20);
  const before = fingerprint({ a: 1 });
  const long = fingerprint({ text });
  expect(fingerprint(`{"text":"${text}"}`)).toBe(long);
  expect(fingerprint(Buffer.from(`{"text":"${text}"}`))).toBe(long);
  expect(fingerprint({ text: `${text}!` })).not.toBe(long);
  expect(fingerprint({ a: 1 })).toBe(before);
});

test.each([63, 64, 65, 127, 128, 1023, 1024, 1025])(
  'a text of about %s KB keeps its end',
  (kilobytes) => {
    const size = kilobytes << 10;
    for (const letter of ['x', 'é', '€', '😀']) {
      for (const length of [
        size - 12,
        size - 11,
        size - 10,
        size,
        size + 1,
        Math.floor(size / 3),
      ]) {
        const text = letter.repeat(Math.ceil(length / letter.length));
        const bytes = Buffer.from(JSON.stringify({ text, z: 1 }));
        expect(fingerprint({ text, z: 1 }) === fingerprint(bytes), `${letter} ${length}`).toBe(
          true,
        );
      }
    }
  },
);

test('bytes are the part of their buffer that a view shows', () => {
  const buffer = Buffer.from('xx{"a":1}yy');
  const view = new Uint8Array(buffer.buffer, buffer.byteOffset + 2, 7);
  expect(canonical(view)).toBe('{"a":1}');
  expect(canonical(vm.runInNewContext('new Uint8Array([123, 125])') as Uint8Array)).toBe('{}');
  const shared = new Uint8Array(new SharedArrayBuffer(8), 2, 2);
  shared.set([0x5b, 0x5d]);
  expect(canonical(shared)).toBe('[]');
  const Growing = ArrayBuffer as new (length: number, options: object) => ArrayBuffer;
  const growing = new Growing(2, { maxByteLength: 8 });
  const tracking = new Uint8Array(growing);
  tracking.set([0x5b, 0x5d]);
  expect(canonical(tracking)).toBe('[]');
});

test('bytes that were transferred are gone', () => {
  const bytes = new Uint8Array(Buffer.from('{"a":1}'));
  structuredClone(bytes, { transfer: [bytes.buffer] });
  const error = thrownBy(() => fingerprint(bytes));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toContain('transferred');
  expect(thrownBy(() => fingerprint(new Uint8Array()))).toMatchObject({ rule: 'empty_input' });
});

test.each([
  new Uint16Array(2),
  new Float64Array(1),
  new DataView(new ArrayBuffer(2)),
  Object.defineProperty(new Uint16Array(1), Symbol.toStringTag, { value: 'Uint8Array' }),
])('a view that is no Uint8Array is no request', (view) => {
  const error = thrownBy(() => fingerprint(view));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toBe('a request in bytes is a Uint8Array');
});

test('random values are fingerprinted like their text', () => {
  let state = 7;
  const draw = (below: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const letters = [...'ab"\\/\n\u0000\u001f\u007f \u2028é€😀~'];
  const string = () =>
    Array.from({ length: draw(8) }, () => letters[draw(letters.length)]).join('');
  const value = (levels: number): unknown => {
    switch (draw(levels === 0 ? 5 : 7)) {
      case 0:
        return [null, true, false][draw(3)];
      case 1:
        return draw(2 ** 31) * (draw(2) ? 1 : -(2 ** draw(40)));
      case 2:
        return (draw(1e9) / 1e5) * 10 ** (draw(600) - 300);
      case 3:
      case 4:
        return string();
      case 5:
        return Array.from({ length: draw(5) }, () => value(levels - 1));
      default:
        return Object.fromEntries(
          Array.from({ length: draw(6) }, () => [string(), value(levels - 1)]),
        );
    }
  };
  for (let round = 0; round < 2000; round++) {
    const request = [value(4)];
    expect(canonical(request)).toBe(canonical(JSON.stringify(request)));
  }
});
