// Pages that only want data: each has one slot of JSON. A fenced block `artifact NAME` fills one.
import shared from '../../styles/shared.css?raw';
import kit from './kit.css?raw';

export { templates, type TemplateInfo } from './list';

const sources: Record<string, () => Promise<{ default: string }>> = {
  pairs: () => import('./pairs.html?raw'),
  bricks: () => import('./bricks.html?raw'),
  chart: () => import('./chart.html?raw'),
  muscles: () => import('./muscles.html?raw'),
  plate: () => import('./plate.html?raw'),
  toy: () => import('./toy.html?raw'),
};

const slot = /(<script type="application\/json" id="data">)([\s\S]*?)(<\/script>)/;

// What all templates begin with; their files go on with a title.
const head = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<style>
${shared}${kit}</style>
`;

export async function templateOf(name: string): Promise<string> {
  const load = Object.hasOwn(sources, name) ? sources[name] : undefined;
  if (!load) throw new Error(`There is no template “${name}”. There are: ${Object.keys(sources).join(', ')}.`);
  return head + (await load()).default;
}

export const dataOf = (template: string): string => slot.exec(template)?.[2]?.trim() ?? '';

// Throws what is wrong with the data.
export function filled(template: string, json: string): string {
  let data: unknown;
  try {
    data = JSON.parse(json);
  } catch (error) {
    throw new Error(`The data isn’t JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Error('The data must be one JSON object.');
  const text = JSON.stringify(data, null, 1).replace(/</g, '\\u003c');
  return template.replace(slot, (_, open: string, __, close: string) => `${open}\n${text}\n${close}`);
}
