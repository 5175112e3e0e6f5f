// The templates, by name.
export interface TemplateInfo {
  name: string;
  title: string;
  about: string;
  wish: string; // what one might ask for
}

export const templates: TemplateInfo[] = [
  { name: 'pairs', title: 'Pairs', about: 'a memory game with words of your own', wish: 'Eight words of Spanish for the kitchen' },
  { name: 'bricks', title: 'Bricks', about: 'an arcade game with levels drawn as text', wish: 'Three levels that look like animals' },
  { name: 'chart', title: 'Chart', about: 'bars, lines and a table of the same numbers', wish: 'The heights of the ten highest mountains' },
  { name: 'muscles', title: 'Muscles', about: 'a body and what exercises work', wish: 'A workout without equipment for twenty minutes' },
  { name: 'plate', title: 'Plate', about: 'a meal by weight, with what is in it', wish: 'A breakfast with 30 g of protein' },
  { name: 'toy', title: 'Physics toy', about: 'balls, springs and gravity to play with', wish: 'A double pendulum and a chain' },
];

export const titleOf = (name: string): string => templates.find((each) => each.name === name)?.title ?? name;
