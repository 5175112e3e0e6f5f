import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { curlLine } from './curl';
import { engineOf, parseMetrics } from './metrics';

describe('curlLine', () => {
  it('says the same to a shell, whatever is in the body', () => {
    const body = `{"text": "it's $HOME \`ls\` \\\\ \\"x\\"\n'"}`;
    const line = curlLine("http://127.0.0.1:8080/a?b='c'", 'POST', body, true, true);
    const words = execFileSync('sh', ['-c', `MELETE_KEY=k; set -- ${line}; for word; do printf '%s\\0' "$word"; done`]).toString().split('\0').slice(0, -1);
    expect(words).toEqual(['curl', '-N', "http://127.0.0.1:8080/a?b='c'", '-H', 'Authorization: Bearer k', '-H', 'Content-Type: application/json', '--data-raw', body]);
    expect(curlLine('http://x/', 'GET', null, false)).toBe("curl 'http://x/'");
    expect(curlLine('http://x/', 'DELETE', null, false)).toBe("curl 'http://x/' -X DELETE");
    expect(curlLine('http://x/', 'PATCH', '{}', false)).toContain(' -X PATCH ');
  });
});

describe('metrics', () => {
  const text = '# TYPE a counter\nmelete_engine_decoded_tokens_total{model="a"} 100\nmelete_engine_decoded_tokens_total{model="b"} 20\nmelete_engine_step_seconds_p99{model="a"} 0.5\nmelete_engine_step_seconds_p99{model="b"} 0.2\nmelete_answers_waiting 3\nbroken\nmelete_engine_busy_seconds_total NaN\n';
  it('are read, and added up over models', () => {
    const values = parseMetrics(text);
    expect([...values]).toEqual([['melete_engine_decoded_tokens_total', 120], ['melete_engine_step_seconds_p99', 0.5], ['melete_answers_waiting', 3]]);
  });
  it('become rates between two readings', () => {
    const before = { at: 1000, values: parseMetrics(text) };
    const after = { at: 3000, values: parseMetrics(text.replace(' 100', ' 180').replace('NaN', '1')) };
    expect(engineOf(after, before)).toMatchObject({ tokensPerSecond: 40, waiting: 3, stepSeconds: 0.5, busy: 0.5 });
    expect(engineOf(before, null).tokensPerSecond).toBe(0);
    expect(engineOf(before, after).tokensPerSecond).toBe(0); // the server began anew
  });
});
