import { describe, expect, it } from 'vitest';
import { pageOf, savedPage, savedPolicy } from './page';
import { dataOf, filled, templateOf, templates } from './templates';

describe('templates', () => {
  for (const { name } of templates)
    it(`${name} has a slot, asks no host and shows text as text`, async () => {
      const template = await templateOf(name);
      expect(JSON.parse(dataOf(template))).toHaveProperty('title');
      expect(template).toContain('--accent');
      expect(template.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:\/\//);
      expect(template).not.toMatch(/innerHTML|insertAdjacentHTML|document\.write|\beval\(/);
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
