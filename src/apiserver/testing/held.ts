/** Requests that are under way for as long as a test wants. Only for tests. */
import type { ApiServer } from '../apiserver.ts';

/** Keeps creations of objects of that name in admission; `begun` resolves when the first is there. */
export function holdCreations({ addAdmission }: Pick<ApiServer, 'addAdmission'>, name = 'slow'): { begun: Promise<void>; release(): void } {
  const { promise: letGo, resolve: release } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  addAdmission([
    {
      name: 'Slow',
      handles: ({ operation }) => operation === 'CREATE',
      admit(attributes) {
        if (attributes.name !== name) return;
        begin();
        return letGo;
      },
    },
  ]);
  return { begun, release };
}
