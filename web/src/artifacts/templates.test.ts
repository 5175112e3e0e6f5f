import { describe, expect, it } from 'vitest';
import { pageOf, savedPage, savedPolicy } from './page';
import { dataOf, filled, templateOf, templates } from './templates';
import { schemas } from './templates/schemas';

type Schema = Record<string, any>;

// Where a value isn't what its schema says; empty: nowhere. Only what these schemas use.
function misfits(schema: Schema, value: unknown, at = ''): string[] {
  const { type, properties = {}, required = [], items, prefixItems = [], minItems = 0, maxItems = 1e9, minimum = -1e99, maximum = 1e99, minLength = 0, maxLength = 1e9, pattern = '' } = schema;
  const fits = (good: boolean): string[] => (good ? [] : [`${at}: ${JSON.stringify(value)}`]);
  if ('const' in schema) return fits(value === schema['const']);
  if ('enum' in schema) return fits(schema['enum'].includes(value));
  if (type === 'string') return fits(typeof value === 'string' && value.length >= minLength && value.length <= maxLength && new RegExp(pattern).test(value));
  if (type === 'number' || type === 'integer') return fits(typeof value === 'number' && value >= minimum && value <= maximum && (type === 'number' || Number.isInteger(value)));
  if (type === 'array') {
    if (!Array.isArray(value) || value.length < minItems || value.length > maxItems) return fits(false);
    return value.flatMap((each, i) => misfits(prefixItems[i] ?? items, each, `${at}/${i}`));
  }
  const members = Object.entries(value as object);
  return [...required.filter((name: string) => !members.some(([has]) => has === name)).map((name: string) => `${at}/${name}: missing`), ...members.flatMap(([name, each]) => (properties[name] ? misfits(properties[name], each, `${at}/${name}`) : [`${at}/${name}: unknown`]))];
}

// What a schema calls members and choices.
function namesIn(schema: Schema): string[] {
  const { properties = {}, items, prefixItems = [] } = schema;
  return [...(schema['enum'] ?? []), ...Object.keys(properties), ...[...Object.values(properties), ...prefixItems, ...(items ? [items] : [])].flatMap(namesIn)];
}

describe('templates', () => {
  for (const { name } of templates)
    it(`${name} has a slot, asks no host and shows text as text`, async () => {
      const template = await templateOf(name);
      expect(JSON.parse(dataOf(template))).toHaveProperty('title');
      expect(template).toContain('--accent');
      expect(template.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
      expect(template).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|\beval\(/);
    });
  for (const { name } of templates)
    it(`${name} comes with data of its schema`, async () => {
      const data = JSON.parse(dataOf(await templateOf(name))) as Record<string, unknown>;
      expect(misfits(schemas[name]!, data)).toEqual([]);
      expect(misfits(schemas[name]!, { ...data, title: 7, more: 1 })).toHaveLength(2);
    });
  for (const { name } of templates)
    it(`${name} knows all that its schema allows`, async () => {
      const template = await templateOf(name);
      const code = template.replace(dataOf(template), '');
      for (const word of namesIn(schemas[name]!)) expect(code).toMatch(new RegExp(`\\b${word}\\b`));
    });
  it('keeps data inside the slot', async () => {
    const data = { title: '</script><script>alert(1)</script>', odd: '$& $1 \u2028 <!--' };
    const page = await pageOf({ kind: 'template', title: '', source: JSON.stringify(data), template: 'chart' });
    expect(JSON.parse(dataOf(page))).toEqual(data);
    expect(page).not.toContain('alert(1)</script>');
  });
  it('says what is wrong', async () => {
    const template = await templateOf('plate');
    expect(() => filled(template, '{')).toThrow(/isn’t JSON/);
    expect(() => filled(template, '[1]')).toThrow(/one JSON object/);
    for (const name of ['none', 'constructor', '../x']) await expect(templateOf(name)).rejects.toThrow(/no template/);
  });
});

describe('savedPage', () => {
  it('begins with its policy', () => {
    for (const page of ['<!doctype html><html><script>1</script>', '<p>x', '\n<!DOCTYPE html>\n<p>x']) {
      const saved = savedPage(page);
      expect(saved.trim()).toMatch(/^<!doctype html>/i);
      expect(saved.indexOf(savedPolicy)).toBeGreaterThan(0);
      expect(saved.indexOf(savedPolicy)).toBeLessThan(saved.search(/<script|<p/));
      expect(saved.match(/<!doctype/gi)).toHaveLength(1);
    }
  });
});
