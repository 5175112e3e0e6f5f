// The page's clock for what shows how long something takes: it goes while that is so.
export function ticking(goes: () => boolean): { readonly now: number } {
  let now = $state(performance.now());
  $effect(() => {
    if (!goes()) return;
    const timer = setInterval(() => (now = performance.now()), 100);
    return () => clearInterval(timer);
  });
  return {
    get now() {
      return now;
    },
  };
}
