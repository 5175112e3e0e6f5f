// Short messages at the edge of the page.
export interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
  act?: { label: string; run: () => void };
}

class Toasts {
  all = $state.raw<Toast[]>([]);
  private next = 1;

  show(text: string, kind: Toast['kind'] = 'info', act?: Toast['act']): void {
    const toast = { id: this.next++, text, kind, act };
    this.all = [...this.all.slice(-3), toast];
    setTimeout(() => this.close(toast.id), kind === 'error' ? 9000 : 5000);
  }

  error(error: unknown): void {
    this.show(error instanceof Error ? error.message : String(error), 'error');
  }

  // Says what goes wrong with it.
  watch(work: Promise<unknown> | undefined): void {
    work?.catch((error: unknown) => this.error(error));
  }

  close(id: number): void {
    this.all = this.all.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
