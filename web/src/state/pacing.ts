// How often what is streamed is drawn: as often as costs a small share of a core, whatever is drawn and however busy the
// machine is.
const kLeast = 40; // ms between drawings
const kMost = 250;
const kHidden = 1000; // nobody looks
const kShare = 0.04; // of a core; to read what comes, and to scroll to it, takes as much again

// The wait after drawings that took `cost` ms each.
export const waitFor = (cost: number): number => Math.min(kMost, Math.max(kLeast, cost / kShare));

export class Pacing {
  private cost = 2; // ms of a drawing: of the scripts, and of the browser's layout and paint after them

  wait(): number {
    return document.hidden ? kHidden : waitFor(this.cost);
  }

  // Called before what is drawn changes.
  measure(): void {
    const began = performance.now();
    let scripts = 0;
    queueMicrotask(() => queueMicrotask(() => (scripts = performance.now() - began)));
    requestAnimationFrame(() => {
      const start = performance.now();
      const { port1, port2 } = new MessageChannel();
      port2.onmessage = () => {
        port1.close();
        this.note(scripts + performance.now() - start);
      };
      port1.postMessage(null); // comes after the frame
    });
  }

  private note(cost: number): void {
    this.cost += 0.25 * (Math.min(cost, kMost) - this.cost);
  }
}
