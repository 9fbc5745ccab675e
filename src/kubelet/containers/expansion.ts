/** `$(NAME)` in commands, arguments and values. `$$(NAME)` stays as `$(NAME)`; an unknown name stays as it is written. */
export function expand(input: string, lookup: (name: string) => string | undefined): string {
  let out = '';
  let at = 0;
  while (at < input.length) {
    const char = input[at];
    if (char !== '$' || at + 1 >= input.length) {
      out += char;
      at++;
      continue;
    }
    const next = input[at + 1];
    if (next === '$') {
      out += '$';
      at += 2;
    } else if (next === '(') {
      const end = input.indexOf(')', at + 2);
      if (end < 0) {
        out += '$(';
        at += 2;
      } else {
        const name = input.slice(at + 2, end);
        out += lookup(name) ?? `$(${name})`;
        at = end + 1;
      }
    } else {
      out += `$${next}`;
      at += 2;
    }
  }
  return out;
}
