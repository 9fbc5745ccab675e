/** Named formats: `format.dns1123Label().validate(name)` gives what is wrong, or nothing. */
import { Optional } from '@marcbachmann/cel-js';
import { label1035Name, labelName, subdomainName, validateLabelValue, validateQualifiedName } from '../../names.ts';
import { define, type Library, namespace } from './register.ts';
import { parseUrl } from './urls.ts';

type Validate = (text: string) => string[];

export class CelFormat {
  readonly name: string;
  readonly validate: Validate;

  constructor(name: string, validate: Validate) {
    this.name = name;
    this.validate = validate;
  }
}

const expect =
  (test: (text: string) => boolean, message: string): Validate =>
  (text) =>
    test(text) ? [] : [message];
const isDate = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`));

const validators: Readonly<Record<string, Validate>> = {
  dns1123Label: (text) => labelName(text, false),
  dns1123Subdomain: (text) => subdomainName(text, false),
  dns1035Label: (text) => label1035Name(text, false),
  qualifiedName: validateQualifiedName,
  dns1123LabelPrefix: (text) => labelName(text, true),
  dns1123SubdomainPrefix: (text) => subdomainName(text, true),
  dns1035LabelPrefix: (text) => label1035Name(text, true),
  labelValue: validateLabelValue,
  uri: (text) => (parseUrl(text) ? [] : [`parse ${JSON.stringify(text)}: invalid URI for request`]),
  uuid: expect((text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text), 'does not match the UUID format'),
  byte: expect((text) => text !== '' && /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), 'invalid base64'),
  date: expect(isDate, 'invalid date'),
  datetime: expect((text) => /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i.test(text) && isDate(text.slice(0, 10)), 'invalid datetime'),
};

const known = new Map(Object.entries(validators).map(([name, validate]) => [name, new CelFormat(name, validate)]));
const type = 'kubernetes.NamedFormat';

export const formats: Library = (environment) => {
  environment.registerType(type, CelFormat);
  namespace(environment, 'format', 'FormatNamespace');
  for (const [name, format] of known) define(environment, `FormatNamespace.${name}(): ${type}`, () => format);
  define(environment, `FormatNamespace.named(string): optional<${type}>`, (_: unknown, name: string) => {
    const format = known.get(name);
    return format ? Optional.of(format) : Optional.none();
  });
  define(environment, `${type}.validate(string): optional<list<string>>`, (format: CelFormat, text: string) => {
    const wrong = format.validate(text);
    return wrong.length > 0 ? Optional.of(wrong) : Optional.none();
  });
};
