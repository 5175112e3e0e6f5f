import { expect, it } from 'vitest';
import { sentencesOf, spokenText } from './speech_text';

it('reads words, not marks', () => {
  expect(spokenText('## A\n\nSome **bold** `code` and [a link](https://example.org).\n\n- one\n- two')).toBe('A\n\nSome bold code and a link.\n\none\ntwo');
  expect(spokenText('```js\nx()\n```')).toBe('(code)');
  expect(spokenText('| a | b |\n|---|---|\n| 1 | 2 |')).not.toMatch(/[|-]/);
  expect(spokenText('$$x^2$$ and H<sub>2</sub>O')).toBe('(a formula) and H 2 O');
});

it('says a sentence at a time, none too long and none empty', () => {
  expect(sentencesOf('One. Two! Is it 3.5? Yes\nFive.')).toEqual(['One.', 'Two!', 'Is it 3.5?', 'Yes', 'Five.']);
  const long = sentencesOf('word '.repeat(200));
  expect(Math.max(...long.map((each) => each.length))).toBeLessThanOrEqual(260);
  expect(long.join(' ').split(' ').length).toBe(200);
  expect(sentencesOf('x'.repeat(600)).join('')).toBe('x'.repeat(600));
  expect(sentencesOf('... \n - \n')).toEqual([]);
});
