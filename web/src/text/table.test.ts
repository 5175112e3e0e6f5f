import { describe, expect, it } from 'vitest';
import { numberColumns, parseDelimited, parseJsonTable } from './table';

describe('tables', () => {
  it('reads CSV with quotes, and other separators', () => {
    expect(parseDelimited('a,b\n"x, ""y""",2\r\n')).toEqual([['a', 'b'], ['x, "y"', '2']]);
    expect(parseDelimited('a;b\n1,5;2')).toEqual([['a', 'b'], ['1,5', '2']]);
    expect(parseDelimited('a\tb\n1\t\n')).toEqual([['a', 'b'], ['1', '']]);
    expect(parseDelimited('a,b\n"two\nlines",3')).toEqual([['a', 'b'], ['two\nlines', '3']]);
  });
  it('reads lists of objects and objects', () => {
    expect(parseJsonTable('[{"a":1},{"b":[2]}]')).toEqual([['a', 'b'], ['1', ''], ['', '[2]']]);
    expect(parseJsonTable('{"a":"x"}')).toEqual([['name', 'value'], ['a', 'x']]);
    expect(parseJsonTable('[1,2]')).toBeNull();
    expect(parseJsonTable('{')).toBeNull();
  });
  it('knows columns of numbers', () => {
    expect(numberColumns([['a', 'b', 'c'], ['x', '1', ''], ['y', '2.5', '3']])).toEqual([1]);
  });
});
