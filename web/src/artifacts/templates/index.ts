// Pages that only want data: each has one slot of JSON. A model fills one with a fenced block `artifact NAME`.
import shared from '../../styles/shared.css?raw';
import kit from './kit.css?raw';

export interface TemplateInfo {
  name: string;
  title: string;
  about: string;
  wish: string; // what one might ask for
}

export const templates: TemplateInfo[] = [
  { name: 'pairs', title: 'Pairs', about: 'a memory game with words of your own', wish: 'eight words of Spanish for the kitchen' },
  { name: 'bricks', title: 'Bricks', about: 'an arcade game with levels drawn as text', wish: 'three levels that look like animals' },
  { name: 'chart', title: 'Chart', about: 'bars, lines and a table of the same numbers', wish: 'the heights of the ten highest mountains' },
  { name: 'muscles', title: 'Muscles', about: 'a body and what exercises work', wish: 'a workout without equipment for twenty minutes' },
  { name: 'plate', title: 'Plate', about: 'a meal by weight, with what is in it', wish: 'a breakfast with 30 g of protein' },
  { name: 'toy', title: 'Physics toy', about: 'balls, springs and gravity to play with', wish: 'a double pendulum and a chain' },
];

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

// What to say to a model that is to fill one.
export const requestFor = (info: TemplateInfo, data: string): string =>
  `Make: ${info.wish}.\nAnswer with one code block that begins with \`\`\`artifact ${info.name} and holds JSON like this, with your own content:\n\n${data}`;
