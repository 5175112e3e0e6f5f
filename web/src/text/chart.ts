// Draws the columns of numbers of a table; loaded when the first chart is asked for.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { numberColumns } from './table';

export interface ChartData {
  labels: string[] | null; // of the rows, from the first column that isn't numbers; null: x is numbers
  x: number[];
  series: { name: string; values: number[] }[];
}

// Null: there are no numbers.
export function chartDataOf(rows: string[][]): ChartData | null {
  const [head = [], ...body] = rows;
  const numbers = numberColumns(rows);
  if (!numbers.length || !body.length) return null;
  const text = head.findIndex((_, i) => !numbers.includes(i));
  const column = (i: number): number[] => body.map((row) => Number(row[i]));
  // Without names of rows, a first column that rises is what the others are drawn over.
  const first = column(numbers[0] as number);
  const isRising = text < 0 && numbers.length > 1 && first.every((value, i) => i === 0 || value > (first[i - 1] as number));
  const shown = isRising ? numbers.slice(1) : numbers;
  return {
    labels: text >= 0 ? body.map((row) => row[text] ?? '') : null,
    x: isRising ? first : body.map((_, i) => i + 1),
    series: shown.map((i) => ({ name: head[i] ?? '', values: column(i) })),
  };
}

const kMostBars = 40;

export function drawChart(box: HTMLElement, data: ChartData): () => void {
  const style = getComputedStyle(box);
  const colour = (name: string): string => {
    const probe = document.createElement('i');
    probe.style.color = `var(${name})`;
    box.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const soft = colour('--soft');
  const line = colour('--line');
  const isBars = data.labels !== null && data.x.length <= kMostBars;
  const labels = data.labels;
  const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: `12px ${style.fontFamily}` };
  const bars = uPlot.paths.bars;
  const count = data.series.length;
  const plot = new uPlot(
    {
      width: box.clientWidth,
      height: 220,
      legend: { show: count > 1 },
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, range: isBars ? (_, low, high) => [low - 0.6, high + 0.6] : undefined }, y: { range: (_, low, high) => [Math.min(0, low), Math.max(0, high) * 1.05] } },
      axes: [
        labels ? { ...axis, splits: () => data.x.filter((_, i) => i % Math.ceil(data.x.length / 8) === 0), values: (_, at) => at.map((x) => (labels[x - 1] ?? '').slice(0, 12)) } : axis,
        axis,
      ],
      series: [
        { label: labels ? 'row' : 'x' },
        ...data.series.map(({ name }, i) => ({
          label: name || `column ${i + 1}`,
          stroke: colour(`--mark-${(i + 1) % 8}`),
          fill: isBars && count === 1 ? colour(`--mark-${(i + 1) % 8}`) : undefined,
          width: 2,
          paths: isBars && count === 1 && bars ? bars({ size: [0.6, 60] }) : undefined,
          points: { show: data.x.length <= kMostBars && !(isBars && count === 1) },
        })),
      ],
    },
    [data.x, ...data.series.map(({ values }) => values)],
    box,
  );
  const observer = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 220 }));
  observer.observe(box);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}
