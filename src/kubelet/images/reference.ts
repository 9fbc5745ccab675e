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
