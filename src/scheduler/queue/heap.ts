/** A binary heap. Entries that became void are skipped by whoever takes them, so nothing is removed from the middle. */
export interface Heap<T> {
  push(item: T): void;
  peek(): T | undefined;
  pop(): T | undefined;
  readonly size: number;
}

/** `before(a, b)`: a comes out before b. */
export function createHeap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = [];

  function swap(i: number, j: number): void {
    [items[i], items[j]] = [items[j]!, items[i]!];
  }

  function siftDown(): void {
    for (let at = 0; ; ) {
      const left = 2 * at + 1;
      let first = at;
      if (left < items.length && before(items[left]!, items[first]!)) first = left;
      if (left + 1 < items.length && before(items[left + 1]!, items[first]!)) first = left + 1;
      if (first === at) return;
      swap(at, first);
      at = first;
    }
  }

  return {
    push(item) {
      items.push(item);
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!before(items[at]!, items[parent]!)) return;
        swap(at, parent);
        at = parent;
      }
    },
    peek: () => items[0],
    pop() {
      const top = items[0];
      const last = items.pop();
      if (items.length > 0 && last !== undefined) {
        items[0] = last;
        siftDown();
      }
      return top;
    },
    get size() {
      return items.length;
    },
  };
}
