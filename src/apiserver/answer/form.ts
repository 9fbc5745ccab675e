import { badRequest } from '../../apimachinery/errors.ts';
import type { IncludeObject } from '../../apimachinery/table.ts';
import { includeObjectPolicies } from '../../apimachinery/table.ts';
import type { RequestContext } from '../context.ts';
import type { Encoding, RouteForms } from '../negotiation/accept.ts';
import { allEncodings, negotiate } from '../negotiation/accept.ts';
import type { Form } from './represent.ts';

const browsers = /^(?:curl|Wget|Mozilla)\//;

/** Whether JSON is indented: asked for, or the client is one that people type into. */
export function wantsPretty({ info, exchange }: RequestContext): boolean {
  const asked = info.query.size > 0 ? info.query.get('pretty') : null;
  if (asked !== null) return asked !== 'false' && asked !== '0';
  const agent = exchange.headers['user-agent'];
  return agent !== undefined && browsers.test(agent);
}

/** What the answer looks like. Fails with 406, and with 400 for an unknown `includeObject`. */
export function formOf(
  context: RequestContext,
  encodings: readonly Encoding[] = allEncodings,
  transforms = true,
  stream = false,
  route: RouteForms = 'object',
): Form {
  const media = negotiate(context.exchange.headers['accept'], encodings, transforms, stream, route);
  let include: IncludeObject = 'Metadata';
  if (media.as === 'Table' && context.info.query.has('includeObject')) {
    const asked = context.info.query.get('includeObject') as string;
    if (asked !== '' && !includeObjectPolicies.includes(asked as IncludeObject)) {
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(asked)}: must be 'Metadata', 'Object', 'None', or empty`,
      );
    }
    if (asked !== '') include = asked as IncludeObject;
  }
  return { media, pretty: media.encoding === 'json' && wantsPretty(context), include, now: context.now };
}
