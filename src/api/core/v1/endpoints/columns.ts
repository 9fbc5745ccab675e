import { ageColumn, nameColumn, textColumn } from '../../../columns.ts';
import type { Column } from '../../../kind.ts';
import type { Endpoints } from '../types.gen.ts';

const shown = 3;

/** The first few of a list, and how many there are more. */
export const fewOf = (list: readonly string[]): string => {
  if (list.length === 0) return '';
  const text = list.slice(0, shown).join(',');
  return list.length > shown ? `${text} + ${list.length - shown} more...` : text;
};

const hostPort = (host: string, port: number): string => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);

function endpointsCell({ subsets = [] }: Endpoints): string {
  if (subsets.length === 0) return '<none>';
  return fewOf(
    subsets.flatMap(({ addresses = [], ports = [] }) =>
      ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
    ),
  );
}

export const endpointsColumns: readonly Column<Endpoints>[] = [nameColumn, textColumn('Endpoints', endpointsCell), ageColumn];
