/** Names of images: `[host[:port]/]path[:tag][@digest]`. Source of the rule: distribution's reference grammar. */
const reference =
  /^(?:(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::\d+)?\/)?[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$/;

/** Adds `:latest` to a name without tag and digest; throws for what is no name. */
export function withDefaultTag(image: string): string {
  if (!reference.test(image)) {
    const why = reference.test(image.toLowerCase()) ? 'repository name must be lowercase' : 'invalid reference format';
    throw new Error(`couldn't parse image name "${image}": ${why === 'invalid reference format' ? why : `invalid reference format: ${why}`}`);
  }
  if (image.includes('@')) return image;
  const tail = image.slice(image.lastIndexOf('/') + 1);
  return tail.includes(':') ? image : `${image}:latest`;
}

/** The registry that serves an image: Docker's rule that a first part without dot, colon and not `localhost` is no host. */
export function registryOf(image: string): { host: string; path: string } {
  const slash = image.indexOf('/');
  const first = slash < 0 ? '' : image.slice(0, slash);
  if (first && (first.includes('.') || first.includes(':') || first === 'localhost')) return { host: first, path: image.slice(slash + 1) };
  return { host: 'index.docker.io', path: slash < 0 ? `library/${image}` : image };
}

/** Without tag and digest. */
export function nameOf(image: string): string {
  const bare = image.split('@')[0] ?? '';
  const tag = bare.lastIndexOf(':');
  return tag > bare.lastIndexOf('/') ? bare.slice(0, tag) : bare;
}

/** Without tag and digest, with the registry: `docker.io/library/busybox`. */
export function repositoryOf(image: string): string {
  const { host, path } = registryOf(nameOf(image));
  return `${host === 'index.docker.io' ? 'docker.io' : host}/${path}`;
}

/** How well `pattern` (a key of `auths`) fits the image: the length of the match, -1 for none. A `*` stands for one part of a host's name. */
export function matchRegistry(pattern: string, image: string): number {
  const registry = registryOf(image);
  const host = registry.host === 'docker.io' ? 'index.docker.io' : registry.host;
  const bare = pattern
    .replace(/^https?:\/\//, '')
    .replace(/\/v[12]\/?$/, '')
    .replace(/\/$/, '');
  const slash = bare.indexOf('/');
  const wantedHost = slash < 0 ? bare : bare.slice(0, slash);
  const wantedPath = slash < 0 ? '' : bare.slice(slash + 1);
  const normal = wantedHost === 'docker.io' ? 'index.docker.io' : wantedHost;
  const hostPattern = new RegExp(
    `^${normal
      .split('.')
      .map((part) => part.replace(/[\\^$+?.()|[\]{}]/g, '\\$&').replaceAll('*', '[^.]*'))
      .join('\\.')}$`,
  );
  if (!hostPattern.test(host)) return -1;
  if (wantedPath && registry.path !== wantedPath && !registry.path.startsWith(wantedPath)) return -1;
  return bare.length;
}
