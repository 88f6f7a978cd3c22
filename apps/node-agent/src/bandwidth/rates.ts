/** What a node offers of something in a second, by name. */
export type Rates<Name extends string> = Readonly<Partial<Record<Name, number>>>;

/** `read=500Mi,write=200Mi`: whole amounts by these names; throws which pair is wrong and what is taken. */
export function parseRates<Name extends string>(
  text: string,
  names: readonly Name[],
  amountOf: (text: string) => number,
): Rates<Name> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  const parsed = pairs.map((pair) => {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at));
    if (!names.some((one) => one === name)) {
      throw new Error(`${JSON.stringify(pair)}: give ${names.join('=, ')}= and an amount`);
    }
    const amount = Math.round(amountOf(pair.slice(at + 1)));
    if (amount < 1) throw new Error(`${JSON.stringify(pair)} must be above 0`);
    return [name, amount];
  });
  return Object.fromEntries(parsed) as Rates<Name>;
}

/** What of them is known, as extended resources by these names. */
export function rateResources<Name extends string>(
  rates: Rates<Name>,
  resources: Readonly<Record<Name, string>>,
): Record<string, string> {
  const offered = Object.entries<number | undefined>(rates);
  return Object.fromEntries(
    offered.map(([name, amount]) => [resources[name as Name], String(amount)]),
  );
}
