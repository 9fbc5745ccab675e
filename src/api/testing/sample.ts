/** An object with every field of its type set, but for `apiVersion` and `kind`, each to a value of its own. Only for tests. */
import type { AnyType, Field, FieldType, Scalar, Struct } from '../../apimachinery/schema.ts';

/** Types that contain themselves are followed so far. */
const maxNesting = 2;

/** In protobuf it is written once, around the object. */
const isTypeMeta = ({ name, number }: Field): boolean => (name === 'apiVersion' || name === 'kind') && number === undefined;

class Sampler {
  #counter = 0;
  readonly #open: Struct[] = [];

  struct(struct: Struct): Record<string, unknown> {
    this.#open.push(struct);
    const sample: Record<string, unknown> = {};
    for (const [name, field] of struct.fields) {
      if (!isTypeMeta(field) && this.#mayFollow(field.type)) sample[name] = this.#value(field.type);
    }
    this.#open.pop();
    return sample;
  }

  #mayFollow(type: FieldType): boolean {
    if (type.type === 'array') return this.#mayFollow(type.items);
    if (type.type === 'map') return this.#mayFollow(type.values);
    const struct = type.type === 'object' ? type.struct : type.type === 'any' ? type.either?.struct : undefined;
    return struct === undefined || this.#open.filter((open) => open === struct).length < maxNesting;
  }

  #value(type: FieldType): unknown {
    const number = ++this.#counter;
    switch (type.type) {
      case 'array':
        return type.items.type === 'object' ? [this.#value(type.items)] : [this.#value(type.items), this.#value(type.items)];
      case 'map':
        return { [`key${number}`]: this.#value(type.values) };
      case 'object':
        return this.struct(type.struct);
      case 'any':
        return this.#any(type, number);
      default:
        return this.#scalar(type, number);
    }
  }

  #any({ form, either }: AnyType, number: number): unknown {
    if (either) return this.struct(either.struct);
    if (form === 'fields') return { [`f:field${number}`]: {} };
    return form === 'raw-extension' ? { apiVersion: 'example.com/v1', kind: 'Sample', number } : { number };
  }

  #scalar(type: Scalar, number: number): unknown {
    if (type.type === 'boolean') return true;
    if (type.type === 'integer') return number;
    if (type.type === 'number') return number + 0.5;
    const seconds = String(number % 60).padStart(2, '0');
    switch (type.format) {
      case 'date-time':
        return `2026-01-02T03:04:${seconds}Z`;
      case 'micro-time':
        return `2026-01-02T03:04:${seconds}.000${String(number % 1000).padStart(3, '0')}Z`;
      case 'byte':
        return Buffer.from(`bytes ${number}`).toString('base64');
      case 'quantity':
        return `${number}m`;
      case 'int-or-string':
        return number % 2 === 0 ? number : `text${number}`;
      case 'duration':
        return `${number % 60}s`;
      default:
        return `text${number}`;
    }
  }
}

export const sampleOf = (struct: Struct): Record<string, unknown> => new Sampler().struct(struct);
