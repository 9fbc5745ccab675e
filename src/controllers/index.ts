/** Every controller of the controller manager, by upstream's name. */
import type { ControllerDefinition } from './controller.ts';

export const controllers: readonly ControllerDefinition[] = [];
