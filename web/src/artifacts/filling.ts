// A template that the model fills: its answer is held to the schema of the template's data and kept as a block that runs here.
import type { Question } from '../api/types';
import { fenceOf } from './hint';
import { dataOf, templateOf, templates } from './templates';
import { schemas } from './templates/schemas';

export type Filling = Required<Pick<Question, 'response_format' | 'fence' | 'system'>>;

export async function fillingOf(name: string): Promise<Filling> {
  const example = JSON.stringify(JSON.parse(dataOf(await templateOf(name))));
  const about = templates.find((each) => each.name === name)?.about ?? '';
  return {
    response_format: { type: 'json_schema', json_schema: { name, schema: schemas[name] ?? {} } } as Filling['response_format'],
    fence: fenceOf(name),
    system: `Answer with the data of a page (${about}): JSON like this, with content of your own that is what is asked for.\n${example}`,
  };
}
