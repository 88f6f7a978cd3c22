/**
 * Replaces $(NAME) by its value as Kubernetes does: $$ stands for one dollar, so that $$(NAME) stays
 * literal, and a reference to an unknown name stays as it is.
 */
export function expand(text: string, values: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (name === undefined) return '$';
    return values.get(name) ?? whole;
  });
}
