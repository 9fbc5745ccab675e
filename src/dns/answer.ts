/** From a query to a response: codes, the authority section of negative answers, what fits into a datagram. Pure. */
import { type Answer, AUTHORITATIVE_ANSWER, type DecodedPacket, encode, type Packet, type Question, RECURSION_DESIRED, TRUNCATED_RESPONSE } from 'dns-packet';
import { type AliasRecord, addressOfReverseName, type DnsRecord, recordsOf, reverseRecords } from './records.ts';
import type { ClusterView } from './view.ts';

/** Seconds for which a record may be kept: short, since pods come and go (CoreDNS in upstream's setups says 30). */
const ttl = 5;
/** RFC 1035, section 4.2.1; larger where the client says so (RFC 6891). */
const plainDatagram = 512;
const largestDatagram = 4096;
const recursionAvailable = 0x80;
const rcode = { noError: 0, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 };

export type Outcome =
  | { kind: 'answer'; response: Packet }
  /** Not our zone: to be asked elsewhere. */
  | { kind: 'forward'; name: string }
  /** A CNAME out of the zone: the target's addresses, asked elsewhere, are to be added. */
  | { kind: 'follow'; response: Packet; target: string };

/** 0 is a plain query (RFC 1035, section 4.1.1). */
const opcodeOf = (packet: DecodedPacket): number => ((packet.flags ?? 0) >> 11) & 0xf;

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** What to do with a query. Names outside of the zone, and reverse names that nothing in the cluster has, are forwarded. */
export function resolve(view: ClusterView, domain: string, query: DecodedPacket): Outcome {
  const [question] = query.questions ?? [];
  if (!question || opcodeOf(query) !== 0) return { kind: 'answer', response: respond(query, rcode.notImplemented, []) };
  const name = canonical(question.name);
  const ip = question.type === 'PTR' ? addressOfReverseName(name) : undefined;
  if (ip !== undefined) {
    const found = reverseRecords(view, domain, question.name, ip);
    return found.length > 0 ? { kind: 'answer', response: respond(query, rcode.noError, toAnswers(found, question)) } : { kind: 'forward', name };
  }
  if (name !== domain && !name.endsWith(`.${domain}`)) return { kind: 'forward', name };
  const records = recordsOf(view, domain, name);
  if (!records) return { kind: 'answer', response: respond(query, rcode.nameError, [], [authority(domain)]) };
  const [first] = records;
  if (first?.type === 'CNAME' && question.type !== 'CNAME') return followAlias(view, domain, query, question, first);
  const matching = toAnswers(records, question).filter((record) => record.type === question.type || (question.type as string) === 'ANY');
  const response = respond(query, rcode.noError, matching, matching.length === 0 ? [authority(domain)] : []);
  return { kind: 'answer', response: { ...response, additionals: addressesOfTargets(view, domain, matching) } };
}

function followAlias(view: ClusterView, domain: string, query: DecodedPacket, question: Question, alias: AliasRecord): Outcome {
  const target = canonical(alias.data);
  const answers = toAnswers([alias], question);
  if (!target.endsWith(`.${domain}`)) return { kind: 'follow', response: respond(query, rcode.noError, answers), target };
  const more = (recordsOf(view, domain, target) ?? []).filter((record) => record.type === question.type);
  return { kind: 'answer', response: respond(query, rcode.noError, [...answers, ...toAnswers(more, { ...question, name: target })]) };
}

function toAnswers(records: readonly DnsRecord[], question: Question): Answer[] {
  // The name goes back as it was asked, letter case included: resolvers check it.
  return records.map((record): Answer => ({ ...record, name: question.name, ttl, class: 'IN' }));
}

function addressesOfTargets(view: ClusterView, domain: string, answers: readonly Answer[]): Answer[] {
  return answers.flatMap((answer) => {
    if (answer.type !== 'SRV') return [];
    const { target } = answer.data;
    return toAnswers(recordsOf(view, domain, target) ?? [], { type: 'A', name: target });
  });
}

const authority = (domain: string): Answer => ({
  type: 'SOA',
  name: domain,
  ttl,
  class: 'IN',
  data: { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7200, retry: 1800, expire: 86400, minimum: ttl },
});

function respond(query: DecodedPacket, code: number, answers: Answer[], authorities: Answer[] = []): Packet {
  const recursion = (query.flags ?? 0) & RECURSION_DESIRED;
  return {
    id: query.id,
    type: 'response',
    flags: AUTHORITATIVE_ANSWER | recursion | recursionAvailable | code,
    questions: query.questions,
    answers,
    authorities,
    additionals: [],
  };
}

export const serverFailure = (query: DecodedPacket): Packet => {
  const response = respond(query, rcode.serverFailure, []);
  return { ...response, flags: (response.flags ?? 0) & ~AUTHORITATIVE_ANSWER };
};

/** The bytes of a response for a datagram of the size that the client takes: cut to nothing and marked as truncated when it does not fit. */
export function encodeDatagram(response: Packet, query: DecodedPacket): Buffer {
  const whole = encode(response);
  if (whole.length <= datagramSize(query)) return whole;
  const withoutExtras = encode({ ...response, additionals: [] });
  if (withoutExtras.length <= datagramSize(query)) return withoutExtras;
  return encode({ ...response, answers: [], additionals: [], flags: (response.flags ?? 0) | TRUNCATED_RESPONSE });
}

/** How many bytes the client takes over UDP. */
function datagramSize(query: DecodedPacket): number {
  const edns = query.additionals?.find((one) => one.type === 'OPT');
  return edns && 'udpPayloadSize' in edns ? Math.min(Math.max(edns.udpPayloadSize, plainDatagram), largestDatagram) : plainDatagram;
}
